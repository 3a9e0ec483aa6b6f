import { fromPromise } from 'xstate'
import type { ClockReading } from '../../machines/domain/clockTrust.js'
import type { Clock } from '../../machines/domain/ports.js'

/** The longest delay of a timer, in ms. A longer one fires at once. */
const longestTimer = 2 ** 31 - 1

/** Reads both clocks. */
export const readClock = (clock: Clock) =>
  fromPromise<ClockReading>(async () => ({ wall: clock.now(), monotonic: clock.monotonic() }))

/** Resolves with `at` at that time of the clock `now`; never for Infinity. */
export const waitUntil = (now: () => number) =>
  fromPromise<{ at: number }, { at: number }>(({ input: { at }, signal }) => sleep(at, at - now(), signal))

/**
 * Returns a signal that aborts with `signal`, or after `limit` ms. Does not use AbortSignal.any: in Node 20 a timeout
 * signal that only a combined signal references is garbage-collected and never fires.
 */
export function within(limit: number, signal: AbortSignal): AbortSignal {
  const joined = new AbortController()
  const abort = () => {
    clearTimeout(timer)
    joined.abort(signal.reason)
  }
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', abort)
    joined.abort(new Error(`no answer within ${limit / 1000} s`))
  }, limit)
  timer.unref()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return joined.signal
}

/** Resolves with `at` after `rest` ms of elapsed time; a step of the wall clock does not change that. */
export function sleep(at: number, rest: number, signal: AbortSignal): Promise<{ at: number }> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const end = performance.now() + rest
    const wait = () => {
      const left = end - performance.now()
      if (left <= 0) resolve({ at })
      else timer = setTimeout(wait, Math.min(left, longestTimer))
    }
    if (at === Number.POSITIVE_INFINITY) return
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    wait()
  })
}
