/** When the disk will be full. Times are epoch ms, sizes bytes. */
import type { FileSize } from './files.js'
import type { RetentionPolicy } from './retention.js'

const day = 86_400_000
/** A shorter time of recording tells nothing about a day. */
const shortest = 10 * 60_000

export interface Forecast {
  bytesPerDay: number
  /** The recordings since this time are counted: at most a day. */
  from: number
  /** Absent: the disk will not be full, because nothing is recorded or retention keeps it below its limit. */
  daysLeft?: number
}

export interface ForecastInput {
  recordings: readonly FileSize[]
  /** Of all recordings and snapshots. */
  bytes: number
  /** Bytes that can be written until recordings are blocked. */
  room: number
  policy: RetentionPolicy
  /** Retention also deletes for free space. */
  hasTarget: boolean
  now: number
}

/** Returns `undefined` if there are no recordings of the last day, or only of the last minutes. */
export function forecastOf({ recordings, bytes, room, policy, hasTarget, now }: ForecastInput): Forecast | undefined {
  const dated = recordings.filter(({ createdAt }) => createdAt <= now)
  const oldest = dated.reduce((earliest, { createdAt }) => Math.min(earliest, createdAt), now)
  const from = Math.max(oldest, now - day)
  if (now - from < shortest) return undefined
  const grown = dated.reduce((sum, file) => sum + bytesSince(file, from), 0)
  const bytesPerDay = Math.round((grown / (now - from)) * day)
  const most = mostKept(policy, hasTarget, bytesPerDay)
  const isEndless = bytesPerDay === 0 || most - bytes <= room
  return { bytesPerDay, from, ...(!isEndless && { daysLeft: Math.max(0, room) / bytesPerDay }) }
}

/** The part of a file that was written since `from`. */
function bytesSince({ bytes, createdAt, modifiedAt }: FileSize, from: number): number {
  if (createdAt >= from) return bytes
  if (modifiedAt <= from) return 0
  return (bytes * (modifiedAt - from)) / (modifiedAt - createdAt)
}

/** The bytes to which all files grow under retention. */
function mostKept({ type, enabled, maxAgeDays, maxSizeGb }: RetentionPolicy, hasTarget: boolean, perDay: number) {
  if (!enabled || type === 'manual') return Number.POSITIVE_INFINITY
  if (hasTarget) return 0
  const limit = type === 'age' ? maxAgeDays && maxAgeDays * perDay : maxSizeGb && maxSizeGb * 1e9
  return limit ?? Number.POSITIVE_INFINITY
}
