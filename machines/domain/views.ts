/** The public state of the actors: plain values, created by each machine's view function. Times are epoch ms. */
import type { CameraId, CameraLimits, Capabilities, CaptureMode, Identity, Pipeline, SourceKind } from './camera.js'
import type { DiskUsage, RecordingFolder } from './files.js'
import type { ServerChoice } from './mediaServer.js'
import type { Reason } from './reason.js'
import type { Gap, Need, RecordingFormat } from './recording.js'

export type { RecordingFormat } from './recording.js'

/** An entry of the configuration without a device. */
export interface AbsentView {
  name: string
  reason: Reason
}

/** The three status values of the API, derived from the camera's tags. */
export type CameraStatus = 'CONNECTED' | 'DISCONNECTED' | 'ERROR'

/** A state, its start time and its reason. */
export interface Cause {
  /** A state name of the API: `available`, `unplugged`, `faulty` … */
  state: string
  since: number
  /** Absent in the normal state. */
  reason?: Reason
}

export interface CameraView {
  id: CameraId
  kind: SourceKind
  name: string
  status: CameraStatus
  cause: Cause
  identity: Identity
  /** Size and frames per second of the chosen mode; absent until probed. */
  mode?: Omit<CaptureMode, 'fourcc'>
  capabilities?: Capabilities
  pipeline?: Pipeline
  /** Time of the transition to CONNECTED; absent in other states. */
  connectedAt?: number
  stream: StreamView
  recording?: RecordingView
  /** Methods of the API that this camera accepts now (`start_recording`, `take_snapshot` …). */
  allowed: string[]
  obstacles: Obstacles
  /** Limits for its files, beside the retention policy; absent: none of its own. */
  limits?: CameraLimits
}

/** Conditions outside the camera that block recording (`storage`, `server`) and streaming (`server`). */
export interface Obstacles {
  storage?: Reason | undefined
  server?: Reason | undefined
}

/** The camera's stream, from its taps and holds. The media server reports readers and bytes. */
export interface StreamView {
  status: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
  since: number
  /** Holds of start_streaming: holder → start time. */
  holders: Record<string, number>
  frames: number
  fps: number
  bitrate: number
  speed?: number
  size?: { width: number; height: number }
  /** The host is too slow for the stream. */
  overload?: Reason
  /** Why the stream ended or stalls. */
  reason?: Reason
}

/** RECORDING: a file is growing. INTERRUPTED: no file grows; the recording continues by itself. */
export type RecordingStatus = 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'

export interface RecordingView {
  camera: CameraId
  status: RecordingStatus
  growing: boolean
  /** Why the recording is interrupted, or ends. */
  reason?: Reason
  format: RecordingFormat
  by: string
  /** The first file with its extension; absent before the first byte. */
  filename?: string
  files: string[]
  startedAt?: number
  /** Milliseconds requested. */
  duration?: number
  /** INTERRUPTED: time of the last media. */
  since?: number
  /** What an interrupted recording waits for before it continues; absent: its file is still open. */
  waitsFor?: Need
  /** Times without media so far, oldest first. */
  gaps: Gap[]
}

export interface RecordingOutcome extends RecordingView {
  status: 'STOPPED' | 'FAILED'
  reason: Reason
  endedAt: number
  /** Milliseconds of media in all files. */
  recorded: number
  bytes: number
}

/** 0: direct V4L2; 1: ffmpeg from the device; 2: from the live stream; 3: from a stream that was started for it. */
export type SnapshotTier = 0 | 1 | 2 | 3

/** A tier that failed or was skipped. */
export interface PassedOver {
  tier: SnapshotTier
  reason: Reason
}

export interface SnapshotView {
  camera: CameraId
  filename: string
  /** Absolute; operators get it as `file_path`. */
  path: string
  bytes: number
  width: number
  height: number
  tier: SnapshotTier
  capturedAt: number
  /** Age of the picture when it was returned. */
  age: number
  /** Number of frames that were skipped before it; absent: it comes from a stream. */
  skippedFrames?: number
  passedOver: PassedOver[]
}

export interface HoldView {
  camera: CameraId
  since: number
  /** Time of the automatic release by `auto_close_after`; absent: never. */
  until?: number
  /** Other holders, readers or a recording keep the stream running. */
  continues: boolean
}

export interface LinkView {
  /** `down`, `syncing`, `up`, `degraded`. */
  state: string
  cause: Cause
  /** `closed`: calls to the media server are allowed. */
  breaker: 'closed' | 'open' | 'halfOpen'
  /** The media server of this service has ended and does not run again yet. */
  ended?: true
  server?: ServerChoice & { version?: string }
}

export interface StorageView extends DiskUsage {
  state: 'ok' | 'warning' | 'critical' | 'blind' | 'unknown'
  cause: Cause
  /** Bytes that can be written until recordings are blocked; negative behind the limit. */
  room?: number
  /** Bytes that can be written until clients are warned; negative behind the limit. */
  spare?: number
  /** The folder that takes new recordings, whose disk is shown; absent without a fallback folder. */
  folder?: FolderView
}

export interface FolderView {
  inUse: RecordingFolder
  since: number
  /** Why the fallback folder is used. */
  reason?: Reason
}

/** One running machine. */
export interface ActorView {
  /** As in the log: `camera:camera0`, `camera:camera0/recording`. */
  name: string
  /** Name of the parent; absent for the root. */
  parent?: string
  /** Id of its machine: `camera`, `recording` … */
  machine: string
  /** The active states without children, dotted: `online.available`. Several if states are parallel. */
  states: string[]
  /** When it entered them. */
  since: number
}

export interface SystemView {
  status: 'starting' | 'partial' | 'ready'
  message: string
  /** How cameras are found: `udev` events, `devfs` (inotify and polling), or `off`. */
  discovery: { active: boolean; mode: 'udev' | 'devfs' | 'off'; cause: Cause }
  startedAt: number
}
