import CircuitBreaker from 'opossum'
import type { BreakerEvent } from '../../machines/domain/mediaServer.js'
import type { Dispose } from '../../machines/domain/ports.js'
import { Refused, Unreachable } from './api.js'

export interface Breaker {
  /** Rejects at once with `Unreachable` while it is open, and lets one trial pass a moment later. */
  run<T>(task: () => Promise<T>): Promise<T>
  on(listener: (event: BreakerEvent) => void): Dispose
}

/** From opening to the first call that may close it again, in ms. The pauses that matter are those of machines/mediamtxLink.ts. */
const reset = 50

/**
 * Counts failed calls, by opossum: more than `threshold` in 10 s that are more than half of the calls open it. Only
 * silence counts: a refusal is an answer.
 */
export function createBreaker({ threshold }: { threshold: number }): Breaker {
  const circuit: CircuitBreaker<[() => Promise<unknown>], unknown> = new CircuitBreaker(
    (task: () => Promise<unknown>) => task(),
    {
      timeout: false,
      volumeThreshold: threshold,
      errorThresholdPercentage: 50,
      resetTimeout: reset,
      rollingPercentilesEnabled: false,
      // A trial call that its caller gave up has shown nothing: it must not close the breaker.
      errorFilter: (error: unknown) =>
        error instanceof Refused || (!(error instanceof Unreachable) && !circuit.halfOpen),
    },
  )
  return {
    run: async <T>(task: () => Promise<T>) => {
      try {
        return (await circuit.fire(task)) as T
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EOPENBREAKER')
          throw new Unreachable('too many calls failed', false)
        throw error
      }
    },
    on: (listener) => {
      const opened = () => listener({ type: 'breaker.opened' })
      const closed = () => listener({ type: 'breaker.closed' })
      circuit.on('open', opened)
      circuit.on('close', closed)
      return () => {
        circuit.off('open', opened)
        circuit.off('close', closed)
      }
    },
  }
}
