/** Recordings that continue after an interruption or a restart of the service. Times are epoch ms, durations ms. */
import type { By } from './by.js'
import type { CameraId } from './camera.js'
import type { Reason } from './reason.js'
import type { SegmentLimits } from './segmentLimits.js'

/**
 * The requested format. The media server always writes `fmp4`. After the stop, `fmp4` gets an index, `mp4` becomes a
 * file without parts, and `mkv` is remuxed.
 */
export type RecordingFormat = 'fmp4' | 'mp4' | 'mkv'

/** A time without media in a recording. */
export interface Gap {
  from: number
  to: number
  reason: Reason
}

/**
 * What must be recorded, kept on disk from the first frame to the end: after a restart of the service the recording
 * continues.
 */
export interface RecordingIntent {
  camera: CameraId
  /** The client that started the recording. */
  by: By
  format: RecordingFormat
  /** From the first frame; absent: until it is stopped. */
  duration?: number
  /** Time of the first frame: all later files of the camera belong to the recording, except `earlier`. */
  startedAt: number
  /** Files that were there before it, and have later names because the clock was ahead. */
  earlier?: string[]
  /** Oldest first. */
  gaps: Gap[]
  /** Why it is interrupted at present. */
  gapReason?: Reason
  segmentLimits?: SegmentLimits
  /** The recording is over, but these files are not converted to its format yet. */
  unfinished?: string[]
}

/** An intent of an earlier run of the service. `grewAt`: the end of its last media. */
export interface Recalled {
  intent: RecordingIntent
  grewAt: number
}

/** The intents on disk. Each change survives a power cut once its promise resolves. */
export interface IntentStore {
  find(camera: CameraId): Promise<RecordingIntent | undefined>
  save(intent: RecordingIntent): Promise<void>
  remove(camera: CameraId): Promise<void>
}

/** The gaps of a recording that is over. */
export interface EndedGaps {
  camera: CameraId
  endedAt: number
  /** The names of its files, under which the gaps are found. */
  files: string[]
  gaps: Gap[]
}

/** The gaps of ended recordings on disk, of a limited number and age. No method rejects: a failure is logged. */
export interface GapStore {
  /** The gaps of the ended recording that the file belongs to; `undefined`: none are known. */
  find(name: string): Gap[] | undefined
  /** Does nothing without gaps or files. */
  save(ended: EndedGaps): Promise<void>
  /** The file was deleted. With its last file a recording is forgotten. */
  forget(name: string): Promise<void>
}

/** Conditions outside a recording that interrupt it: the camera is away, the server is down, the disk is full. */
export type Need = 'camera' | 'storage' | 'server'
export type Lacks = Partial<Record<Need, Reason | undefined>>

/** What a recording waits for; the most lasting condition first. */
export const needs = ['camera', 'storage', 'server'] as const satisfies readonly Need[]

/** Maximum number of gaps kept of one recording: the newest. */
const mostGaps = 1_000

export const withGap = (gaps: readonly Gap[], gap: Gap): Gap[] => [...gaps, gap].slice(-mostGaps)

/** Returns the conditions after an event; the same ones if it concerns none. */
export function lacksAfter<Known extends Lacks>(lacks: Known, event: { type: string; reason?: Reason }): Known {
  switch (event.type) {
    case 'camera.lost':
      return { ...lacks, camera: event.reason }
    case 'camera.ready':
      return { ...lacks, camera: undefined }
    case 'storage.blocked':
      return { ...lacks, storage: event.reason }
    case 'storage.freed':
      return { ...lacks, storage: undefined }
    case 'server.lost':
      return { ...lacks, server: event.reason }
    case 'server.restored':
      return { ...lacks, server: undefined }
    default:
      return lacks
  }
}
