/** Jumps of the wall clock: somebody set it, or the host was suspended. */

import { type ClockReading, isBeforeClocks } from './clockTrust.js'
import type { ClockJump, Fact } from './facts.js'

/** A smaller difference is no jump, in ms: time servers correct the clock by little all the time. */
const tolerance = 2_000

/** Returns the jump of the wall clock between two readings, if there was one. */
export function jumpBetween(one: ClockReading, other: ClockReading): ClockJump | undefined {
  const from = Math.round(one.wall + other.monotonic - one.monotonic)
  const by = other.wall - from
  return Math.abs(by) > tolerance ? { from, to: other.wall, by } : undefined
}

/**
 * True for the first setting of a clock that starts in 1970. No expiry could be checked before
 * it, so the accepted credentials are judged again.
 */
export const isFirstSetting = (fact: Fact): boolean =>
  fact.type === 'system.clock_jumped' && isBeforeClocks(fact.from) && !isBeforeClocks(fact.to)
