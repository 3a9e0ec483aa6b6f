/** What may be deleted so that the disk stays usable, and what was. */
import type { CameraId } from './camera.js'
import type { By } from './facts.js'
import type { FileKind } from './ports.js'
import type { RecordingView } from './views.js'

/** `age`: older than `maxAgeDays`; `size`: oldest first until all files take at most `maxSizeGb` (10⁹ bytes); `manual`: nothing by itself. */
export interface RetentionPolicy {
  type: 'age' | 'size' | 'manual'
  maxAgeDays?: number
  maxSizeGb?: number
  enabled: boolean
}

/** A file as the policy sees it. Times are epoch ms. */
export interface KeptFile {
  kind: FileKind
  name: string
  camera: CameraId
  bytes: number
  createdAt: number
  modifiedAt: number
  /** A recording writes it now. */
  growing: boolean
}

const day = 86_400_000
/** Nothing younger is deleted: what writes it may not have told yet. */
const grace = 60_000

/** What the policy wants gone, oldest first: never a file that grows, nor one of the last minute. Whether it is enabled is another question. */
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

/** Why a file goes, in the words of the policy. */
export const reasonToDelete = ({ type, maxAgeDays, maxSizeGb }: RetentionPolicy): string =>
  type === 'age' ? `older than ${maxAgeDays} days` : type === 'size' ? `more than ${maxSizeGb} GB were kept` : 'manual'

/** Whether a recording still needs a file: while it runs the newest one, and all while they are closed and remuxed. */
export function isInUse(recording: RecordingView | undefined, name: string): boolean {
  if (recording === undefined || recording.status === 'STOPPED' || recording.status === 'FAILED') return false
  const bare = (file: string) => file.replace(/\.\w+$/, '')
  const needed = recording.status === 'STOPPING' ? recording.files : recording.files.slice(-1)
  return needed.some((file) => bare(file) === bare(name))
}

/** Where the policy is kept. */
export interface RetentionStore {
  /** `undefined`: none was ever set. A damaged one is kept aside, and a policy that deletes nothing is kept and told in its place, with the reason. */
  load(): Promise<{ policy: RetentionPolicy; reason?: string } | undefined>
  save(policy: RetentionPolicy): Promise<void>
}

/** One look for what is to go. `dryRun`: nothing was deleted, the figures tell what would be. */
export interface Cleanup {
  dryRun: boolean
  /** In the order of their deletion, oldest first. */
  files: { kind: FileKind; name: string; bytes: number }[]
  /** Bytes. */
  freed: number
  /** Files that should have gone and did not, with the reason. */
  kept: { name: string; reason: string }[]
}

export interface RetentionView {
  policy: RetentionPolicy
  /** When the last look ended, and what it deleted. */
  last?: { at: number; files: number; freed: number; reason?: string }
  /** Why the policy is not the one that was asked for. */
  reason?: string
}

/** The retention as clients ask it. Rejections are ServiceErrors. */
export interface RetentionAsk {
  view(): RetentionView
  /** Kept before it is answered. */
  setPolicy(policy: RetentionPolicy, by: By): Promise<RetentionPolicy>
  /** Carries out the policy now, also one that is not enabled to run by itself. `cameras`: ids or patterns; the files of others are as if they were not there. */
  cleanUp(request: { dryRun: boolean; by: By; cameras?: readonly string[] }): Promise<Cleanup>
}
