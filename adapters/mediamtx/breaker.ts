import CircuitBreaker from 'opossum'
import type { BreakerEvent } from '../../machines/domain/mediaServer.js'
import type { Dispose } from '../../machines/domain/ports.js'
import { Refused, Unreachable } from './api.js'

export interface Breaker {
  /** Runs the task. Rejects at once with `Unreachable` while open; after a delay one trial call is allowed. */
  run<T>(task: () => Promise<T>): Promise<T>
  on(listener: (event: BreakerEvent) => void): Dispose
  /** Stops its timers. Later calls are rejected with `Unreachable`. */
  close(): void
}

/** Delay before a trial call is allowed, in ms. machines/mediamtxLink.ts has the effective, longer delays. */
const reset = 50

/**
 * A circuit breaker by opossum. It opens after `threshold` calls that failed in a row, whenever they were made. A refusal
 * by the server is an answer and ends the row. A call that its caller aborted has no result and changes nothing.
 */
export function createBreaker({ threshold }: { threshold: number }): Breaker {
  const circuit: CircuitBreaker<[() => Promise<unknown>], unknown> = new CircuitBreaker(
    (task: () => Promise<unknown>) => task(),
    {
      timeout: false,
      // Its own rule is a share of all calls of 10 s, which never opens it here: its statistics need no timers.
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      rollingCountBuckets: 1,
      enableSnapshots: false,
      resetTimeout: reset,
      rollingPercentilesEnabled: false,
      // A trial call that its caller aborted has no result, so it must not close the breaker.
      errorFilter: (error: unknown) =>
        error instanceof Refused || (!(error instanceof Unreachable) && !circuit.halfOpen),
    },
  )
  let inARow = 0
  circuit.on('failure', () => {
    inARow += 1
    if (inARow >= threshold) circuit.open()
  })
  // An error that is no failure is a success for opossum.
  circuit.on('success', (result) => {
    if (!(result instanceof Error) || result instanceof Refused) inARow = 0
  })
  return {
    run: async <T>(task: () => Promise<T>) => {
      try {
        return (await circuit.fire(task)) as T
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EOPENBREAKER')
          throw new Unreachable('too many calls failed', false)
        if (error instanceof Error && 'code' in error && error.code === 'ESHUTDOWN')
          throw new Unreachable('the service is stopping', false)
        throw error
      }
    },
    close: () => circuit.shutdown(),
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
