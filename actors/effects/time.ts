import { fromPromise } from 'xstate'
import type { WatchedReading } from '../../machines/clockWatch.js'
import { changeBetween } from '../../machines/domain/clockJump.js'
import type { ClockReading } from '../../machines/domain/clockTrust.js'
import type { ClockJump } from '../../machines/domain/facts.js'
import type { Clock } from '../../machines/domain/ports.js'

/** How often the clock is read again, in ms: somebody may set it. A timer of more than 2³¹−1 ms would fire at once. */
const recheck = 10_000

/** Reads both clocks, and measures how the wall clock was set since the last reading. The machine judges it. */
export const readClock = (clock: Clock) =>
  fromPromise<WatchedReading, { last?: ClockReading | undefined }>(async ({ input: { last } }) => {
    const reading = { wall: clock.now(), monotonic: clock.monotonic() }
    const change = changeBetween(last ?? reading, reading)
    return { ...reading, change, evidence: evidenceOf(change) }
  })

const evidenceOf = ({ from, to, by }: ClockJump) => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
  by_ms: by,
})

/** Resolves with `at` at that time of the clock `now`; never for Infinity. */
export const waitUntil = (now: () => number) =>
  fromPromise<{ at: number }, { at: number }>(({ input: { at }, signal }) => sleep(at, () => at - now(), signal))

/**
 * Settles like `act`, whose signal aborts with `signal`, or after `limit` ms. Does not use AbortSignal.any: in Node 20 a
 * timeout signal that only a combined signal references is garbage-collected and never fires. The timer ends with
 * `act`: a question that is asked every second must not leave twenty of them behind.
 */
export async function within<T>(
  limit: number,
  signal: AbortSignal,
  act: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const joined = new AbortController()
  const abort = () => joined.abort(signal.reason)
  const timer = setTimeout(() => joined.abort(new Error(`no answer within ${limit / 1000} s`)), limit)
  timer.unref()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await act(joined.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/** Resolves with `at` when no time is left; never for Infinity. */
export function sleep(at: number, left: () => number, signal: AbortSignal): Promise<{ at: number }> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const wait = () => {
      const rest = left()
      if (rest <= 0) resolve({ at })
      else timer = setTimeout(wait, Math.min(rest, recheck))
    }
    if (at === Number.POSITIVE_INFINITY) return
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    wait()
  })
}
