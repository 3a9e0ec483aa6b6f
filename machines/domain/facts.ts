/** What happened, once it happened. Machines emit facts; notifications, logs and metrics are views of them. */
import type { CameraId } from './camera.js'
import type { CameraStatus, RecordingFormat, SnapshotView } from './views.js'

/** Who asked: `user` as the token names it, the RPC request's id, the connection that it came by. */
export interface By {
  user: string
  request: string
  session: string
}

export type CameraFact =
  | { type: 'camera.connected'; camera: CameraId; name: string }
  | { type: 'camera.disconnected'; camera: CameraId; reason: string }
  | { type: 'camera.statusChanged'; camera: CameraId; name: string; from: CameraStatus; to: CameraStatus; reason?: string }
  | { type: 'camera.probed'; camera: CameraId; formats: string[] }
  | { type: 'camera.probeFailed'; camera: CameraId; reason: string }
  | { type: 'camera.identityAmbiguous'; camera: CameraId; reason: string }
  | { type: 'camera.retired'; camera: CameraId }

export type RecordingFact =
  | { type: 'recording.started'; camera: CameraId; by: By; filename: string; startedAt: number; format: RecordingFormat }
  | { type: 'recording.interrupted'; camera: CameraId; by: By; filename: string; reason: string }
  | { type: 'recording.resumed'; camera: CameraId; by: By; filename: string }
  | { type: 'recording.ended'; camera: CameraId; by: By; outcome: EndedRecording }
  /** Never began, or ended for a fault; the files that exist are final all the same. */
  | { type: 'recording.failed'; camera: CameraId; by: By; outcome: EndedRecording }

export interface EndedRecording {
  reason: string
  files: string[]
  startedAt?: number
  endedAt: number
  recorded: number
  bytes: number
  format: RecordingFormat
}

export type SnapshotFact =
  | ({ type: 'snapshot.taken'; by: By } & SnapshotView)
  | { type: 'snapshot.failed'; camera: CameraId; by: By; reason: string; passedOver: SnapshotView['passedOver'] }

export type StreamFact =
  | { type: 'stream.started'; camera: CameraId }
  | { type: 'stream.stalled'; camera: CameraId; silentFor: number }
  | { type: 'stream.ended'; camera: CameraId; reason: string }

export type LinkFact = { type: 'link.up'; version: string; paths: number } | { type: 'link.degraded'; reason: string } | { type: 'link.down'; reason: string }

export type StorageFact = { type: 'storage.ok' | 'storage.warning' | 'storage.critical'; percent: number; available: number }

export type SystemFact = { type: 'system.started' } | { type: 'system.stopping'; reason: string }

export type Fact = CameraFact | RecordingFact | SnapshotFact | StreamFact | LinkFact | StorageFact | SystemFact

/** A fact on the bus: numbered without gaps since the start, with its time. */
export type Told<F extends Fact = Fact> = F & { seq: number; at: number }
