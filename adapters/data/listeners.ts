import type { Dispose } from '../../machines/domain/ports.js'

/** The functions that want to know of an event. */
export interface Listeners<Event> {
  add(listener: (event: Event) => void): Dispose
  notify(event: Event): void
}

export function createListeners<Event>(): Listeners<Event> {
  const listeners = new Set<(event: Event) => void>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    notify(event) {
      for (const listener of listeners) listener(event)
    },
  }
}
