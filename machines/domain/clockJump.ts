/** Jumps of the wall clock: somebody set it, or the host was suspended. */

import { type ClockReading, isBeforeClocks } from './clockTrust.js'
import type { ClockJump, Fact } from './facts.js'

/** A smaller difference is no jump, in ms: time servers correct the clock by little all the time. */
const tolerance = 2_000

/** Measures by how much the wall clock was set between two readings. */
export function changeBetween(one: ClockReading, other: ClockReading): ClockJump {
  const from = Math.round(one.wall + other.monotonic - one.monotonic)
  return { from, to: other.wall, by: other.wall - from }
}

/** Judges such a change: small ones are no jumps. */
export const isJump = ({ by }: ClockJump): boolean => Math.abs(by) > tolerance

/**
 * True for the first setting of a clock that starts in 1970. No expiry could be checked before
 * it, so the accepted credentials are judged again.
 */
export const isFirstSetting = (fact: Fact): boolean =>
  fact.type === 'system.clock_jumped' && isBeforeClocks(fact.from) && !isBeforeClocks(fact.to)
