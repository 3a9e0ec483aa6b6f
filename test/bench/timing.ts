/** Milliseconds of each run. */
export type Timing = number[]

/** Runs `act` so often, one after the other; `before` and `after` are not measured. */
export async function timed(
  runs: number,
  act: () => Promise<unknown>,
  {
    before = async () => {},
    after = async () => {},
  }: { before?: (run: number) => Promise<unknown>; after?: () => Promise<unknown> } = {},
): Promise<Timing> {
  const timing: Timing = []
  for (let run = 0; run < runs; run += 1) {
    await before(run)
    const begun = performance.now()
    await act()
    timing.push(performance.now() - begun)
    await after()
  }
  return timing
}

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
