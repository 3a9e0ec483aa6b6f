/** Selects the files to delete so that the disk stays usable. */

import type { By } from './by.js'
import type { CameraId, CameraLimits } from './camera.js'
import { isBeforeClocks } from './clockTrust.js'
import type { Shortage } from './diskRoom.js'
import type { FileKind, MediaFile, RecordingFolder } from './ports.js'
import { bareName } from './protection.js'
import { because, type Reason } from './reason.js'
import type { RecordingView } from './views.js'
import type { Interval } from './wrongTimes.js'

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

/** `policy`: used until a client sets one. `checkInterval`: in ms. */
export interface RetentionSettings {
  policy: RetentionPolicy
  checkInterval: number
  /**
   * `storage.free_target` is set: for free space the oldest files are deleted, whether the policy names them or not.
   */
  hasTarget?: boolean
  /** Cameras have limits by age of their own. */
  hasAgeLimits?: boolean
}

/** A file, as input for the policy. */
export interface KeptFile extends Omit<MediaFile, 'path'> {
  kind: FileKind
  /** A recording is writing it. */
  growing: boolean
  /** A client has protected it. */
  protected?: boolean
}

const day = 86_400_000
/** Younger files are never deleted: their recording may not be known yet. */
const grace = 60_000

/** What a sweep does. */
export interface SweepPlan {
  /** The files to delete, oldest first. */
  files: KeptFile[]
  /** Why each of them is deleted. */
  reasons: ReadonlyMap<KeptFile, string>
  /** Files that no policy by age deletes, because their dates cannot be right. */
  undated: KeptFile[]
  /** A scheduled sweep deletes nothing by age, because so many of the recordings are due. */
  excess?: Excess
  /** More files are due: the next sweep continues. */
  isLimited: boolean
}

export interface Excess {
  due: number
  of: number
}

/** What a sweep is for. */
export interface SweepRules {
  now: number
  /** False: a client asked for it, who confirms it. */
  isScheduled: boolean
  /** By camera. */
  limits?: ReadonlyMap<CameraId, CameraLimits>
  /** Deletes files until it has freed so much: the disk lacks it. */
  needed?: Shortage
  /** The folder whose disk lacks it, by default the main one: no file of the other one is deleted for it. */
  folder?: RecordingFolder
  /** For this the oldest files are deleted, whether the policy names them or not. */
  hasTarget?: boolean
  /** The clock is suspect: nothing is deleted by age. */
  ignoresAge?: boolean
  /** The times that a wrong clock has shown: files of these times are not deleted by age. */
  wrongTimes?: readonly Interval[]
}

/** A scheduled sweep deletes at most this part of all files; the next sweep continues. */
const mostPerSweep = 0.2

/**
 * Plans a sweep; never deletes a growing or protected file, or one of the last minute. Ignores `enabled`. Deletion by
 * age also spares files whose dates cannot be right: they are in the future, or before 2000.
 *
 * A wrong clock makes all files old. So a scheduled sweep deletes nothing by age if more than half of the recordings
 * are due by it. A scheduled sweep deletes at most 20 % of all files, but at least one. The sweep of a client is not
 * limited.
 */
export function planSweep(policy: RetentionPolicy, files: readonly KeptFile[], rules: SweepRules): SweepPlan {
  const { now, isScheduled, limits, needed, folder = 'main', hasTarget = false, ignoresAge = false } = rules
  const isByAge = policy.type === 'age' || [...(limits?.values() ?? [])].some((limit) => limit.maxAgeDays !== undefined)
  const undated = isByAge ? files.filter((file) => isUndated(file, rules)) : []
  const aged = ignoresAge ? new Map<KeptFile, string>() : dueByAge(policy, files, rules)
  const recordings = (some: readonly KeptFile[]) => some.filter(({ kind }) => kind === 'recordings').length
  const excess = { due: recordings([...aged.keys()]), of: recordings(files) }
  const isExcess = isScheduled && excess.due > excess.of / 2
  if (isExcess) aged.clear()
  const reasons = dueBySize(policy, files, rules, aged)
  const candidates = deletable(files, now).filter((file) => hasTarget || reasons.has(file))
  const isThere = ({ fallback }: KeptFile) => (fallback === true) === (folder === 'fallback')
  const due =
    needed === undefined ? candidates.filter((file) => reasons.has(file)) : upTo(needed, candidates.filter(isThere))
  const most = isScheduled ? Math.max(1, Math.floor(files.length * mostPerSweep)) : due.length
  const chosen = due.slice(0, most)
  return {
    files: chosen,
    reasons: new Map(chosen.map((file) => [file, reasons.get(file) ?? 'the disk lacked free space'])),
    undated,
    isLimited: chosen.length < due.length,
    ...(isExcess && { excess }),
  }
}

/** Returns the first files until they have so many bytes, and are so many. */
function upTo({ bytes, files: count }: Shortage, files: readonly KeptFile[]): KeptFile[] {
  let rest = bytes
  return files.filter((file, index) => {
    if (rest <= 0 && index >= count) return false
    rest -= file.bytes
    return true
  })
}

/** Returns the files that may be deleted, oldest first. */
function deletable(files: readonly KeptFile[], now: number): KeptFile[] {
  const isYoung = (time: number) => Math.abs(now - time) < grace
  return files
    .filter((file) => !file.growing && !file.protected && !isYoung(file.createdAt) && !isYoung(file.modifiedAt))
    .sort((one, other) => one.createdAt - other.createdAt || (one.name < other.name ? -1 : 1))
}

/** Returns the files that are too old by the policy or by the limit of their camera, with the reason. */
function dueByAge(policy: RetentionPolicy, files: readonly KeptFile[], rules: SweepRules) {
  const { now, limits } = rules
  const due = new Map<KeptFile, string>()
  for (const file of deletable(files, now)) {
    const own = limits?.get(file.camera)?.maxAgeDays
    const days = (now - file.createdAt) / day
    if (isUndated(file, rules)) continue
    if (policy.type === 'age' && days > (policy.maxAgeDays ?? Number.POSITIVE_INFINITY))
      due.set(file, `older than ${policy.maxAgeDays} days`)
    else if (own !== undefined && days > own) due.set(file, `older than ${own} days, the limit of ${file.camera}`)
  }
  return due
}

/** Adds the oldest files to those that are due, until the rest fits in the limits of the cameras and of the policy. */
function dueBySize(
  { type, maxSizeGb }: RetentionPolicy,
  files: readonly KeptFile[],
  { now, limits }: SweepRules,
  aged: ReadonlyMap<KeptFile, string>,
) {
  const due = new Map(aged)
  const markOldest = (some: readonly KeptFile[], gigabytes: number, reason: string) => {
    let surplus = some.reduce((sum, file) => sum + (due.has(file) ? 0 : file.bytes), 0) - gigabytes * 1e9
    for (const file of deletable(some, now)) {
      if (surplus <= 0) return
      if (due.has(file)) continue
      surplus -= file.bytes
      due.set(file, reason)
    }
  }
  for (const [camera, { maxSizeGb: own }] of limits ?? []) {
    const some = files.filter((file) => file.camera === camera)
    if (own !== undefined) markOldest(some, own, `more than ${own} GB were kept, the limit of ${camera}`)
  }
  if (type === 'size' && maxSizeGb !== undefined) markOldest(files, maxSizeGb, `more than ${maxSizeGb} GB were kept`)
  return due
}

/** Returns why no file is deleted by age, and what to do. */
export const reasonOfExcess = ({ due, of }: Excess): Reason =>
  because(
    'too_many_files',
    `${due} of ${of} recordings are too old, more than half. No file is deleted by age: ` +
      'check the clock and the policy, then call cleanup_old_files',
  )

/** True if the age of the file is not known. */
function isUndated({ growing, createdAt, modifiedAt }: KeptFile, { now, wrongTimes = [] }: SweepRules): boolean {
  const isWrong = (time: number) => wrongTimes.some(({ from, to }) => time >= from && time <= to)
  const isImpossible = (time: number) => time - now >= grace || isBeforeClocks(time) || isWrong(time)
  return !growing && [createdAt, modifiedAt].some(isImpossible)
}

/** Which dates cannot be right. */
export const implausible = 'in the future, before 2000, or while the clock was wrong'

/** Why a file without a plausible date is kept. */
export const undatedReason = `its date cannot be right (${implausible}), so its age is not known: delete it by its name`

/**
 * True if a recording still needs the file: its newest file while it runs, all files while they are closed and remuxed,
 * none while it waits.
 */
export function isInUse(recording: RecordingView | undefined, name: string): boolean {
  if (recording === undefined || recording.status === 'STOPPED' || recording.status === 'FAILED') return false
  if (recording.waitsFor !== undefined) return false
  const needed = recording.status === 'STOPPING' ? recording.files : recording.files.slice(-1)
  return needed.some((file) => bareName(file) === bareName(name))
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
  /** It also keeps `storage.free_target` free. */
  hasTarget?: true
  /** When the last sweep ended, and how much it deleted. */
  last?: { at: number; files: number; freed: number; reason?: string }
  /** Why the requested policy is not in effect. */
  reason?: string
  /** Why retention deletes nothing, or nothing by age. */
  suspension?: Reason
  /** The times that a wrong clock has shown, as far as they count now. */
  wrongTimes?: readonly Interval[]
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
   * Without them, a sweep by age also confirms the clock: it ends the suspension. `acceptsLoss`: the list of protected
   * recordings is taken as complete first. Without it, rejects while the list is lost.
   */
  cleanUp(request: { dryRun: boolean; by: By; cameras?: readonly string[]; acceptsLoss?: boolean }): Promise<Cleanup>
}
