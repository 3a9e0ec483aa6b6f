/** Selects the files to delete so that the disk stays usable. */

import type { By } from './by.js'
import type { FileKind, MediaFile } from './ports.js'
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

/** Returns the files to delete, oldest first; never a growing file or one of the last minute. Ignores `enabled`. */
export function toDelete(
  { type, maxAgeDays, maxSizeGb }: RetentionPolicy,
  files: readonly KeptFile[],
  now: number,
): KeptFile[] {
  const isYoung = (time: number) => Math.abs(now - time) < grace
  const deletable = files
    .filter(({ growing, createdAt, modifiedAt }) => !growing && !isYoung(createdAt) && !isYoung(modifiedAt))
    .sort((one, other) => one.createdAt - other.createdAt || (one.name < other.name ? -1 : 1))
  if (type === 'age' && maxAgeDays !== undefined)
    return deletable.filter(({ createdAt }) => now - createdAt > maxAgeDays * day)
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
}

/** Requests to retention. Rejects with ServiceErrors. */
export interface RetentionAsk {
  view(): RetentionView
  /** Resolves when the policy is on disk. */
  setPolicy(policy: RetentionPolicy, by: By): Promise<RetentionPolicy>
  /**
   * Applies the policy now, even if it is not enabled. `cameras`: ids or patterns; files of other cameras are ignored.
   */
  cleanUp(request: { dryRun: boolean; by: By; cameras?: readonly string[] }): Promise<Cleanup>
}
