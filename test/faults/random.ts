/** Random choices that a seed determines. */
export interface Dice {
  /** 0 to 1. */
  random: () => number
  pick: <T>(values: readonly T[]) => T
}

/** The generator mulberry32. */
export function dice(seed: number): Dice {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { random, pick: <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T }
}
