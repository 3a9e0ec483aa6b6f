import { fromPromise } from 'xstate'
import type { Clock } from '../../machines/domain/ports.js'

/** The longest delay of a timer; a longer one fires at once. */
const longestTimer = 2 ** 31 - 1

/** Resolves with `at` when that time has come; never for Infinity. */
export const waitUntil = ({ clock }: { clock: Clock }) =>
  fromPromise<{ at: number }, { at: number }>(({ input, signal }) => sleepUntil(input.at, clock, signal))

/**
 * Aborts with `signal`, or after `limit` ms. Not by AbortSignal.any: Node 20 collects a time-out as garbage that only a joined
 * signal refers to, and it never fires.
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

/** Reads the clock once: a step of the clock (NTP) must not end a timed recording early or late. */
function sleepUntil(at: number, clock: Clock, signal: AbortSignal): Promise<{ at: number }> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const end = performance.now() + at - clock.now()
    const wait = () => {
      const rest = end - performance.now()
      if (rest <= 0) resolve({ at })
      else timer = setTimeout(wait, Math.min(rest, longestTimer))
    }
    if (at === Number.POSITIVE_INFINITY) return
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    wait()
  })
}
