import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds of each run. */
export type Timing = number[]

/**
 * Runs `act` so often, one after the other; `before` and `after` are not measured. A busy host can starve the media
 * server until the service replaces it: a run that is refused then is done again, up to five times in all.
 */
export async function timed(
  runs: number,
  act: () => Promise<unknown>,
  {
    before = async () => {},
    after = async () => {},
  }: { before?: (run: number) => Promise<unknown>; after?: () => Promise<unknown> } = {},
): Promise<Timing> {
  const timing: Timing = []
  for (let refusals = 0; timing.length < runs; ) {
    try {
      await before(timing.length)
      const begun = performance.now()
      await act()
      timing.push(performance.now() - begun)
    } catch (error) {
      refusals += 1
      if ((error as { code?: unknown }).code !== dependencyFailed || refusals > 5) throw error
      console.log('  refused, because the media server did not answer; again')
      await sleep(3_000)
      continue
    }
    await after()
  }
  return timing
}

const dependencyFailed = -32050

/** The value that a share of all values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
}

/** The upper one of the two in the middle. */
export const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[values.length >> 1] ?? Number.NaN

export const figure = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 2 : 0)

/** Runs, median, worst. */
export const summary = (timing: Timing): [number, string, string] => [
  timing.length,
  figure(median(timing)),
  figure(Math.max(...timing)),
]
