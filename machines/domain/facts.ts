/** What happened, once it happened. Machines emit facts; notifications, logs and metrics are views of them. */
import type { CameraId } from './camera.js'
import type { FileKind } from './ports.js'
import type { Reason } from './reason.js'
import type { Cleanup, RetentionPolicy } from './retention.js'
import type { CameraStatus, RecordingFormat, SnapshotTier, SnapshotView } from './views.js'

/** Who asked: `user` as the token names it, the RPC request's id, the connection that it came by. */
export interface By {
  user: string
  request: string
  session: string
}

export type CameraFact =
  | { type: 'camera.connected'; camera: CameraId; name: string }
  | { type: 'camera.disconnected'; camera: CameraId; reason: string }
  | {
      type: 'camera.statusChanged'
      camera: CameraId
      name: string
      from: CameraStatus
      to: CameraStatus
      reason?: string
    }
  | { type: 'camera.probed'; camera: CameraId; formats: string[] }
  | { type: 'camera.probeFailed'; camera: CameraId; reason: string }
  | { type: 'camera.identityAmbiguous'; camera: CameraId; reason: string }
  | { type: 'camera.retired'; camera: CameraId }

export type RecordingFact =
  | {
      type: 'recording.started'
      camera: CameraId
      by: By
      filename: string
      startedAt: number
      format: RecordingFormat
    }
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
  | {
      type: 'snapshot.failed'
      camera: CameraId
      by: By
      reason: string
      passedOver: SnapshotView['passedOver']
      nameTaken?: true
    }

/** What became of a picture that was only to be looked at. An answer to one caller and no fact: nobody else is told. */
export type StillAnswer =
  | {
      type: 'still.taken'
      camera: CameraId
      by: By
      file: string
      bytes: number
      tier: SnapshotTier
      capturedAt: number
    }
  | { type: 'still.failed'; camera: CameraId; by: By; reason: string; passedOver: SnapshotView['passedOver'] }

export type StreamFact =
  | { type: 'stream.started'; camera: CameraId }
  | { type: 'stream.stalled'; camera: CameraId; silentFor: number }
  | { type: 'stream.ended'; camera: CameraId; reason: string }

export type LinkFact =
  | { type: 'link.up'; version: string; paths: number }
  | { type: 'link.degraded'; reason: string }
  | { type: 'link.down'; reason: string }

export type StorageFact = {
  type: 'storage.ok' | 'storage.warning' | 'storage.critical'
  percent: number
  available: number
}

/** A scan for external streams; URLs without credentials, `took` in ms. */
export type DiscoveryFact =
  | { type: 'discovery.started'; skydio: boolean; generic: boolean }
  /** Addresses asked so far; at most once a second. */
  | { type: 'discovery.progress'; done: number; total: number }
  /** One that was not known, or had been away. */
  | { type: 'discovery.found'; url: string; name: string }
  | { type: 'discovery.ended'; found: number; took: number; errors: string[] }

export type RetentionFact =
  | { type: 'retention.policySet'; by: By; policy: RetentionPolicy }
  /** One look is over: what it deleted, of how many bytes, what it could not; without `by` nobody had asked. `reason`: why it ended early. */
  | { type: 'retention.swept'; by?: By; files: number; freed: number; kept: Cleanup['kept']; reason?: string }
  | { type: 'file.deleted'; by?: By; kind: FileKind; name: string; camera: CameraId; bytes: number; reason: string }

/** An actor crashed because of a bug. `restarts`: how often it was started again, this time included. */
export type SupervisionFact = { type: 'actor.failed'; actor: string; reason: Reason; restarts: number }

export type SystemFact = { type: 'system.started' } | { type: 'system.stopping'; reason: string }

export type Fact =
  | CameraFact
  | RecordingFact
  | SnapshotFact
  | StreamFact
  | LinkFact
  | StorageFact
  | DiscoveryFact
  | RetentionFact
  | SupervisionFact
  | SystemFact

/** A fact on the bus: numbered without gaps since the start, with its time. */
export type Told<F extends Fact = Fact> = F & { seq: number; at: number }
