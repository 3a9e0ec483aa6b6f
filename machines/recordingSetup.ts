import {
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  type EventObject,
  emit,
  enqueueActions,
  setup,
} from 'xstate'
import type { By } from './domain/by.js'
import type { CameraId } from './domain/camera.js'
import type { EndedRecording, RecordingFact } from './domain/facts.js'
import type { RecordingFile, Segment, SegmentEvent } from './domain/files.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import {
  type Gap,
  type Lacks,
  type Need,
  needs,
  type Recalled,
  type RecordingFormat,
  type RecordingIntent,
  withGap,
} from './domain/recording.js'
import { callbackHole, promiseHole } from './hole.js'
import { type StreamHoldEvent, streamHoldMachine } from './streamHold.js'

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
  /** How long it may wait, in ms; absent: for ever. */
  maxInterruption?: number
  recalled?: Recalled
}

export type RecordingEvent =
  | { type: 'recording.stop'; by: By }
  | { type: 'camera.lost'; reason: Reason }
  | { type: 'camera.ready' }
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'storage.freed' }
  | { type: 'server.lost'; reason: Reason }
  | { type: 'server.restored' }
  | { type: 'service.stopping' }
  | StreamHoldEvent
  | SegmentEvent
  | DoneActorEvent<Closed, 'closeCapture'>
  | ErrorActorEvent<unknown, 'closeCapture'>

/** Sent to the camera: the recording uses the device, has closed its file and waits, or ends. */
export type RecordingNews = { type: `recording.${'claimed' | 'released' | 'ending'}` }

/** The result of closing the files. `endedAt`: when they were final. `doubt`: why they may not be final. */
export interface Closed {
  files: RecordingFile[]
  endedAt: number
  doubt?: Reason
}

/** A recording that is over. `intent`: absent if nothing was recorded. */
export interface Finish extends Closed {
  camera: CameraId
  format: RecordingFormat
  intent?: RecordingIntent
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
  lacks: Lacks
  /** Number of attempts to continue that failed since the last growth. */
  attempts: number
  /** Why the recording is interrupted, or ends. */
  reason: Reason
  /** Why the present gap began; `reason` may tell of a later attempt. */
  gapReason: Reason
  closed?: Closed
}

/** The input of the effects. */
export type RecordingSubject = Pick<RecordingContext, 'camera' | 'watermark' | 'segments' | 'startedAt'>

/**
 * `at`: the end, by the wall clock. With `since`, the time of the last growth, it is as long after that as it would be
 * if nobody set the clock.
 */
export interface Wait {
  at: number
  since?: number
  camera?: CameraId
}

/** The events, effects, guards and actions of the recording's statechart in `recording.ts`. */
export const recordingSetup = setup({
  types: {
    input: {} as RecordingInput,
    context: {} as RecordingContext,
    events: {} as RecordingEvent,
    emitted: {} as RecordingFact,
    output: {} as EndedRecording,
    tags: {} as
      | 'starting'
      | 'recording'
      | 'growing'
      | 'stopping'
      | 'stopped'
      | 'failed'
      | 'waitingForCamera'
      | 'waitingForStorage'
      | 'waitingForServer',
  },
  actors: {
    streamHold: streamHoldMachine,
    openCapture: promiseHole<Opened, RecordingSubject>('openCapture'),
    confirmSegment: promiseHole<Segment, RecordingSubject>('confirmSegment'),
    watchSegments: callbackHole<RecordingSubject>('watchSegments'),
    waitUntil: promiseHole<{ at: number }, Wait>('waitUntil'),
    closeCapture: promiseHole<Closed, RecordingSubject>('closeCapture'),
    saveIntent: promiseHole<void, { intent: RecordingIntent }>('saveIntent'),
    finishRecording: promiseHole<Closed, Finish>('finishRecording'),
  },
  guards: {
    isDoubtful: (_, { doubt }: Closed) => doubt !== undefined,
    hasStarted: ({ context }) => context.startedAt !== undefined,
    /** False: the event ends the recording. */
    isSurvivable: ({ context, event }) =>
      context.startedAt !== undefined && !(event.type === 'camera.lost' && context.endsOnUnplug === true),
    isAtItsEnd: ({ context }, { at }: { at: number }) => at >= endOf(context),
    lacks: ({ context }, { need }: { need: Need }) => context.lacks[need] !== undefined,
  },
  actions: {
    takeOpened: assign(({ context }, { watermark, segments }: Opened) => ({
      watermark,
      segments: joined(context.segments, segments),
    })),
    addSegment: assign(({ context }, segment: Segment) => ({
      segments: joined(context.segments, [segment]),
      startedAt: context.startedAt ?? segment.startedAt,
    })),
    /** The first bytes of a file; after an interruption they end the gap. */
    takeSegment: assign(({ context }, segment: Segment) => ({
      ...(context.startedAt !== undefined && { gaps: withGap(context.gaps, gapUntil(context, segment.startedAt)) }),
      segments: joined(context.segments, [segment]),
      startedAt: context.startedAt ?? segment.startedAt,
      grewAt: segment.startedAt,
      attempts: 0,
    })),
    noteGrowth: assign({ grewAt: (_, { at }: { at: number }) => at }),
    endGap: assign(({ context }, { at }: { at: number }) => ({
      gaps: withGap(context.gaps, gapUntil(context, at)),
      grewAt: at,
    })),
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteCondition: assign({ lacks: ({ context, event }) => lacksAfter(context.lacks, event) }),
    takeFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error) }),
    /** Takes the reason of an event that has one. */
    takeReason: assign({ reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason) }),
    /** While a recording waits, its reason is that of the condition that it waits for. */
    takeLack: assign({
      reason: ({ context: { lacks, reason } }) =>
        needs.map((need) => lacks[need]).find((lack) => lack !== undefined) ?? reason,
    }),
    /** The reason of a start that brings no data. */
    expectData: assign({
      reason: ({ context: { startedAt, reason } }) => (startedAt === undefined ? because('no_data') : reason),
    }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    keepResult: assign(({ context: { reason } }, closed: Closed) => ({ closed, reason: closed.doubt ?? reason })),
    keepFiles: assign({ closed: (_, closed: Closed) => closed }),
    keepFinal: assign(({ context: { closed } }, { files, endedAt }: Closed) =>
      closed === undefined ? {} : { closed: { ...closed, files, endedAt } },
    ),
    tellCamera: enqueueActions(({ enqueue, self }, news: RecordingNews) => {
      if (self._parent) enqueue.sendTo(self._parent, news)
    }),
    tellStart: emit(({ context }) => {
      const { filename = '' } = context.segments[0] ?? {}
      const { format, startedAt = 0 } = context
      return { type: 'recording.started', ...origin(context), format, filename, startedAt }
    }),
    beginGap: enqueueActions(({ context, enqueue }, { closes }: { closes: boolean }) => {
      const { reason } = context
      const filename = newestOf(context)
      enqueue.assign({ gapReason: reason })
      enqueue.emit({ type: 'recording.interrupted', ...origin(context), reason, filename, closes })
    }),
    tellSuspension: emit(({ context }) => ({
      type: 'recording.suspended',
      ...origin(context),
      outcome: outcomeOf(context),
    })),
    tellResumption: emit(({ context }) => ({
      type: 'recording.resumed',
      ...origin(context),
      filename: newestOf(context),
      gap: context.gaps.at(-1) ?? gapUntil(context, context.grewAt),
    })),
    tellEnd: emit(({ context }) => ({ type: 'recording.ended', ...origin(context), outcome: outcomeOf(context) })),
    tellFailure: emit(({ context }) => ({ type: 'recording.failed', ...origin(context), outcome: outcomeOf(context) })),
  },
  delays: {
    confirmLimit: 20_000,
    /** Much longer than the media server's part of 200 ms. */
    stallLimit: 3_000,
    /** After this time without data the recorder is stopped and started again. */
    interruptionLimit: 30_000,
    /** The first attempt to continue is immediate; then after 1 s, 2 s, 4 s … 10 s. */
    retryPause: ({ context: { attempts } }) => (attempts === 0 ? 0 : Math.min(10_000, 500 * 2 ** attempts)),
  },
})

/** Returns the outcome of a recording, as far as it is known. */
export function outcomeOf({ reason, segments, closed, format, startedAt, gaps }: RecordingContext): EndedRecording {
  const files = closed?.files ?? []
  return {
    reason,
    files: closed ? files.map((file) => file.name) : segments.map((segment) => segment.filename),
    ...(startedAt !== undefined && { startedAt }),
    endedAt: closed?.endedAt ?? 0,
    recorded: files.reduce((sum, file) => sum + file.duration, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    format,
    gaps,
  }
}

/** Returns the intent of a recording that has started. */
export const intentOf = ({ camera, by, format, duration, startedAt = 0, gaps }: RecordingContext): RecordingIntent => ({
  camera,
  by,
  format,
  startedAt,
  gaps,
  ...(duration !== undefined && { duration }),
})

export const finishOf = (context: RecordingContext): Finish => ({
  files: [],
  endedAt: 0,
  ...context.closed,
  camera: context.camera,
  format: context.format,
  ...(context.startedAt !== undefined && { intent: intentOf(context) }),
})

export const endOf = ({ startedAt = 0, duration = Number.POSITIVE_INFINITY }: RecordingContext): number =>
  startedAt + duration

/** When a recording that waits ends. */
export const limitOf = (context: RecordingContext): number =>
  Math.min(endOf(context), context.grewAt + (context.maxInterruption ?? Number.POSITIVE_INFINITY))

const origin = ({ camera, by }: RecordingContext) => ({ camera, by })

const newestOf = ({ segments }: RecordingContext): string => segments.at(-1)?.filename ?? ''

const gapUntil = ({ grewAt, gapReason: reason }: RecordingContext, to: number): Gap => ({
  from: Math.min(grewAt, to),
  to,
  reason,
})

/** The segments of both lists, each once, oldest first. */
function joined(known: Segment[], more: Segment[]): Segment[] {
  const added = more.filter(({ filename }) => !known.some((one) => one.filename === filename))
  return added.length === 0 ? known : [...known, ...added].sort((one, other) => one.startedAt - other.startedAt)
}

function lacksAfter(lacks: Lacks, event: EventObject): Lacks {
  const [need = ''] = event.type.split('.')
  const reason = 'reason' in event ? (event.reason as Reason) : undefined
  return { ...lacks, [need]: reason }
}
