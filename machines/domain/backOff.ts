/** Exponential back-off with jitter, so that services that lost the same server do not retry at the same time. */

/** Returns `first` ms, doubled with each further attempt, at most `most` ms, ±25 % depending on `seed`. */
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

/** Returns the next pseudo-random number, 0 to 2³²−1. Machines are pure, so they keep the seed in their context. */
export const nextSeed = (seed: number): number => (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
