/** Recordings, snapshots and the disk they are on, as ports. Times are epoch ms, sizes bytes, durations ms. */
import type { CameraId } from './camera.js'
import type { Dispose } from './dispose.js'
import type { Reason } from './reason.js'

export type FileKind = 'recordings' | 'snapshots'

/** A recording or snapshot, finished or growing. `name` is unique within its kind and contains no folder. */
export interface MediaFile {
  name: string
  camera: CameraId
  /** Absolute; only for operators. */
  path: string
  bytes: number
  modifiedAt: number
  createdAt: number
}

/** A recording, with the properties read from its header and parts. */
export interface RecordingFile extends MediaFile {
  format: 'mp4' | 'mkv'
  /** Milliseconds of media in it. */
  duration: number
  /** False: still growing, or truncated because the media server crashed. */
  complete: boolean
}

export type FileSize = Omit<MediaFile, 'path'>

/** Every listing rejects with a storage reason if the folder cannot be read. */
export interface MediaFiles {
  /** Newest first. `mayUse` limits the files, and `total`, to the cameras for which it returns true. */
  list(
    kind: FileKind,
    page: { limit: number; offset: number; mayUse?: (camera: CameraId) => boolean },
  ): Promise<{ files: MediaFile[]; total: number }>
  /** Finds a file by name, with or without extension; `undefined` if there is none. Rejects invalid names and links. */
  find(kind: FileKind, name: string): Promise<MediaFile | undefined>
  recording(name: string): Promise<RecordingFile | undefined>
  /** Resolves with true if the file existed and was deleted. */
  remove(kind: FileKind, name: string): Promise<boolean>
  /** All files with their sizes, newest first, as of a few seconds ago. */
  all(kind: FileKind): Promise<FileSize[]>
  /** The sums of their bytes. */
  sizes(): Promise<Record<FileKind, number>>
}

export interface Segment {
  filename: string
  /** Time of the first frame, from the file's name. */
  startedAt: number
}

/** `at`: when it was seen. */
export type SegmentEvent =
  /** A new file has its first bytes. */
  | { type: 'segment.added'; segment: Segment; at: number }
  /** The newest file has grown. */
  | { type: 'segment.grew'; at: number }
  /** The newest file was deleted: data that the media server still writes to it is lost. */
  | { type: 'segment.deleted' }

/** The segments that the media server writes for a camera. `after`: the watermark of the recording. */
export interface Segments {
  /** The watermark of a recording that starts now: every segment that begins later belongs to it. */
  watermark(camera: CameraId): Promise<number>
  /** The segments since the watermark that have bytes, oldest first. */
  list(camera: CameraId, after: number): Promise<Segment[]>
  /** Resolves with the first segment since the watermark that has bytes and is none of these. */
  first(camera: CameraId, after: number, signal: AbortSignal, except?: readonly string[]): Promise<Segment>
  /** Reports new segments since the watermark that are not in `present`, and changes of the newest one. */
  watch(
    camera: CameraId,
    { after, present }: { after: number; present: Segment[] },
    listener: (event: SegmentEvent) => void,
  ): Dispose
  /**
   * Waits, at most 2 s, until each file's header is final. Truncated files are returned too; empty files are removed.
   */
  finish(camera: CameraId, segments: Segment[], signal: AbortSignal): Promise<RecordingFile[]>
  /** Remuxes finished files to Matroska; returns their new descriptions. */
  toMatroska(files: RecordingFile[], signal: AbortSignal): Promise<RecordingFile[]>
}

/** The disk that the recordings are on. */
export interface DiskUsage {
  total: number
  used: number
  available: number
  /** used / (used + available) × 100, as in `df`. */
  percent: number
  /** Share of the inodes (one for each file) in use × 100; 0 or absent: the disk has no limit of its own. */
  inodesPercent?: number
  /** Why a test file could not be written. */
  fault?: Reason
}

export interface Storage {
  /**
   * Measures the disk and writes a test file. Rejects with `storage_unknown` if that fails for another reason than the
   * disk, or with the fault if the disk cannot be measured because of it.
   */
  usage(): Promise<DiskUsage>
  /**
   * Creates, if it is missing, the file whose room is used for state files when the disk is full. Rejects with one
   * sentence if there is no room for it.
   */
  keepReserve(): Promise<void>
}
