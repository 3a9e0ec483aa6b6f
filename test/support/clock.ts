import type { Clock } from '../../machines/domain/ports.js'

/** Clocks that the test moves: `passes` moves both, `steps` sets the wall clock only. */
export function createClock(start = Date.UTC(2026, 0, 2, 3, 4, 5, 6)): Clock & {
  passes(ms: number): void
  steps(ms: number): void
} {
  let [wall, monotonic] = [start, 1_000]
  return {
    now: () => wall,
    monotonic: () => monotonic,
    passes(ms) {
      wall += ms
      monotonic += ms
    },
    steps(ms) {
      wall += ms
    },
  }
}

/** In ms. */
export const day = 86_400_000
