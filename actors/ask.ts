import type { By } from '../machines/domain/facts.js'
import type { HoldView, RecordingFormat, RecordingOutcome, RecordingView, SnapshotView } from '../machines/domain/views.js'

/**
 * The four moves of a request: find the actor, ask `can`, send, wait for the fact. Every refusal is a ServiceError:
 * `notFound` (no such camera, or no such hold), `invalidState` with `state`, `allowed_states`, `allowed_methods`,
 * `dependencyFailed`. `signal` is the caller's end.
 */
export interface Ask {
  /** `duration` in ms, from the first frame. Resolves when bytes of the segment are on disk. */
  startRecording(camera: string, request: { duration?: number; format: RecordingFormat; by: By }): Promise<RecordingView>
  /** Resolves when the files are final. */
  stopRecording(camera: string, by: By): Promise<RecordingOutcome>
  /** `maxAge` in ms: how old the picture may be; 0: not taken before the request. */
  takeSnapshot(camera: string, request: SnapshotRequest): Promise<SnapshotView>
  /** Resolves when the stream is live. A holder's second hold answers the first. */
  holdStream(camera: string, holder: string, by: By): Promise<HoldView>
  /** Never ends a recording. `notFound('Stream')` when the holder holds none. */
  releaseStream(camera: string, holder: string): Promise<HoldView>
  /** The holder's session has ended: lets go of all its streams. */
  releaseAll(holder: string): void
  /** Plays a virtual camera's fault; `unsupported` when simulation is off or the camera is not virtual. */
  simulate(camera: string, action: SimulateAction): Promise<void>
}

export type SimulateAction = 'unplug' | 'plug' | 'stall' | 'resume' | 'busy'

export interface SnapshotRequest {
  filename?: string
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  width?: number
  height?: number
  maxAge: number
  by: By
}
