import type { Dispose } from '../../machines/domain/ports.js'

/** The functions that want to know of an event. */
export function createListeners<Event>() {
  const listeners = new Set<(event: Event) => void>()
  return {
    add(listener: (event: Event) => void): Dispose {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    notify(event: Event): void {
      for (const listener of listeners) listener(event)
    },
  }
}
