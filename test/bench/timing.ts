/** Milliseconds of each run. */
export type Timing = number[]

/** Runs `act` so often, one after the other; `after` is not measured. */
export async function timed(runs: number, act: () => Promise<unknown>, { after = async () => {} }: { after?: () => Promise<unknown> } = {}): Promise<Timing> {
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
  const digits = (sorted.at(-1) ?? 0) < 10 ? 2 : 0
  return [sorted.length, (sorted[sorted.length >> 1] ?? 0).toFixed(digits), (sorted.at(-1) ?? 0).toFixed(digits)]
}
