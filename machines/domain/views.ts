/** What outsiders may see of the actors: plain values, made by each machine's view function. Times are epoch ms. */
import type { CameraId, Capabilities, Identity, Pipeline, SourceKind } from './camera.js'
import type { Reason } from './reason.js'

/** The three words of the API, from the camera's tags. */
export type CameraStatus = 'CONNECTED' | 'DISCONNECTED' | 'ERROR'

/** Why something is in its state, and since when. */
export interface Cause {
  /** A word of the API: `available`, `unplugged`, `faulty` … */
  state: string
  since: number
  /** Present whenever the state is not the plain good one. */
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
  mode?: { width: number; height: number; fps: number }
  capabilities?: Capabilities
  pipeline?: Pipeline
  /** When it became CONNECTED, while it is. */
  connectedAt?: number
  stream: StreamView
  recording?: RecordingView
  /** Methods of the API that this camera accepts now (`start_recording`, `take_snapshot` …). */
  allowed: string[]
  obstacles: Obstacles
}

/** What outside the camera keeps it from recording (`storage`, `server`) and streaming (`server`). */
export interface Obstacles {
  storage?: Reason | undefined
  server?: Reason | undefined
}

/** The camera's stream by its taps and holds; readers and bytes come from the media server. */
export interface StreamView {
  status: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
  since: number
  /** Holds of start_streaming: holder → since. */
  holders: Record<string, number>
  frames: number
  fps: number
  bitrate: number
  /** Why it ended or stalls, if it did. */
  reason?: Reason
}

/** RECORDING: a file is growing. INTERRUPTED: it was, and goes on when what is missing comes back in time. */
export type RecordingStatus = 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
/** As requested: `mp4` is `fmp4` by another name; `mkv` is remuxed after the stop. */
export type RecordingFormat = 'fmp4' | 'mp4' | 'mkv'

export interface RecordingView {
  camera: CameraId
  status: RecordingStatus
  growing: boolean
  /** Why it is interrupted, or ends. */
  reason?: Reason
  format: RecordingFormat
  by: string
  /** The first file with its extension; absent before the first byte. */
  filename?: string
  files: string[]
  startedAt?: number
  /** Milliseconds requested. */
  duration?: number
}

export interface RecordingOutcome extends RecordingView {
  status: 'STOPPED' | 'FAILED'
  reason: Reason
  endedAt: number
  /** Milliseconds of media in all files. */
  recorded: number
  bytes: number
}

/** Tier 0 direct V4L2 · 1 ffmpeg from the device · 2 from the live stream · 3 the stream was woken for it. */
export type SnapshotTier = 0 | 1 | 2 | 3

/** A tier that could not give the picture. */
export interface PassedOver {
  tier: SnapshotTier
  reason: Reason
}

export interface SnapshotView {
  camera: CameraId
  filename: string
  /** Absolute; operators see it as `file_path`. */
  path: string
  bytes: number
  width: number
  height: number
  tier: SnapshotTier
  capturedAt: number
  /** Age of the picture when it was returned. */
  age: number
  passedOver: PassedOver[]
}

export interface HoldView {
  camera: CameraId
  since: number
  /** When `auto_close_after` releases it; absent: never. */
  until?: number
  /** Other holders, readers or a recording keep the stream running. */
  continues: boolean
}

export interface LinkView {
  /** `down`, `syncing`, `up`, `degraded`. */
  state: string
  cause: Cause
  /** Whether calls to the media server pass. */
  breaker: 'closed' | 'open' | 'halfOpen'
  server?: { kind: 'external' | 'managed' | 'embedded'; why: string; version?: string }
}

export interface StorageView {
  state: 'ok' | 'warning' | 'critical' | 'blind' | 'unknown'
  cause: Cause
  total: number
  used: number
  available: number
  percent: number
}

export interface SystemView {
  status: 'starting' | 'partial' | 'ready'
  message: string
  /** How cameras are found: by `udev` events, by `devfs` (inotify and polling), `off`. */
  discovery: { active: boolean; mode: 'udev' | 'devfs' | 'off'; cause: Cause }
  startedAt: number
}
