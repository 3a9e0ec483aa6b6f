/** How much the disk of the recordings can still take, and how fast it is used. Sizes in bytes, times in ms. */
import type { DiskUsage } from './files.js'

/** A measurement. `at`: monotonic time. */
export interface Measured extends DiskUsage {
  at: number
}

export interface DiskLimits {
  /** Usage of bytes or inodes, in percent, that causes a warning, and that blocks recordings. */
  warnPercent: number
  blockPercent: number
  /** Bytes that stay free: less blocks recordings, less than twice as many causes a warning. 0: no such limit. */
  minFree: number | 'auto'
  /** Bytes that retention frees when the disk fills up. 0 or absent: it only deletes what its policy names. */
  freeTarget?: number
}

/** `interval`: the longest time between two measurements, in ms. */
export interface StorageSettings extends DiskLimits {
  interval: number
  /** Recordings have different priorities: the lowest stop first. */
  isGraded?: boolean
}

/** How fast the disk is used. */
export interface WriteRate {
  /** Bytes per ms. */
  perMs: number
  /** False: somebody has begun to write since the last measurement of the rate. */
  isKnown: boolean
  /** The measurement that the next one is compared with. */
  base?: { at: number; available: number } | undefined
}

export const unknownRate: WriteRate = { perMs: 0, isKnown: false }

/** `auto`: so much, but not more than this part of the disk. */
const autoFree = 100 * 1024 ** 2
const autoPart = 0.05
/** A level ends so many percent, or this part of `minFree`, below its limit. */
const hysteresis = 2
const freeHysteresis = 1.1
/** Parts of the media arrive in bursts: the rate is that of at least so long a time. */
const shortestSpan = 500
/** A rate that is no longer reached is halved after this time. */
const halfLife = 20_000
/** The part of the disk that must be freed at once, so that the rate of its writers is not known any more. */
const muchFreed = 0.01
/** The shortest time between two measurements. */
const shortest = 250
/** The longest time between two measurements while somebody writes or waits. */
const urgent = 1_000
/** Bytes per ms: recordings are faster. Logs are slower, and are no reason to write a test file every second. */
const slowest = 30
/** Time to stop a recording and to close its file. */
const stopTime = 1_000
/** Recordings of low priority stop this long before all others. */
const headStart = 5_000

/** The levels of usage, in the order in which they are reached. */
export type DiskLevel = 'warning' | 'strained' | 'full'

const limitsOf = (level: DiskLevel, { warnPercent, blockPercent, minFree }: DiskLimits, { total }: DiskUsage) => {
  const least = minFree === 'auto' ? Math.min(autoFree, total * autoPart) : minFree
  return {
    warning: { percent: warnPercent, free: 2 * least },
    strained: { percent: (warnPercent + blockPercent) / 2, free: 1.5 * least },
    full: { percent: blockPercent, free: least },
  }[level]
}

/** The bytes that stay free at a level. */
export const freeAt = (level: DiskLevel, limits: DiskLimits, usage: DiskUsage): number =>
  limitsOf(level, limits, usage).free

/** The share of the bytes or of the inodes in use, whichever is higher, in percent. */
export const fullness = ({ percent, inodesPercent = 0 }: DiskUsage): number => Math.max(percent, inodesPercent)

/** Returns the bytes that can be written until a level is reached; negative behind it. */
export function roomUntil(level: DiskLevel, limits: DiskLimits, usage: DiskUsage): number {
  const { percent, free } = limitsOf(level, limits, usage)
  return usage.available - Math.max(free, (usage.used + usage.available) * (1 - percent / 100))
}

/** Returns the limit that is reached. `forecast`: recordings would pass it before they could be stopped. */
export function reached(
  level: DiskLevel,
  limits: DiskLimits,
  usage: DiskUsage,
  { perMs }: WriteRate,
): 'percent' | 'free' | 'forecast' | undefined {
  const { percent, free } = limitsOf(level, limits, usage)
  if (fullness(usage) >= percent) return 'percent'
  if (usage.available < free) return 'free'
  return perMs > 0 && roomUntil(level, limits, usage) <= perMs * horizonOf(level) ? 'forecast' : undefined
}

/** True if a level that was reached is left. */
export function isLeft(level: DiskLevel, limits: DiskLimits, usage: DiskUsage, { perMs }: WriteRate): boolean {
  const { percent, free } = limitsOf(level, limits, usage)
  if (fullness(usage) >= percent - hysteresis || usage.available < free * freeHysteresis) return false
  // The rate falls when recordings stop. With the double room they do not stop again at once.
  return perMs === 0 || roomUntil(level, limits, usage) > 2 * perMs * horizonOf(level)
}

const horizonOf = (level: DiskLevel): number =>
  level === 'warning' ? 0 : level === 'full' ? shortest + stopTime : shortest + stopTime + headStart

/** What the disk lacks: so many bytes, and so many files (one inode each), must be deleted. */
export interface Shortage {
  bytes: number
  files: number
}

/**
 * Returns what must be deleted until the disk is no longer full, and the target of retention is free; undefined:
 * nothing.
 */
export function shortageOf(limits: DiskLimits, usage: DiskUsage): Shortage | undefined {
  const { inodes = 0, inodesPercent = 0 } = usage
  const { percent, free } = limitsOf('full', limits, usage)
  const most = percent - hysteresis
  const size = usage.used + usage.available
  const least = Math.max(limits.freeTarget ?? 0, free * freeHysteresis, size * (1 - most / 100))
  const bytes = Math.max(0, Math.ceil(least - usage.available))
  const files = inodesPercent < most ? 0 : 1 + Math.floor((inodes * (inodesPercent - most)) / 100)
  return bytes > 0 || files > 0 ? { bytes, files } : undefined
}

/**
 * Returns the rate after a measurement. It rises at once and falls slowly, so that a pause of the writers is no end.
 * It is unknown after much space was freed. `before`: the available bytes of the last measurement.
 */
export function rateAfter(
  { perMs, isKnown, base }: WriteRate,
  { at, available, used }: Measured,
  before: number,
): WriteRate {
  const here = { at, available }
  // Much space was freed: what filled it may have ended. The next measurements tell.
  if (available - before > muchFreed * (used + available)) return { perMs: 0, isKnown: false, base: here }
  if (base === undefined) return { perMs, isKnown, base: here }
  const span = at - base.at
  if (span < shortestSpan) return { perMs, isKnown, base }
  const observed = Math.max(0, base.available - available) / span
  const former = perMs * 0.5 ** (span / halfLife)
  // A byte in ten seconds is no rate.
  const rate = Math.max(observed, former < 1e-4 ? 0 : former)
  return { perMs: rate, isKnown: true, base: here }
}

/**
 * Returns the time until the next measurement: a quarter of the time until the disk is full, at most `longest`. While
 * somebody writes as much as a recording, or waits for the disk, it is measured every second at least: a fault must not
 * be found later, nor its end.
 */
export function nextCheck(limits: DiskLimits, usage: DiskUsage, rate: WriteRate, longest: number): number {
  const { perMs, isKnown } = rate
  const room = roomUntil('full', limits, usage)
  const wanted = room > 0 && perMs > 0 ? room / perMs / 4 : Number.POSITIVE_INFINITY
  const isUrgent = perMs >= slowest || usage.fault !== undefined || reached('full', limits, usage, rate) !== undefined
  const most = isUrgent ? Math.min(longest, urgent) : longest
  return Math.min(most, Math.max(shortest, isKnown ? wanted : Math.min(shortestSpan, wanted)))
}
