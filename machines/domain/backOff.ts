/** Waiting times that grow, and that differ between services which lost the same server at the same time. */

/** `first` ms, doubled with each further attempt, at most `most` ms, ±25 % by `seed`. */
export function backOff({
  attempts,
  seed,
  first,
  most,
}: {
  attempts: number
  seed: number
  first: number
  most: number
}): number {
  const delay = Math.min(most, first * 2 ** Math.min(Math.max(0, attempts - 1), 20))
  return Math.round(delay * (0.75 + seed / 2 ** 33))
}

/** The next number of a series that looks random: a pure machine takes its chance from its own last number. 0 to 2³²−1. */
export const nextSeed = (seed: number): number => (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
