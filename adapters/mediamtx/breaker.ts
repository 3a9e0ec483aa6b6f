import CircuitBreaker from 'opossum'
import type { Dispose } from '../../machines/domain/ports.js'
import { Refused, Unreachable } from './api.js'

export interface BreakerOptions {
  /** Failed calls within 10 s that open it, when they are more than half of the calls. */
  threshold: number
  /** From open to the trial call, in ms. */
  resetTimeout: number
}

export type BreakerState = 'open' | 'halfOpen' | 'closed'

export interface Breaker {
  /** Rejects at once with `Unreachable` while it is open. */
  run<T>(task: () => Promise<T>): Promise<T>
  state(): BreakerState
  close(): void
  on(listener: (state: BreakerState) => void): Dispose
}

/** "The media server is down", as opossum says it. Only silence counts: a refusal is an answer. */
export function createBreaker({ threshold, resetTimeout }: BreakerOptions): Breaker {
  const circuit: CircuitBreaker<[() => Promise<unknown>], unknown> = new CircuitBreaker(
    (task: () => Promise<unknown>) => task(),
    {
      timeout: false,
      volumeThreshold: threshold,
      errorThresholdPercentage: 50,
      resetTimeout,
      rollingPercentilesEnabled: false,
      // A trial call that its caller gave up has shown nothing: it must not close the breaker.
      errorFilter: (error: unknown) =>
        error instanceof Refused || (!(error instanceof Unreachable) && !circuit.halfOpen),
    },
  )
  const state = (): BreakerState => (circuit.closed ? 'closed' : circuit.halfOpen ? 'halfOpen' : 'open')

  return {
    run: async <T>(task: () => Promise<T>) => {
      try {
        return (await circuit.fire(task)) as T
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EOPENBREAKER')
          throw new Unreachable('calls are paused since it failed', false)
        throw error
      }
    },
    state,
    close: () => circuit.close(),
    on: (listener) => {
      const events = {
        open: () => listener('open'),
        halfOpen: () => listener('halfOpen'),
        close: () => listener('closed'),
      }
      circuit.on('open', events.open)
      circuit.on('halfOpen', events.halfOpen)
      circuit.on('close', events.close)
      listener(state())
      return () => {
        circuit.off('open', events.open)
        circuit.off('halfOpen', events.halfOpen)
        circuit.off('close', events.close)
      }
    },
  }
}
