/** Whether a folder may have changed since it was listed, by the time of its last change. */
export interface FolderMark {
  /** In ns, by the clock of the file system: that of a server may differ from ours. */
  changed: bigint
  /** When this time was first seen, in ms of the monotonic clock. */
  since: number
}

/** How long another change may bear the same time, in ms: FAT counts steps of 2 s, most others the ticks of the kernel. */
const stepOf = (changed: bigint): number => (changed % 10_000_000n === 0n ? 2_500 : 100)

export const markAt = (known: FolderMark | undefined, changed: bigint, now: number): FolderMark =>
  known?.changed === changed ? known : { changed, since: now }

/** True if a listing that began at `began` has everything that bears the time of the mark. */
export const isPast = ({ changed, since }: FolderMark, began: number): boolean => began - since >= stepOf(changed)
