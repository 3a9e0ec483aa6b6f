/** Facts: events that happened. Machines emit them; notifications, log, audit log and metrics are views of them. */

import type { MediaSession } from './access.js'
import type { By } from './by.js'
import type { CameraId } from './camera.js'
import type { ConfigChange, ConfigComparison, ConfigFault, ConfigOrigin } from './configuration.js'
import type { Encoder } from './encoder.js'
import type { FileKind, RecordingFolder } from './files.js'
import type { SourceDescription } from './mediaServer.js'
import type { Reason } from './reason.js'
import type { Gap } from './recording.js'
import type { Cleanup, RetentionPolicy } from './retention.js'
import type { Act } from './simulation.js'
import type { CameraStatus, PassedOver, RecordingFormat, RecordingOutcome, SnapshotView } from './views.js'

export type { By } from './by.js'

export type CameraFact = { camera: CameraId } & (
  | { type: 'camera.connected'; name: string }
  | { type: 'camera.disconnected'; reason: Reason }
  | { type: 'camera.statusChanged'; name: string; from: CameraStatus; to: CameraStatus; reason?: Reason }
  /** `encoder`: of a stream that this host encodes. */
  | { type: 'camera.probed'; formats: string[]; encoder?: Encoder; encoderReason?: string }
  | { type: 'camera.probeFailed'; reason: Reason }
  /** The stream of a network camera has another codec or size. */
  | { type: 'camera.mediaChanged'; from: SourceDescription; to: SourceDescription; reason: Reason }
  | { type: 'camera.identityAmbiguous'; reason: Reason }
  /** The recording that ended, failed or was suspended is gone: the next one can start. */
  | { type: 'camera.recordingOver' }
  | { type: 'camera.retired' }
  /** By a client, or in the configuration. */
  | { type: 'camera.renamed'; name: string }
)

export type RecordingFact = { camera: CameraId; by: By } & (
  | { type: 'recording.started'; filename: string; startedAt: number; format: RecordingFormat }
  /** No file grows. The recording continues by itself when it can. `closes`: its files are being closed. */
  | { type: 'recording.interrupted'; filename?: string; reason: Reason; closes: boolean }
  /** The files of an interrupted recording are closed. */
  | { type: 'recording.suspended'; outcome: EndedRecording }
  | { type: 'recording.resumed'; filename: string; gap: Gap }
  | { type: 'recording.ended'; outcome: EndedRecording }
  /** The recording did not start, or ended because of a fault. Existing files are final. */
  | { type: 'recording.failed'; outcome: EndedRecording }
)

/** `filename`: its first file, which may be gone; absent: it wrote none. */
export type EndedRecording = Pick<
  RecordingOutcome,
  'reason' | 'filename' | 'files' | 'startedAt' | 'endedAt' | 'recorded' | 'bytes' | 'format' | 'gaps'
>

export type SnapshotFact =
  | ({ type: 'snapshot.taken'; by: By } & SnapshotView)
  | { type: 'snapshot.failed'; camera: CameraId; by: By; reason: Reason; passedOver: PassedOver[] }
  /** A picture that is not saved as a snapshot: there is no notification for it. */
  | ({ type: 'still.taken'; by: By; file: string } & Pick<SnapshotView, 'camera' | 'bytes' | 'tier' | 'capturedAt'>)
  | { type: 'still.failed'; camera: CameraId; by: By; reason: Reason; passedOver: PassedOver[] }

/** Emitted by a camera for a child that crashed before it could emit the fact itself. */
export type LostFact =
  | Extract<RecordingFact, { type: 'recording.failed' | 'recording.interrupted' }>
  | Extract<SnapshotFact, { type: 'snapshot.failed' | 'still.failed' }>

export type StreamFact =
  | { type: 'stream.started'; camera: CameraId }
  | { type: 'stream.stalled'; camera: CameraId; reason: Reason }
  /** The host encodes slower than the camera sends: told once, until it keeps up again. */
  | { type: 'stream.overloaded'; camera: CameraId; reason: Reason }
  | { type: 'stream.relieved'; camera: CameraId }
  | { type: 'stream.ended'; camera: CameraId; reason: Reason }

export type LinkFact =
  | { type: 'link.up'; version: string; paths: number }
  | { type: 'link.degraded'; reason: Reason }
  | { type: 'link.down'; reason: Reason }
  /** The circuit breaker opened, or opened again after a failed trial call. */
  | { type: 'link.breakerOpened' }

/** Somebody removed or changed a path in the media server. The reason says what differs and what was done. */
export type PathFact = { type: 'path.drifted'; camera: CameraId; reason: Reason }

export type StorageFact =
  | { type: 'storage.ok'; percent: number; available: number }
  | { type: 'storage.warning' | 'storage.critical'; percent: number; available: number; reason: Reason }
  | { type: 'storage.blind'; reason: Reason }

/** New recordings go to another folder. `reason`: why the other one is left, or that the main folder is back. */
export type RecordingFolderFact = { type: 'storage.switched'; to: RecordingFolder; reason: Reason }

/** A scan for external streams; URLs without credentials, `took` in ms. */
export type DiscoveryFact =
  | { type: 'discovery.started'; skydio: boolean; generic: boolean }
  /** Number of addresses probed so far; emitted at most once a second. */
  | { type: 'discovery.progress'; done: number; total: number }
  /** A stream that is new, or answers again. */
  | { type: 'discovery.found'; url: string; name: string }
  /** `askers`: the clients that asked for this scan, or joined it. */
  | { type: 'discovery.ended'; found: number; took: number; errors: string[]; askers?: readonly By[] }

/** The outcome of a change that a client requested; URLs without credentials. */
export type ExternalFact =
  /** `unchanged`: the stream already exists. */
  | { type: `externalStream.${'added' | 'unchanged' | 'removed'}`; by: By; url: string }
  /** Nothing was changed. */
  | { type: 'externalStream.refused'; by: By; reason: Reason }
  /** `interval`: ms between scans; 0: on demand only. */
  | { type: 'externalDiscovery.intervalSet'; by: By; interval: number }

export type RetentionFact =
  | { type: 'retention.policySet'; by: By; policy: RetentionPolicy }
  /** A sweep ended. `by` is absent for a scheduled sweep. `reason`: why it ended early. */
  | ({ type: 'retention.swept'; by?: By; files: number; reason?: string } & Pick<Cleanup, 'freed' | 'kept'>)
  /** No file is deleted any more, or none by age, until `retention.resumed`. */
  | { type: 'retention.suspended'; reason: Reason }
  | { type: 'retention.resumed' }
  /** More files than before are kept because their dates cannot be right. */
  | { type: 'retention.undated'; files: number; reason: Reason }
  | { type: 'file.deleted'; by?: By; kind: FileKind; name: string; camera: CameraId; bytes: number; reason: string }

/** A recording contains no media that can be played and was moved aside. `filename`: its name in the quarantine. */
export type QuarantineFact = { type: 'file.quarantined'; camera: CameraId; filename: string; reason: Reason }

/**
 * A closed recording was replaced by a copy with an index, of `bytes`; or it cannot get one and stays as it is.
 */
export type IndexFact = { camera: CameraId; filename: string } & (
  | { type: 'file.indexed'; bytes: number }
  | { type: 'file.notIndexed'; reason: Reason }
)

/** An actor crashed because of a bug. `restarts`: number of restarts so far, including this one. */
export type SupervisionFact = { type: 'actor.failed'; actor: string; reason: Reason; restarts: number }

/** A reader was kicked. `request`: the id of the call that ended it; absent if its credential expired. */
export type MediaSessionFact = { type: 'mediaSession.ended'; reason: string; request?: string } & Pick<
  MediaSession,
  'camera' | 'protocol' | 'user' | 'address'
>

/** `from`: the expected wall time; `to`: the one found instead, both in epoch ms. `by`: the difference, in ms. */
export interface ClockJump {
  from: number
  to: number
  by: number
}

export type ClockFact = { type: 'system.clock_jumped' } & ClockJump

/** A change of the configuration. `by` is absent if no client asked. */
export type ConfigFact = {
  origin: ConfigOrigin
  by?: By
} /** The change is in force. `needsRestart`: all keys that apply at the next start, of earlier changes too. */ & (
  | ({ type: 'config.changed' | 'config.unchanged'; version: number } & ConfigOutline)
  /** Nothing was changed. */
  | { type: 'config.refused'; reason: Reason; faults: readonly ConfigFault[] }
  /** The change was reverted. `fileDiffers`: the file still has it. */
  | { type: 'config.rolledBack'; reason: Reason; changes: readonly ConfigChange[]; fileDiffers: boolean }
)

type ConfigOutline = Pick<ConfigComparison, 'changes' | 'needsRestart' | 'warnings'>

/**
 * A simulated fault was caused, or could not be (`reason`). `camera`: the camera's id; `act` has its name. `step`: its
 * number in the scenario, from 1; absent if a client asked for it (`by`).
 */
export type SimulationFact = {
  type: 'simulation.step'
  act: Act
  camera?: CameraId
  step?: number
  by?: By
  reason?: Reason
}

/** A part of the configuration, or of the host, that is no camera. */
export type EntryFact =
  /** No device matches an entry of the configuration. `name`: that of the entry. */
  | { type: 'entry.absent'; name: string; reason: Reason }
  /** A capture device that is not USB. `source`: how to write it in the configuration. */
  | { type: 'device.ignored'; name: string; source: string }

export type SystemFact = { type: 'system.started' } | { type: 'system.stopping'; reason: string }

export type Fact =
  | CameraFact
  | RecordingFact
  | SnapshotFact
  | StreamFact
  | LinkFact
  | PathFact
  | StorageFact
  | RecordingFolderFact
  | DiscoveryFact
  | ExternalFact
  | RetentionFact
  | QuarantineFact
  | IndexFact
  | SupervisionFact
  | MediaSessionFact
  | SystemFact
  | EntryFact
  | ConfigFact
  | ClockFact
  | SimulationFact

/** A published fact: numbered without gaps since the start of the service, with its time. */
export type Told<F extends Fact = Fact> = F & { seq: number; at: number }

/** The published facts of one type, or of several. */
export type FactOf<Type extends Fact['type'], F extends Fact = Fact> = F extends { type: infer Types }
  ? Type extends Types
    ? Told<F>
    : never
  : never
