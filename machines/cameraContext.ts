import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { Hold, Holds } from './demand.js'
import type { By } from './domain/by.js'
import type { CameraId, CameraSettings, Device, Identity, Probe } from './domain/camera.js'
import type { FailedEncoder } from './domain/encoder.js'
import type { PathEvent } from './domain/mediaServer.js'
import type { Reason } from './domain/reason.js'
import type { SegmentLimits } from './domain/segmentLimits.js'
import type { Obstacles, RecordingFormat } from './domain/views.js'
import type { StreamUseEvent } from './keyframes.js'
import type { FeedFailed } from './pipelineContext.js'
import type { MediaEvent } from './pull.js'
import type { RecordingEvent, RecordingNews } from './recordingContext.js'
import type { SnapshotWish } from './snapshotContext.js'

/** The settings of a camera in the configuration. They may change while it runs. */
export interface CameraSetup {
  name: string
  settings: CameraSettings
  /** Whether a recording ends when the camera is lost; default: it continues when the camera is back. */
  endsOnUnplug?: boolean
  /** How long a recording may wait, in ms; default: for ever. */
  maxInterruption?: number | undefined
  /** Whether the rate and size of a stream are lowered while the host is too slow for it. */
  adapts?: boolean
}

export interface CameraInput extends CameraSetup {
  id: CameraId
  identity: Identity
  device: Device
  obstacles: Obstacles
}

export type CameraEvent =
  | { type: 'device.found'; device: Device; identity: Identity }
  /** The same camera has another node, because the unplug event was missed, or other settings (`reason`). */
  | { type: 'device.replaced'; device: Device; identity: Identity; reason?: Reason }
  /** The camera has other settings. `device.replaced` follows if it must reconnect. */
  | { type: 'camera.configured'; setup: CameraSetup }
  | { type: 'device.removed'; reason: Reason }
  | { type: 'identity.changed'; identity: Identity }
  | { type: 'recording.start'; by: By; format: RecordingFormat; duration?: number }
  | { type: 'recording.stop'; by: By }
  | { type: 'snapshot.take'; wish: SnapshotWish }
  | ({ type: 'stream.hold'; holder: string; by?: By } & Hold)
  | { type: 'stream.release'; holder: string }
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'storage.freed' }
  | { type: 'server.lost'; reason: Reason }
  | { type: 'server.restored' }
  | { type: 'service.stopping' }
  /** The camera was removed: it drains and ends, even if its device is present. */
  | { type: 'camera.remove'; by: By }
  /** Raised by the camera itself: all uses of the camera end. */
  | { type: 'camera.drain'; order: Drain }
  /** Raised by the camera itself: a recording that waits for the camera ends, too. */
  | { type: 'recording.finish'; order: Drain }
  | RecordingNews
  /** Raised by the camera itself: its network camera does not answer any more. */
  | { type: 'source.lost'; reason: Reason }
  /** Sent by the pipeline: the host is too slow for the stream. */
  | { type: 'pipeline.overloaded'; reason: Reason }
  /** Sent by the pipeline or by the pull: why there are no frames. */
  | FeedFailed
  /** Sent by the pipeline: it failed for a reason after which the camera may offer other formats. */
  | { type: 'pipeline.misfit'; reason: Reason }
  /** Sent by the pipeline: it failed because of its encoder. */
  | { type: 'pipeline.encoderFailed'; reason: Reason }
  | PathEvent
  | MediaEvent
  /** Sent by the pull. */
  | StreamUseEvent
  | DoneActorEvent<unknown, 'recording' | 'snapshot'>
  | ErrorActorEvent<unknown, 'recording' | 'snapshot'>

/** The event for a recording or snapshot when its camera drains. */
export type Drain = Extract<RecordingEvent, { type: 'recording.stop' | 'camera.lost' | 'service.stopping' }>

export interface CameraContext extends Omit<CameraInput, 'device'> {
  /** Absent: the camera is not plugged in. */
  device?: Device | undefined
  probe?: Probe
  connectedAt?: number | undefined
  /** Why the camera is not in its normal state. */
  reason?: Reason | undefined
  /** Number of consecutive failed probes. */
  failures: number
  /** Number of steps by which the stream is lowered; see `easedSettings`. */
  ease: number
  /** Number of times that it was lowered since the camera was found. */
  easings: number
  /** The hardware encoder that failed in its pipeline. It is not used until the settings of the stream change. */
  failedEncoder?: FailedEncoder | undefined
  /** The holds on its stream while it reconnects to change the stream. */
  keptHolds?: Holds | undefined
  /** For its recordings: the folders whose file system has taken no larger file. */
  segmentLimits?: SegmentLimits | undefined
}

export interface OnDevice {
  id: CameraId
  device: Device
  settings: CameraSettings
  ease?: number
  failedEncoder?: FailedEncoder
}
