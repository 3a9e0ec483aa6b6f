/** What outsiders may see of the actors: plain values, made by each machine's `viewOf`. Times are epoch ms. */
import type { CameraId, Capabilities, Identity, Pipeline, SourceKind } from './camera.js'

/** The wire's three words, from the camera's state. */
export type CameraStatus = 'CONNECTED' | 'DISCONNECTED' | 'ERROR'

/** A reason for a state: since when, because of which event, in whose words. */
export interface Cause {
  /** The state's name: `available`, `unplugged`, `faulty` … */
  state: string
  since: number
  /** One sentence, present whenever the state is not the plain good one. */
  reason?: string
}

export interface CameraView {
  id: CameraId
  kind: SourceKind
  name: string
  status: CameraStatus
  cause: Cause
  identity: Identity
  /** `WxH` and frames per second of the chosen mode; absent until probed. */
  mode?: { width: number; height: number; fps: number }
  capabilities?: Capabilities
  pipeline?: Pipeline
  /** When it became CONNECTED, while it is. */
  connectedAt?: number
  stream: StreamView
  recording?: RecordingView
  /** Methods of the API that this camera would accept now (`start_recording`, `take_snapshot` …). */
  allowed: string[]
}

/** The camera's stream as our taps and holds know it; readers and bytes come from the media server. */
export interface StreamView {
  status: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
  /** Since when it is so. */
  since: number
  /** Callers that hold it by start_streaming: holder → since. */
  holders: Record<string, number>
  frames: number
  fps: number
  bitrate: number
  /** Why it ended or stalls, if it did. */
  reason?: string
}

/** RECORDING: a file is growing. INTERRUPTED: it was, and will again when what is missing comes back in time. */
export type RecordingStatus = 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
/** As asked for: `mp4` is `fmp4` by another name; `mkv` is remuxed after the stop. */
export type RecordingFormat = 'fmp4' | 'mp4' | 'mkv'

export interface RecordingView {
  camera: CameraId
  status: RecordingStatus
  growing: boolean
  /** Why it is interrupted, or ends. */
  reason?: string
  format: RecordingFormat
  by: string
  /** First file's name with extension; absent before the first byte. */
  filename?: string
  files: string[]
  startedAt?: number
  /** Milliseconds asked for. */
  duration?: number
}

export interface RecordingOutcome extends RecordingView {
  status: 'STOPPED' | 'FAILED'
  /** `requested`, `duration reached`, `device removed`, `storage full`, `no data` … */
  reason: string
  endedAt: number
  /** Milliseconds of media over all files. */
  recorded: number
  bytes: number
}

/** Tier 0 direct V4L2 · 1 ffmpeg from the device · 2 from the live stream · 3 the stream was woken for it. */
export type SnapshotTier = 0 | 1 | 2 | 3

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
  /** Age of the picture when it was answered. */
  age: number
  passedOver: { tier: SnapshotTier; reason: string }[]
}

export interface HoldView {
  camera: CameraId
  since: number
  /** When `auto_close_after` lets go; absent: never. */
  until?: number
  /** Other holders, readers or a recording keep it alive. */
  continues: boolean
}

export interface LinkView {
  /** `down`, `syncing`, `up`, `degraded`. */
  state: string
  cause: Cause
  server?: { kind: 'external' | 'managed' | 'embedded'; why: string; version?: string }
}

export interface StorageView {
  state: 'ok' | 'warning' | 'critical' | 'unknown'
  cause: Cause
  total: number
  used: number
  available: number
  percent: number
}

export interface SystemView {
  status: 'starting' | 'partial' | 'ready'
  message: string
  /** How cameras are found: `udev` events, `devfs` (inotify and polling), `off`. */
  discovery: { active: boolean; mode: 'udev' | 'devfs' | 'off'; cause: Cause }
  startedAt: number
}
