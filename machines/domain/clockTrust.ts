/** Whether the wall clock can be trusted to tell how old a file is. Durations in ms. */

import { because, type Reason } from './reason.js'
import { noteShown, type ShownTimes } from './wrongTimes.js'

/** A reading of both clocks. `monotonic` is not set by anybody, and begins anew with the process. */
export interface ClockReading {
  /** Epoch ms. */
  wall: number
  monotonic: number
  /** Names the boot of the host, if the host tells it. */
  boot?: string
}

/** What is kept about the wall clock, also over restarts. */
export interface ClockRecord extends ShownTimes {
  /** The wall clock at the last reading, epoch ms. */
  wall: number
  /**
   * The time that it should have shown: the last trusted time and the monotonic time since. Absent: no clock was
   * trusted yet. 0: not known any more.
   */
  expected?: number
  /** Present while the clock is suspect: how long it has run without another jump. */
  steadyFor?: number
}

/** Keeps the record, and reads the clocks. */
export interface ClockStore {
  read(): ClockReading
  /** Resolves with `undefined` if there is no file. Renames a damaged file and resolves with a suspect record. */
  load(): Promise<ClockRecord | undefined>
  save(record: ClockRecord): Promise<void>
}

const hour = 3_600_000
const day = 24 * hour
/** A larger jump of the clock is suspect. */
const tolerance = day
/** A suspect clock is trusted after it has run this long without another jump. */
const settleTime = 24 * hour
/** 2000-01-01. Hosts without a battery start in 1970, and some at the date of their firmware. */
const earliest = 946_684_800_000

/** A record that makes every clock suspect until it has settled. */
export const unknownTime: ClockRecord = { wall: 0, expected: 0, steadyFor: 0 }

/** True for a time that no clock that was set can have shown. */
export const isBeforeClocks = (time: number): boolean => time < earliest

export const isSuspect = ({ steadyFor }: ClockRecord): boolean => steadyFor !== undefined

/**
 * Returns the record after a reading. `elapsed`: the monotonic time since the last one; 0 after a start, because nobody
 * knows how long the service was off. Without an expected time any clock that was set is trusted.
 *
 * A jump by more than a day, in either direction, makes the clock suspect. A long time off looks the same as a wrong
 * clock. It is trusted again when it is back within a day of the expected time, or when it has run for 24 hours without
 * another jump; time off is not counted.
 */
export function judgeClock(
  record: ClockRecord | undefined,
  wall: number,
  elapsed: number,
): Pick<ClockRecord, 'wall' | 'expected' | 'steadyFor'> {
  const trusted = { wall, expected: wall }
  const known = record?.expected
  const expected = known ? known + elapsed : known
  if (isBeforeClocks(wall)) return { wall, ...(expected !== undefined && { expected }), steadyFor: 0 }
  if (record === undefined || expected === undefined) return trusted
  if (Math.abs(wall - expected) <= tolerance) return trusted
  const isSteady = Math.abs(wall - record.wall - elapsed) <= tolerance
  const steadyFor = isSteady && record.steadyFor !== undefined ? record.steadyFor + elapsed : 0
  return steadyFor >= settleTime ? trusted : { wall, expected, steadyFor }
}

/** The same, with the times that the clock has shown. */
export function afterReading(
  record: ClockRecord | undefined,
  { wall, boot }: Pick<ClockReading, 'wall' | 'boot'>,
  elapsed: number,
): ClockRecord {
  const judged = judgeClock(record, wall, elapsed)
  const { wall: last, expected, steadyFor, ...times } = record ?? { wall }
  if (isBeforeClocks(wall)) {
    const { stretch: _, ...others } = times
    return { ...others, ...judged }
  }
  const shown = noteShown(times, {
    wall,
    reached: last + elapsed,
    boot,
    isSameRun: elapsed > 0,
    isTrusted: !isSuspect(judged),
    wasDoubted: steadyFor !== undefined || expected === undefined,
  })
  return { ...shown, ...judged }
}

/** Returns the record after a client has confirmed the clock: the next reading is trusted. */
export function confirmed({ expected: _, steadyFor: __, ...record }: ClockRecord): ClockRecord {
  return record
}

/** Returns why files are not deleted by age, and what to do. */
export function reasonOfSuspicion({ wall, expected = 0 }: ClockRecord): Reason {
  const shown = `the clock shows ${new Date(wall).toISOString()}`
  if (isBeforeClocks(wall))
    return because('clock_suspect', `${shown}: it was not set. No file is deleted by age until it is set`)
  const days = Math.round(Math.abs(wall - expected) / day)
  const compared =
    expected === 0
      ? 'but the last time seen is not known'
      : `${days} ${days === 1 ? 'day' : 'days'} ${wall > expected ? 'later' : 'earlier'} than expected`
  const remedy = 'if it is right, call cleanup_old_files; if not, set it'
  return because(
    'clock_suspect',
    `${shown}, ${compared}. No file is deleted by age until it has run for 24 hours without another jump: ${remedy}`,
  )
}
