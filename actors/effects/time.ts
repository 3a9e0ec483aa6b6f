import { fromPromise } from 'xstate'
import type { Clock } from '../../machines/domain/ports.js'

/** The longest time that a timer keeps; more fires at once. */
const longestTimer = 2 ** 31 - 1

/** Resolves with `at` once it has come; never for Infinity. */
export const waitUntil = ({ clock }: { clock: Clock }) =>
  fromPromise<{ at: number }, { at: number }>(({ input, signal }) => sleepUntil(input.at, clock, signal))

function sleepUntil(at: number, clock: Clock, signal: AbortSignal): Promise<{ at: number }> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const wait = () => {
      const rest = at - clock.now()
      if (rest <= 0) resolve({ at })
      else timer = setTimeout(wait, Math.min(rest, longestTimer))
    }
    if (at === Number.POSITIVE_INFINITY) return
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    wait()
  })
}
