/** Selects the files to delete so that the disk stays usable. */

import type { By } from './by.js'
import { isBeforeClocks } from './clockTrust.js'
import type { FileKind, MediaFile } from './ports.js'
import { because, type Reason } from './reason.js'
import type { RecordingView } from './views.js'

/**
 * `age`: deletes files older than `maxAgeDays`; `size`: deletes the oldest files until the total is at most `maxSizeGb`
 * (10⁹ bytes); `manual`: deletes nothing automatically.
 */
export interface RetentionPolicy {
  type: 'age' | 'size' | 'manual'
  maxAgeDays?: number
  maxSizeGb?: number
  enabled: boolean
}

/** A file, as input for the policy. */
export interface KeptFile extends Omit<MediaFile, 'path'> {
  kind: FileKind
  /** A recording is writing it. */
  growing: boolean
}

const day = 86_400_000
/** Younger files are never deleted: their recording may not be known yet. */
const grace = 60_000

/** What a sweep does. */
export interface SweepPlan {
  /** The files to delete, oldest first. */
  files: KeptFile[]
  /** Files that no policy by age deletes, because their dates cannot be right. */
  undated: KeptFile[]
  /** A scheduled sweep deletes nothing, because so many of the recordings are due. */
  excess?: Excess
}

export interface Excess {
  due: number
  of: number
}

/** A scheduled sweep by age deletes at most this part of all files; the next sweep continues. */
const mostPerSweep = 0.2

/**
 * Plans a sweep; never deletes a growing file or one of the last minute. Ignores `enabled`. A policy by age also spares
 * files whose dates cannot be right: they are in the future, or before 2000.
 *
 * A wrong clock makes all files old. So a scheduled sweep by age deletes nothing if more than half of the recordings
 * are due, and else at most 20 % of all files, but at least one. The sweep of a client is not limited.
 */
export function planSweep(
  policy: RetentionPolicy,
  files: readonly KeptFile[],
  { now, isScheduled }: { now: number; isScheduled: boolean },
): SweepPlan {
  const due = toDelete(policy, files, now)
  if (policy.type !== 'age') return { files: due, undated: [] }
  const undated = files.filter((file) => isUndated(file, now))
  if (!isScheduled) return { files: due, undated }
  const recordings = (some: readonly KeptFile[]) => some.filter(({ kind }) => kind === 'recordings').length
  const excess = { due: recordings(due), of: recordings(files) }
  if (excess.due > excess.of / 2) return { files: [], undated, excess }
  return { files: due.slice(0, Math.max(1, Math.floor(files.length * mostPerSweep))), undated }
}

/** Returns why no file is deleted by age, and what to do. */
export const reasonOfExcess = ({ due, of }: Excess): Reason =>
  because(
    'too_many_files',
    `${due} of ${of} recordings are too old, more than half. No file is deleted by age: ` +
      'check the clock and the policy, then call cleanup_old_files',
  )

/** True if a time of the file is in the future, or before clocks are set: its age is not known. */
const isUndated = ({ growing, createdAt, modifiedAt }: KeptFile, now: number): boolean =>
  !growing && [createdAt, modifiedAt].some((time) => time - now >= grace || isBeforeClocks(time))

/** Why a file without a plausible date is kept. */
export const undatedReason = 'its date is in the future or before 2000, so its age is not known: delete it by its name'

/** Returns the files that the policy names, oldest first. */
function toDelete(
  { type, maxAgeDays, maxSizeGb }: RetentionPolicy,
  files: readonly KeptFile[],
  now: number,
): KeptFile[] {
  const isYoung = (time: number) => Math.abs(now - time) < grace
  const deletable = files
    .filter(({ growing, createdAt, modifiedAt }) => !growing && !isYoung(createdAt) && !isYoung(modifiedAt))
    .sort((one, other) => one.createdAt - other.createdAt || (one.name < other.name ? -1 : 1))
  if (type === 'age' && maxAgeDays !== undefined)
    return deletable.filter((file) => now - file.createdAt > maxAgeDays * day && !isUndated(file, now))
  if (type !== 'size' || maxSizeGb === undefined) return []
  let surplus = files.reduce((sum, { bytes }) => sum + bytes, 0) - maxSizeGb * 1e9
  return deletable.filter(({ bytes }) => {
    if (surplus <= 0) return false
    surplus -= bytes
    return true
  })
}

/** Returns the reason for which the policy deletes a file. */
export const reasonToDelete = ({ type, maxAgeDays, maxSizeGb }: RetentionPolicy): string =>
  type === 'age' ? `older than ${maxAgeDays} days` : type === 'size' ? `more than ${maxSizeGb} GB were kept` : 'manual'

/**
 * True if a recording still needs the file: its newest file while it runs, all files while they are closed and remuxed,
 * none while it waits.
 */
export function isInUse(recording: RecordingView | undefined, name: string): boolean {
  if (recording === undefined || recording.status === 'STOPPED' || recording.status === 'FAILED') return false
  const bare = (file: string) => file.replace(/\.\w+$/, '')
  if (recording.waitsFor !== undefined) return false
  const needed = recording.status === 'STOPPING' ? recording.files : recording.files.slice(-1)
  return needed.some((file) => bare(file) === bare(name))
}

/**
 * True if the recorder of the camera may have the file open: it writes to the newest file, or to one that is not known
 * yet.
 */
export function mayBeOpen(recording: RecordingView | undefined, name: string): boolean {
  if (recording === undefined || recording.waitsFor !== undefined) return false
  const newest = recording.files.at(-1)
  return recording.status === 'STOPPING' || newest === undefined || name >= newest || isInUse(recording, name)
}

/** Stores the policy. */
export interface RetentionStore {
  /**
   * Resolves with `undefined` if no policy was set yet. Renames a damaged file and returns a policy that deletes
   * nothing, with the reason.
   */
  load(): Promise<{ policy: RetentionPolicy; reason?: string } | undefined>
  save(policy: RetentionPolicy): Promise<void>
}

/** The result of a sweep. `dryRun`: lists the files that a sweep would delete, without deleting them. */
export interface Cleanup {
  dryRun: boolean
  /** In order of deletion, oldest first. */
  files: { kind: FileKind; name: string; bytes: number }[]
  /** Bytes. */
  freed: number
  /** Files that could not be deleted, with the reason. */
  kept: { name: string; reason: string }[]
}

export interface RetentionView {
  policy: RetentionPolicy
  /** When the last sweep ended, and how much it deleted. */
  last?: { at: number; files: number; freed: number; reason?: string }
  /** Why the requested policy is not in effect. */
  reason?: string
  /** Why the policy, by age and enabled, deletes nothing. */
  suspension?: Reason
  /** Number of files that the last sweep by age has kept because their dates cannot be right; absent: none. */
  undated?: number
}

/** Requests to retention. Rejects with ServiceErrors. */
export interface RetentionAsk {
  view(): RetentionView
  /** Resolves when the policy is on disk. */
  setPolicy(policy: RetentionPolicy, by: By): Promise<RetentionPolicy>
  /**
   * Applies the policy now, even if it is not enabled. `cameras`: ids or patterns; files of other cameras are ignored.
   * Without them, a sweep by age also confirms the clock: it ends the suspension.
   */
  cleanUp(request: { dryRun: boolean; by: By; cameras?: readonly string[] }): Promise<Cleanup>
}
