/** The length of the files of a recording, on a file system that takes no large ones. */
import type { RecordingFile, RecordingFolder } from './files.js'
import { because, type Reason } from './reason.js'

/** The longest file for each folder, in ms: each may be on a file system of its own. */
export type SegmentLimits = Readonly<Partial<Record<RecordingFolder, number>>>

/** Files of FAT have at most 4 GiB. A part that does not fit any more has at most 50 MB. */
const largestOfFat = 2 ** 32 - 50_000_000
/** A camera may send more bits at another time. */
const reserve = 0.75
const shortest = 10_000
/** After an error the media server makes a new file after 2 s; after a full one at once. In ms. */
const pauseOfError = 1_000

const isFull = (bytes: number): boolean => bytes >= largestOfFat && bytes < 2 ** 32

/** Why the open file does not grow. `length`: of its media, in ms. */
export function stallOf(bytes: number, length: number): Reason {
  if (!isFull(bytes)) return because('no_data')
  const seconds = Math.round(limitOf(length) / 1_000)
  const longest = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`
  return because(
    'file_too_large',
    `the file system holds no larger file (4 GiB): the next files there have at most ${longest}; ` +
      'shorten recording.segment_duration, or use another file system',
  )
}

/** True if a new file begins because the last one, of so many bytes, could not grow any more. */
export const isOutgrown = (bytes: number, grewAt: number, nextAt: number): boolean =>
  isFull(bytes) && nextAt - grewAt >= pauseOfError

/** Returns the limits after the full one of these files. */
export function limitsAfter(limits: SegmentLimits, files: readonly RecordingFile[]): SegmentLimits {
  const full = files.filter(({ bytes }) => isFull(bytes)).at(-1)
  if (full === undefined) return limits
  const folder = full.fallback ? 'fallback' : 'main'
  return { ...limits, [folder]: Math.min(limitOf(full.duration), limits[folder] ?? Number.POSITIVE_INFINITY) }
}

const limitOf = (length: number): number => Math.max(shortest, Math.floor((length * reserve) / 1_000) * 1_000)
