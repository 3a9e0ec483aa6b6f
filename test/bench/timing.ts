/** Milliseconds of each run. */
export type Timing = number[]

/** Runs `act` so often, one after the other; `after` is not measured. */
export async function timed(
  runs: number,
  act: () => Promise<unknown>,
  { after = async () => {} }: { after?: () => Promise<unknown> } = {},
): Promise<Timing> {
  const timing: Timing = []
  for (let run = 0; run < runs; run += 1) {
    const begun = performance.now()
    await act()
    timing.push(performance.now() - begun)
    await after()
  }
  return timing
}

/** Runs, median, worst. */
export function summary(timing: Timing): [number, string, string] {
  const sorted = [...timing].sort((one, other) => one - other)
  const figure = (value = 0) => value.toFixed(value < 10 ? 2 : 0)
  return [sorted.length, figure(sorted[sorted.length >> 1]), figure(sorted.at(-1))]
}
