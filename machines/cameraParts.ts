/** What the camera derives from its context and children. */
import type { AnyActorRef } from 'xstate'
import type { CameraContext, CameraEvent, Drain, OnDevice } from './cameraContext.js'
import type { Pipeline, Probe } from './domain/camera.js'
import { type FailedEncoder, isHardware } from './domain/encoder.js'
import type { LostFact } from './domain/facts.js'
import { because, type Reason } from './domain/reason.js'
import type { Lacks } from './domain/recording.js'
import type { StreamInput } from './pipeline.js'
import { newestOf, outcomeOf, type RecordingContext, type RecordingInput } from './recordingContext.js'
import type { SourceInput } from './source.js'

export type Probed = Probe & { at: number }

export interface Failed {
  error: unknown
}

/** The input of a recording that starts, or continues. */
export function recordingInput(
  { id: camera, device, endsOnUnplug, maxInterruption, segmentLimits }: CameraContext,
  { by, format, duration }: Pick<RecordingInput, 'by' | 'format' | 'duration'>,
  lacks: Lacks,
): RecordingInput {
  return {
    camera,
    by,
    format,
    lacks,
    ...(duration !== undefined && { duration }),
    ...(endsOnUnplug && { endsOnUnplug }),
    ...(device?.kind === 'rtsp' && { isPulled: true }),
    ...(maxInterruption !== undefined && { maxInterruption }),
    ...(segmentLimits && { segmentLimits }),
  }
}

/** The fact of a crashed recording. One that had started continues. */
export function crashFact(recording: RecordingContext): LostFact {
  const { camera, by, startedAt } = recording
  const reason = because('crashed')
  return startedAt === undefined
    ? { type: 'recording.failed', camera, by, outcome: { ...outcomeOf(recording), reason } }
    : { type: 'recording.interrupted', camera, by, reason, ...newestOf(recording), closes: false }
}

/** Returns the event for all users of the camera. Removing a camera stops its recording; that is not a failure. */
export function drainOf(event: CameraEvent): Drain {
  if (event.type === 'camera.remove') return { type: 'recording.stop', by: event.by, removed: true }
  if (event.type === 'service.stopping') return event
  return { type: 'camera.lost', reason: ('reason' in event && event.reason) || because('replaced') }
}

export const reasonCodes = { 'recording.stop': 'removed', 'service.stopping': 'service_stopping' } as const

export function onDevice({ id, device, settings, name, ease, failedEncoder }: CameraContext): OnDevice {
  return {
    id,
    settings,
    device: device ?? { kind: 'virtual', name },
    ...(ease > 0 && { ease }),
    ...(failedEncoder && { failedEncoder }),
  }
}

/** What a camera keeps of a failed hardware encoder; none if it uses none. */
export function failedEncoderOf({ probe }: CameraContext, { evidence }: Reason): FailedEncoder | undefined {
  const encoder = probe?.pipeline.encoder
  if (!isHardware(encoder)) return undefined
  const details = `${encoder} failed: the stream is encoded by libx264 from now on`
  return { encoder, reason: because('encoder_failed', details, evidence) }
}

export const streamInput = ({ id: camera, probe, obstacles: { server } }: CameraContext): StreamInput => {
  const fps = probe?.pipeline.mode.fps
  return { camera, ...(fps && { fps }), ...(server && { server }) }
}

/** The reasons are for people: they may differ. */
export const isSamePipeline = (one: Pipeline | undefined, other: Pipeline): boolean =>
  JSON.stringify({ ...one, ...noReasons }) === JSON.stringify({ ...other, ...noReasons })
const noReasons = { reason: '', encoderReason: '' }

/** Only `online` calls this, and it is never entered without a probe. */
export const probeOf = ({ probe }: CameraContext): Probe => {
  if (!probe) throw new Error('a camera is online without a probe')
  return probe
}

/** True if the camera's stream uses the device, according to the camera's children. */
export function isStreaming({ children }: { children: Record<string, AnyActorRef | undefined> }): boolean {
  const has = (child: string, tag: string) => children[child]?.getSnapshot().hasTag(tag) === true
  return has('pipeline', 'running') || has('pull', 'running') || has('demand', 'live')
}

export function sourceOf({ device }: CameraContext): SourceInput {
  return device?.kind === 'rtsp' ? device : { url: '' }
}

/**
 * The pause after a probe that failed, in ms: 1 s, 2 s, 4 s … 60 s, or up to the camera's own interval; at most 10 s
 * while a recording waits for the camera. After a refused password 1 min, 2 min … 10 min: cameras lock accounts.
 */
export function probePause({ reason, failures, device }: CameraContext, isWanted: boolean): number {
  const doublings = 2 ** Math.min(failures - 1, 20)
  if (reason?.code === 'source_refused') return Math.min(600_000, 60_000 * doublings)
  const { checkInterval = 0 } = device?.kind === 'rtsp' ? device : {}
  return Math.min(isWanted ? 10_000 : Math.max(60_000, checkInterval), 1_000 * doublings)
}
