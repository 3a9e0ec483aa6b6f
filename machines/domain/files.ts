/** Recordings, snapshots and the disk they are on, as ports. Times are epoch ms, sizes bytes, durations ms. */
import type { CameraId } from './camera.js'
import type { Dispose } from './dispose.js'
import type { Reason } from './reason.js'

export type FileKind = 'recordings' | 'snapshots'

/** Where new recordings are written: to the folder of the data directory, or to `storage.fallback_path`. */
export type RecordingFolder = 'main' | 'fallback'

/** A recording or snapshot, finished or growing. `name` is unique within its kind and contains no folder. */
export interface MediaFile {
  name: string
  camera: CameraId
  /** Absolute; only for operators. */
  path: string
  bytes: number
  modifiedAt: number
  createdAt: number
  /** It was moved aside, because it contains no media that can be played. It may be empty. */
  quarantined?: true
  /** It lies in the fallback folder. */
  fallback?: true
}

/** A recording, with the properties read from its header and parts. */
export interface RecordingFile extends MediaFile {
  format: 'mp4' | 'mkv'
  /** Milliseconds of media in it. */
  duration: number
  /** False: still growing, or truncated because the media server crashed. */
  complete: boolean
  /** True if a player can show the duration and find any time without reading the whole file. */
  indexed: boolean
}

export type FileSize = Omit<MediaFile, 'path'>

/** Small pictures of files. */
export interface Thumbnails {
  /**
   * Resolves with a JPEG of the first picture of a recording or snapshot. Rejects with `Failure`: `no_picture`,
   * `timed_out`, `program_missing`, `limit_reached` …
   */
  of(file: Pick<MediaFile, 'path' | 'createdAt'>): Promise<Buffer>
}

/**
 * The files of the main folder and of the fallback folder as if they were in one. If both have a file of one name, that
 * of the main folder counts. Every listing rejects with a storage reason if no folder can be read; without one of them,
 * it contains the files of the other.
 */
export interface MediaFiles {
  /**
   * Newest first. `mayUse` limits the files, and `total`, to the cameras for which it returns true. `quarantined`:
   * lists the quarantined files instead of the others. `unreadable`: why the files of one folder are missing.
   */
  list(
    kind: FileKind,
    page: { limit: number; offset: number; mayUse?: (camera: CameraId) => boolean; quarantined?: boolean },
  ): Promise<{ files: MediaFile[]; total: number; unreadable?: Reason }>
  /**
   * Finds a file by name, with or without extension, also a quarantined one; `undefined` if there is none. Rejects
   * invalid names and links, and with a storage reason if it may be in a folder that cannot be read.
   */
  find(kind: FileKind, name: string): Promise<MediaFile | undefined>
  recording(name: string): Promise<RecordingFile | undefined>
  /** The same of a file of a list, which need not be searched again. Rejects if it cannot be read. */
  described(file: MediaFile): Promise<RecordingFile>
  /**
   * Resolves with true if the file existed and was deleted, from both folders. `quarantined`: deletes only a
   * quarantined file.
   */
  remove(kind: FileKind, name: string, only?: { quarantined: boolean }): Promise<boolean>
  /** All files with their sizes, newest first, as of a few seconds ago; without quarantined ones. */
  all(kind: FileKind): Promise<FileSize[]>
  /** The sums of their bytes. The recordings include the quarantined ones. */
  sizes(): Promise<Record<FileKind, number>>
  /** The number and bytes of the quarantined recordings. */
  quarantined(): Promise<{ files: number; bytes: number }>
}

/** A recording without media that can be played, as it was when it was looked at. */
export interface Suspect extends Pick<MediaFile, 'name' | 'camera' | 'path' | 'bytes' | 'modifiedAt'> {
  reason: Reason
}

/** The folder of the recordings that contain nothing: they are moved aside, not deleted. */
export interface Quarantine {
  /**
   * Resolves with the recordings that are empty or contain no media, of these cameras; default: of all. A file that
   * cannot be read, or whose content leaves a doubt, is not one of them.
   */
  suspects(cameras: readonly CameraId[] | undefined, signal: AbortSignal): Promise<Suspect[]>
  /**
   * Moves the file, unless it has changed. Resolves with its name in the quarantine, or with `undefined` if it stays.
   * Rejects with `Failure` if it cannot be moved.
   */
  move(suspect: Suspect): Promise<string | undefined>
}

/** A closed recording without an index, as it was when it was looked at. */
export interface Unindexed extends Pick<MediaFile, 'name' | 'camera' | 'path' | 'bytes' | 'modifiedAt'> {
  inode: number
  /** False: it was cut off by a crash. */
  complete: boolean
  /** Milliseconds. */
  duration: number
  /** False: its writer may not be done with it. It was not read: it has no duration, and may have an index. */
  isAtRest: boolean
}

/** How a file gets its index: `mp4` becomes an MP4 without parts, `fmp4` keeps parts and gets an index of them. */
export type IndexFormat = 'fmp4' | 'mp4'

/** Gives closed recordings what a player needs to open them quickly and to jump to any time. */
export interface Indexer {
  /** Resolves with the MP4 recordings in the cameras' folders that have media but no index, newest first. */
  unindexed(signal: AbortSignal): Promise<Unindexed[]>
  /**
   * Replaces the file by a copy with an index, with the same media, name and time. Resolves with the new size, or with
   * `undefined` if the file has changed or was deleted meanwhile. Rejects with `Failure`, or with the signal's reason;
   * the original is untouched then.
   */
  index(file: Unindexed, format: IndexFormat, signal: AbortSignal): Promise<number | undefined>
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
  /** The newest file has grown, to so many bytes. */
  | { type: 'segment.grew'; at: number; bytes?: number }
  /**
   * The newest file was deleted: data that the media server still writes to it is lost. `withFolder`: the folder of the
   * camera is gone, too.
   */
  | { type: 'segment.deleted'; withFolder?: true }

/** The segments that the media server writes for a camera. `after`: the watermark of the recording. */
export interface Segments {
  /** The watermark of a recording that starts now: every segment that begins later belongs to it. */
  watermark(camera: CameraId): Promise<number>
  /** Files with names after `after` that were there when the recording began. */
  earlier(camera: CameraId, after: number): string[]
  /** Continues a recording of an earlier run of the service; `earlier` as it was then. */
  recall(camera: CameraId, after: number, earlier: readonly string[]): Promise<void>
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
   * Waits, at most 2 s, until each file's header is final. Truncated files are returned too; empty ones are not.
   */
  finish(camera: CameraId, segments: Segment[], signal: AbortSignal): Promise<RecordingFile[]>
  /** Remuxes finished files to Matroska; returns their new descriptions. */
  toMatroska(files: RecordingFile[], signal: AbortSignal): Promise<RecordingFile[]>
}

/** The disk of a folder of recordings. */
export interface DiskUsage {
  total: number
  used: number
  available: number
  /** used / (used + available) × 100, as in `df`. */
  percent: number
  /** Share of the inodes (one for each file) in use × 100; 0 or absent: the disk has no limit of its own. */
  inodesPercent?: number
  /** Number of inodes, used and free. */
  inodes?: number
  /** Why a test file could not be written. */
  fault?: Reason
  /** The simulation has changed the numbers: no file is deleted because of them. */
  simulated?: true
}

export interface Storage {
  /**
   * Measures the disk and writes a test file. Rejects with `storage_unknown` if that fails for another reason than the
   * disk, or with the fault if the disk cannot be measured because of it.
   */
  usage(folder: RecordingFolder): Promise<DiskUsage>
  /** From now on, new files of recordings are written to this folder. Open files stay where they are. */
  use(folder: RecordingFolder): Promise<void>
  /**
   * Creates, if it is missing, the file whose room is used for state files when the disk is full. Rejects with one
   * sentence if there is no room for it.
   */
  keepReserve(): Promise<void>
}
