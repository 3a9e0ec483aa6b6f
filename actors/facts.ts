import type { Fact, Told } from '../machines/domain/facts.js'
import type { Dispose, Log, WallClock } from '../machines/domain/ports.js'

/** Publishes facts: numbers them, adds the time and passes them to the listeners in order. */
export interface Facts {
  publish(fact: Fact): void
  subscribe(listener: (fact: Told) => void): Dispose
  /** Resolves with the next fact for which `isIt` returns true; rejects with the signal's reason. */
  next<F extends Fact>(isIt: (fact: Fact) => fact is F, signal: AbortSignal): Promise<Told<F>>
}

/** Logs an error that a listener throws; the other listeners still get the fact. */
export function createFacts({ clock, log }: { clock: WallClock; log: Log }): Facts {
  const listeners = new Set<(fact: Told) => void>()
  let seq = 0
  const subscribe = (listener: (fact: Told) => void): Dispose => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return {
    subscribe,
    publish(fact) {
      seq += 1
      const told: Told = { ...fact, seq, at: clock.now() }
      for (const listener of listeners) {
        try {
          listener(told)
        } catch (error) {
          log.error('a listener of facts failed', { fact: fact.type, error })
        }
      }
    },
    next: (isIt, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted()
        const done = (settle: () => void) => {
          unsubscribe()
          signal.removeEventListener('abort', abort)
          settle()
        }
        const abort = () => done(() => reject(signal.reason))
        const unsubscribe = subscribe((fact) => {
          if (isIt(fact)) done(() => resolve(fact))
        })
        signal.addEventListener('abort', abort)
      }),
  }
}
