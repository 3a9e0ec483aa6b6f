import { assign, type DoneActorEvent, type ErrorActorEvent, emit, type SnapshotFrom, setup } from 'xstate'
import type { By } from './domain/by.js'
import type { CameraId } from './domain/camera.js'
import type { EndedRecording, RecordingFact } from './domain/facts.js'
import type { RecordingFile, Segment, SegmentEvent } from './domain/files.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import type { RecordingFormat, RecordingStatus, RecordingView } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'
import { type StreamHoldEvent, streamHoldMachine } from './streamHold.js'

/** `duration`: in ms from the first frame; absent: until it is stopped. `by`: the origin of the request. */
export interface RecordingInput {
  camera: CameraId
  by: By
  format: RecordingFormat
  duration?: number
}

export type RecordingEvent =
  | { type: 'recording.stop'; by: By }
  | { type: 'device.removed'; reason: Reason }
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'service.stopping' }
  | StreamHoldEvent
  | SegmentEvent
  | DoneActorEvent<Closed, 'closeCapture'>
  | ErrorActorEvent<unknown, 'closeCapture'>

/** The result of closing the files. `endedAt`: when they were final. `doubt`: why they may not be final. */
export interface Closed {
  files: RecordingFile[]
  endedAt: number
  doubt?: Reason
}

export interface RecordingContext extends RecordingInput {
  /** Epoch ms: segments that begin later belong to this recording. */
  watermark: number
  segments: Segment[]
  /** Why the recording is interrupted, or ends. */
  reason: Reason
  closed?: Closed
}

/** The input of the effects. */
export type RecordingSubject = Pick<RecordingContext, 'camera' | 'format' | 'watermark' | 'segments'>

/** Closes the files. The substate keeps the outcome: stopped as requested, or failed. */
const closing = {
  tags: 'stopping',
  invoke: { src: 'closeCapture', id: 'closeCapture', input: ({ context }: { context: RecordingContext }) => context },
  initial: 'stopping',
  states: {
    stopping: {
      on: {
        'xstate.done.actor.closeCapture': [
          {
            guard: { type: 'isDoubtful', params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output },
            target: '#recording.failed',
            actions: { type: 'keepResult', params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output },
          },
          {
            target: '#recording.stopped',
            actions: { type: 'keepResult', params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output },
          },
        ],
        'xstate.error.actor.closeCapture': {
          target: '#recording.failed',
          actions: { type: 'takeFailure', params: ({ event }: { event: ErrorActorEvent }) => event },
        },
      },
    },
    failing: {
      on: {
        'xstate.done.actor.closeCapture': {
          target: '#recording.failed',
          actions: { type: 'keepResult', params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output },
        },
        'xstate.error.actor.closeCapture': '#recording.failed',
      },
    },
  },
} as const

/**
 * One recording of one camera. `capturing` starts with the first bytes on disk and is `interrupted` while the file does
 * not grow. The media server's `record` is set before the stream is held, because a change during the start of a
 * pipeline would end the pipeline. The stream is held until the last file is closed.
 */
export const recordingMachine = setup({
  types: {
    input: {} as RecordingInput,
    context: {} as RecordingContext,
    events: {} as RecordingEvent,
    emitted: {} as RecordingFact,
    output: {} as EndedRecording,
    tags: {} as 'starting' | 'recording' | 'growing' | 'stopping' | 'stopped' | 'failed',
  },
  actors: {
    streamHold: streamHoldMachine,
    openCapture: promiseHole<{ watermark: number }, { camera: CameraId }>('openCapture'),
    confirmSegment: promiseHole<Segment, RecordingSubject>('confirmSegment'),
    watchSegments: callbackHole<RecordingSubject>('watchSegments'),
    waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil'),
    closeCapture: promiseHole<Closed, RecordingSubject>('closeCapture'),
  },
  guards: { isDoubtful: (_, { doubt }: Closed) => doubt !== undefined },
  actions: {
    keepWatermark: assign({ watermark: (_, { watermark }: { watermark: number }) => watermark }),
    addSegment: assign({ segments: ({ context }, segment: Segment) => [...context.segments, segment] }),
    takeFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error) }),
    /** Takes the reason of an event that has one. */
    takeReason: assign({ reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason) }),
    noteNoData: assign({ reason: because('no_data') }),
    noteDeleted: assign({ reason: because('no_data', 'the file that was being written was deleted') }),
    noteStopping: assign({ reason: because('service_stopping') }),
    noteRequest: assign({ reason: because('requested') }),
    noteDuration: assign({ reason: because('duration_reached') }),
    keepResult: assign(({ context: { reason } }, closed: Closed) => ({ closed, reason: closed.doubt ?? reason })),
    tellStart: emit(({ context }) => {
      const { filename = '', startedAt = 0 } = context.segments[0] ?? {}
      return { type: 'recording.started', ...origin(context), format: context.format, filename, startedAt }
    }),
    tellInterruption: emit(({ context }) => ({
      type: 'recording.interrupted',
      ...origin(context),
      reason: context.reason,
      filename: newestOf(context),
    })),
    tellResumption: emit(({ context }) => ({
      type: 'recording.resumed',
      ...origin(context),
      filename: newestOf(context),
    })),
    tellEnd: emit(({ context }) => ({ type: 'recording.ended', ...origin(context), outcome: outcomeOf(context) })),
    tellFailure: emit(({ context }) => ({ type: 'recording.failed', ...origin(context), outcome: outcomeOf(context) })),
  },
  delays: {
    confirmLimit: 20_000,
    /** Much longer than the media server's part of 200 ms. */
    stallLimit: 3_000,
    interruptionLimit: 60_000,
  },
}).createMachine({
  id: 'recording',
  context: ({ input }) => ({ ...input, watermark: 0, segments: [], reason: because('requested') }),
  initial: 'starting',
  output: ({ context }) => outcomeOf(context),
  states: {
    starting: {
      tags: 'starting',
      invoke: {
        src: 'openCapture',
        input: ({ context }) => context,
        onDone: { target: 'holding', actions: { type: 'keepWatermark', params: ({ event }) => event.output } },
        onError: { target: 'abandoning.failing', actions: { type: 'takeFailure', params: ({ event }) => event } },
      },
      on: {
        'recording.stop': 'abandoning',
        'service.stopping': { target: 'abandoning', actions: 'noteStopping' },
        'device.removed': { target: 'abandoning.failing', actions: 'takeReason' },
        'storage.blocked': { target: 'abandoning.failing', actions: 'takeReason' },
      },
    },
    holding: {
      invoke: { src: 'streamHold', id: 'streamHold', input: ({ context }) => ({ camera: context.camera }) },
      initial: 'underway',
      states: {
        underway: {
          initial: 'confirming',
          states: {
            confirming: {
              tags: 'starting',
              entry: 'noteNoData',
              invoke: {
                src: 'confirmSegment',
                input: ({ context }) => context,
                onDone: {
                  target: 'capturing',
                  actions: [{ type: 'addSegment', params: ({ event }) => event.output }, 'tellStart'],
                },
                onError: {
                  target: '#recording.holding.closing.failing',
                  actions: { type: 'takeFailure', params: ({ event }) => event },
                },
              },
              on: { 'stream.lost': { actions: 'takeReason' } },
              after: { confirmLimit: '#recording.holding.closing.failing' },
            },
            capturing: {
              tags: 'recording',
              invoke: [
                { src: 'watchSegments', input: ({ context }) => context },
                {
                  src: 'waitUntil',
                  input: ({ context }) => ({ at: endOf(context) }),
                  onDone: { target: '#recording.holding.closing', actions: 'noteDuration' },
                },
              ],
              initial: 'growing',
              states: {
                growing: {
                  id: 'growing',
                  tags: 'growing',
                  after: { stallLimit: { target: 'interrupted', actions: ['noteNoData', 'tellInterruption'] } },
                  on: {
                    'segment.grew': { target: 'growing', reenter: true },
                    'segment.added': {
                      target: 'growing',
                      reenter: true,
                      actions: { type: 'addSegment', params: ({ event }) => event.segment },
                    },
                    'segment.deleted': { target: 'interrupted.lost', actions: ['noteDeleted', 'tellInterruption'] },
                    'stream.lost': { target: 'interrupted.lost', actions: ['takeReason', 'tellInterruption'] },
                  },
                },
                interrupted: {
                  initial: 'stalled',
                  states: {
                    stalled: { on: { 'segment.grew': { target: '#growing', actions: 'tellResumption' } } },
                    // The last bytes of a lost stream are not a resumption, unlike a new file or a held stream.
                    lost: { on: { 'stream.held': 'stalled' } },
                  },
                  on: {
                    'segment.added': {
                      target: 'growing',
                      actions: [{ type: 'addSegment', params: ({ event }) => event.segment }, 'tellResumption'],
                    },
                    'stream.lost': { target: '.lost', actions: 'takeReason' },
                  },
                  after: { interruptionLimit: '#recording.holding.closing.failing' },
                },
              },
            },
          },
          on: {
            'recording.stop': { target: 'closing', actions: 'noteRequest' },
            'service.stopping': { target: 'closing', actions: 'noteStopping' },
            'device.removed': { target: 'closing.failing', actions: 'takeReason' },
            'storage.blocked': { target: 'closing.failing', actions: 'takeReason' },
          },
        },
        closing,
      },
    },
    // The recorder may be on already; the stream is not held yet.
    abandoning: closing,
    stopped: { type: 'final', tags: 'stopped', entry: 'tellEnd' },
    failed: { type: 'final', tags: 'failed', entry: 'tellFailure' },
  },
})

export const recordingView = ({ context, tags }: SnapshotFrom<typeof recordingMachine>): RecordingView => {
  const { camera, format, by, segments, duration, reason } = context
  const status = statuses.find(([tag]) => tags.has(tag))?.[1] ?? 'INTERRUPTED'
  return {
    camera,
    status,
    growing: status === 'RECORDING',
    format,
    by: by.user,
    files: segments.map((segment) => segment.filename),
    ...(segments[0] && { filename: segments[0].filename, startedAt: segments[0].startedAt }),
    ...(duration !== undefined && { duration }),
    ...(status !== 'RECORDING' && status !== 'STARTING' && { reason }),
  }
}

const statuses = [
  ['starting', 'STARTING'],
  ['growing', 'RECORDING'],
  ['stopping', 'STOPPING'],
  ['stopped', 'STOPPED'],
  ['failed', 'FAILED'],
] as const satisfies (readonly [string, RecordingStatus])[]

/** Returns the outcome of a recording, as far as it is known. */
export function outcomeOf({ reason, segments, closed, format }: RecordingContext): EndedRecording {
  const files = closed?.files ?? []
  return {
    reason,
    files: closed ? files.map((file) => file.name) : segments.map((segment) => segment.filename),
    ...(segments[0] && { startedAt: segments[0].startedAt }),
    endedAt: closed?.endedAt ?? 0,
    recorded: files.reduce((sum, file) => sum + file.duration, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    format,
  }
}

const origin = ({ camera, by }: RecordingContext) => ({ camera, by })

const newestOf = ({ segments }: RecordingContext): string => segments.at(-1)?.filename ?? ''

const endOf = ({ segments, duration = Number.POSITIVE_INFINITY }: RecordingContext): number =>
  (segments[0]?.startedAt ?? 0) + duration
