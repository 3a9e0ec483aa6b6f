import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { By } from './domain/by.js'
import type { CameraId } from './domain/camera.js'
import { moreExact } from './domain/cause.js'
import type { EndedRecording } from './domain/facts.js'
import type { RecordingFile, Segment, SegmentEvent } from './domain/files.js'
import { because, type Reason } from './domain/reason.js'
import {
  type Gap,
  type Lacks,
  type Recalled,
  type RecordingFormat,
  type RecordingIntent,
  withGap,
} from './domain/recording.js'
import { type SegmentLimits, stallOf } from './domain/segmentLimits.js'
import type { FeedFailed } from './pipelineContext.js'
import type { StreamHoldEvent } from './streamHold.js'

/**
 * `duration`: in ms from the first frame; absent: until it is stopped. `by`: the origin of the request. `lacks`: the
 * present obstacles. `endsOnUnplug`: the recording ends when its camera is lost. `recalled`: a recording of an earlier
 * run of the service, which continues.
 */
export interface RecordingInput {
  camera: CameraId
  by: By
  format: RecordingFormat
  duration?: number
  lacks?: Lacks
  endsOnUnplug?: boolean
  /** The camera encodes by itself: nobody can ask it for a keyframe. */
  isPulled?: boolean
  /** How long it may wait, in ms; absent: for ever. */
  maxInterruption?: number
  /** Of folders whose file system has taken no larger file. */
  segmentLimits?: SegmentLimits
  recalled?: Recalled
}

export type RecordingEvent =
  /** `removed`: with its camera. */
  | { type: 'recording.stop'; by: By; removed?: true }
  | { type: 'camera.lost'; reason: Reason }
  | { type: 'camera.ready' }
  /** The stream has another size or codec: it goes on in a new file. */
  | { type: 'stream.changed'; reason: Reason }
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'storage.freed' }
  | { type: 'server.lost'; reason: Reason }
  | { type: 'server.restored' }
  | { type: 'service.stopping' }
  | FeedFailed
  | StreamHoldEvent
  | SegmentEvent
  | DoneActorEvent<Closed, 'closeCapture'>
  | ErrorActorEvent<unknown, 'closeCapture'>

/** Sent to the camera: the recording uses the device, writes to a file, has closed its file and waits, or ends. */
export type RecordingNews =
  | { type: `recording.${'claimed' | 'writing' | 'released' | 'ending'}` }
  /** The stream was lost: look why. */
  | { type: 'stream.missed' }
  /** A file could not grow any more: the next ones must be shorter. */
  | { type: 'recording.outgrown'; limits: SegmentLimits }

/**
 * The result of closing the files. `stoppedAt`: when the recorder was to stop. `endedAt`: when they were final. `doubt`:
 * why they may not be final.
 */
export interface Closed {
  files: RecordingFile[]
  stoppedAt?: number
  endedAt: number
  doubt?: Reason
}

/** A recording that is over. `intent`: absent if nothing was recorded. */
export interface Finish extends Closed {
  camera: CameraId
  format: RecordingFormat
  gaps: Gap[]
  intent?: RecordingIntent
}

/** The first bytes of a file. `shift`: by how much the clock was set since the last growth, in ms. */
export interface Confirmed extends Segment {
  shift?: number
}

/** The recorder runs. `segments`: the files that the recording has already. */
export interface Opened {
  watermark: number
  segments: Segment[]
}

export interface RecordingContext extends Omit<RecordingInput, 'lacks' | 'recalled'> {
  /** Epoch ms: segments that begin later belong to this recording. */
  watermark: number
  segments: Segment[]
  /** Time of the first frame; absent: nothing was recorded yet. */
  startedAt?: number
  gaps: Gap[]
  /** Time of the last growth of a file. */
  grewAt: number
  /** Its size after the last growth. Absent: it was not measured. */
  bytes?: number | undefined
  lacks: Lacks
  /** Number of attempts to continue that failed since the last growth. */
  attempts: number
  /** Why the recording is interrupted, or ends. */
  reason: Reason
  /** Present during a gap: its cause, as exact as it is known. `reason` may tell of a later attempt. */
  gapReason?: Reason | undefined
  closed?: Closed
}

/** The input of the effects. */
export type RecordingSubject = Pick<
  RecordingContext,
  'camera' | 'watermark' | 'segments' | 'startedAt' | 'segmentLimits'
>

/**
 * A wait of a recording, `at - since` ms from its start or its last growth, at `since`. A clock that is set meanwhile
 * does not change it. `at` by the wall clock counts if `since` is of an earlier run of the service.
 */
export interface Wait {
  camera: CameraId
  of: 'start' | 'growth'
  since: number
  at: number
}

/** Returns the outcome of a recording, as far as it is known. */
export function outcomeOf({ reason, segments, closed, format, startedAt, gaps }: RecordingContext): EndedRecording {
  const files = closed?.files ?? []
  const filename = files[0]?.name ?? segments[0]?.filename
  return {
    reason,
    ...(filename !== undefined && { filename }),
    files: closed ? files.map((file) => file.name) : segments.map((segment) => segment.filename),
    ...(startedAt !== undefined && { startedAt }),
    endedAt: closed?.endedAt ?? 0,
    recorded: files.reduce((sum, file) => sum + file.duration, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    format,
    gaps,
  }
}

/** The same, of a recording that is over: it may have ended in a gap. */
export function endOutcomeOf(context: RecordingContext): EndedRecording {
  const outcome = outcomeOf(context)
  if (context.gapReason === undefined || outcome.startedAt === undefined) return outcome
  const { stoppedAt = outcome.endedAt } = context.closed ?? {}
  // The planned end may have passed while the service was down.
  const endedAt = Math.max(Math.min(stoppedAt, endOf(context)), Math.min(context.grewAt, outcome.endedAt))
  return { ...outcome, endedAt, gaps: withGap(outcome.gaps, gapUntil(context, endedAt)) }
}

/** Returns the intent of a recording that has started. */
export const intentOf = (context: RecordingContext): RecordingIntent => {
  const { camera, by, format, duration, startedAt = 0, gaps, gapReason, segmentLimits } = context
  return {
    ...{ camera, by, format, startedAt, gaps },
    ...(duration !== undefined && { duration }),
    ...(gapReason && { gapReason }),
    ...(segmentLimits && { segmentLimits }),
  }
}

export const finishOf = (context: RecordingContext): Finish => ({
  files: [],
  endedAt: 0,
  ...context.closed,
  camera: context.camera,
  format: context.format,
  gaps: endOutcomeOf(context).gaps,
  ...(context.startedAt !== undefined && { intent: intentOf(context) }),
})

/** Returns the end of the media in the closed files, which is not before the last gap: a file may have been removed. */
export function endOfMedia({ segments, grewAt, gaps }: RecordingContext, { files, endedAt }: Closed): number {
  const last = files.at(-1)
  const segment = segments.find(({ filename }) => filename === last?.name)
  return last && segment ? Math.max(endOfFile(segment, last, endedAt), gaps.at(-1)?.to ?? 0) : grewAt
}

/** A file that has not grown for so long (ms) has lost something. It is looked at twice a second. */
const unnoticed = 1_500

/** A recording that ends shortly after its file stopped growing, before that counts as an interruption, has a gap. */
export function lastGap(context: RecordingContext, closed: Closed): Partial<RecordingContext> {
  const { startedAt, gapReason, grewAt, lacks } = context
  if (startedAt === undefined || gapReason) return {}
  const end = Math.min(closed.stoppedAt ?? 0, endOf(context))
  const mediaEnd = endOfMedia(context, closed)
  // The service itself may have been away: then the file has what it did not see. A slow encoder is behind the clock.
  if (end - Math.max(grewAt, mediaEnd) <= unnoticed) return {}
  return { gapReason: moreExact(stallOfFile(context), lacks.server), grewAt: mediaEnd }
}

/**
 * Returns the time of the last media of a file. Its start is by the clock, its duration by the stream, which may be
 * ahead of the clock: ffmpeg sends the first half second of a stream at once. `now`: when the file was looked at.
 */
export const endOfFile = ({ startedAt }: Segment, { duration }: Pick<RecordingFile, 'duration'>, now: number): number =>
  Math.min(startedAt + duration, now)

export const endOf = ({ startedAt = 0, duration = Number.POSITIVE_INFINITY }: RecordingContext): number =>
  startedAt + duration

/** The wait for the end of a timed recording. */
export const untilEnd = (context: RecordingContext): Wait => ({
  camera: context.camera,
  of: 'start',
  since: context.startedAt ?? 0,
  at: endOf(context),
})

/** The wait of an interrupted recording: for its end, or for the limit of the interruption. */
export function untilLimit(context: RecordingContext): Wait {
  const { camera, grewAt, maxInterruption = Number.POSITIVE_INFINITY } = context
  const limit: Wait = { camera, of: 'growth', since: grewAt, at: grewAt + maxInterruption }
  return endOf(context) <= limit.at ? untilEnd(context) : limit
}

/** A gap that ends because the file grows again. `shift`: by how much the clock was set in it, in ms. */
export function gapBefore({ grewAt, ...context }: RecordingContext, to: number, shift = 0): Gap {
  const gap = gapUntil({ ...context, grewAt: grewAt + shift }, to)
  // The loss of the media server would be known by now.
  const isOfSource = context.isPulled && gap.reason.code === 'server_closed'
  return isOfSource ? { ...gap, reason: because('source_closed', 'the camera ended the stream') } : gap
}

export const gapUntil = ({ grewAt, reason: now, gapReason: reason = now }: RecordingContext, to: number): Gap => ({
  from: Math.min(grewAt, to),
  to,
  reason,
})

/** Why the open file does not grow. */
export const stallOfFile = ({ bytes = 0, grewAt, segments }: RecordingContext): Reason =>
  stallOf(bytes, grewAt - (segments.at(-1)?.startedAt ?? grewAt))

/**
 * The segments of both lists, each once, in the order in which they were seen: the last one is open. Their names do not
 * tell, because the clock may have been set back.
 */
export function joined(known: Segment[], more: Segment[]): Segment[] {
  const added = more.filter(({ filename }) => !known.some((one) => one.filename === filename))
  return added.length === 0 ? known : [...known, ...added.sort((one, other) => one.startedAt - other.startedAt)]
}

/** Its newest file; nothing if none is known yet, as after a restart of the service. */
export const newestOf = ({ segments }: Pick<RecordingContext, 'segments'>): { filename?: string } => {
  const filename = segments.at(-1)?.filename
  return filename === undefined ? {} : { filename }
}
