import { assign, emit, type SnapshotFrom, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import { reasonOf } from './domain/errors.js'
import type { By, EndedRecording, RecordingFact } from './domain/facts.js'
import type { RecordingFile, Segment, SegmentEvent } from './domain/ports.js'
import type { RecordingFormat, RecordingStatus, RecordingView } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'

/** `duration` in ms from the file's first frame; absent: until somebody stops it. `by` is who asked. */
export interface RecordingInput {
  camera: CameraId
  by: By
  format: RecordingFormat
  duration?: number
}

export type HoldEvent = { type: 'stream.held' } | { type: 'stream.lost'; reason: string }

export type RecordingEvent =
  | { type: 'recording.stop'; by: By }
  | { type: 'device.removed'; reason: string }
  | { type: 'storage.blocked'; reason: string }
  | { type: 'service.stopping' }
  | HoldEvent
  | SegmentEvent

/** What closing the files found; `endedAt` is when they were final. `doubt`: why they may not be. */
export interface Closed {
  files: RecordingFile[]
  endedAt: number
  doubt?: string
}

/** What an open session starts from: the files that were there before it are not its own. */
interface Opened {
  known: string[]
}

interface RecordingContext extends RecordingInput, Opened {
  segments: Segment[]
  /** Why it ends, or is interrupted. */
  reason: string
  /** It ends because something went wrong. */
  fault: boolean
  closed?: Closed
}

/** The effects' view of a session. */
export type RecordingSubject = Pick<RecordingContext, 'camera' | 'format' | 'known' | 'segments'>

/**
 * One recording session of one camera. "Recording" means that a file is growing: `capturing` begins with the first
 * bytes on disk and is `interrupted` while they stop coming. The media server's `record` is set before the stream is
 * held (a change of it during a pipeline's start would kill that start), and the stream is held until the last file
 * is closed.
 */
export const recordingMachine = setup({
  types: {
    input: {} as RecordingInput,
    context: {} as RecordingContext,
    events: {} as RecordingEvent,
    emitted: {} as RecordingFact,
    output: {} as EndedRecording,
    tags: {} as 'starting' | 'recording' | 'growing' | 'stopping' | 'over',
  },
  actors: {
    validateStart: promiseHole<void, { camera: CameraId }>('validateStart'),
    openCapture: promiseHole<Opened, { camera: CameraId }>('openCapture'),
    holdStream: callbackHole<{ camera: CameraId }>('holdStream'),
    confirmSegment: promiseHole<Segment, RecordingSubject>('confirmSegment'),
    watchSegments: callbackHole<RecordingSubject>('watchSegments'),
    waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil'),
    closeCapture: promiseHole<Closed, RecordingSubject>('closeCapture'),
  },
  actions: {
    keepKnown: assign({ known: (_, { known }: Opened) => known }),
    addSegment: assign({ segments: ({ context }, segment: Segment) => [...context.segments, segment] }),
    endWith: assign({ reason: (_, { reason }: { reason: string }) => reason, fault: false }),
    failWith: assign({ reason: (_, { reason }: { reason: string }) => reason, fault: true }),
    noteReason: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    keepResult: assign(({ context: { reason, fault } }, closed: Closed) =>
      closed.doubt === undefined
        ? { closed, reason, fault }
        : { closed, reason: `${reason}, but ${closed.doubt}`, fault: true },
    ),
    tellStart: emit(({ context }) => {
      const { camera, by, format, segments } = context
      return {
        type: 'recording.started',
        camera,
        by,
        format,
        filename: segments[0]?.filename ?? '',
        startedAt: segments[0]?.startedAt ?? 0,
      }
    }),
    tellInterruption: emit(({ context: { camera, by, reason, segments } }) => ({
      type: 'recording.interrupted',
      camera,
      by,
      reason,
      filename: segments.at(-1)?.filename ?? '',
    })),
    tellResumption: emit(({ context: { camera, by, segments } }) => ({
      type: 'recording.resumed',
      camera,
      by,
      filename: segments.at(-1)?.filename ?? '',
    })),
    tellEnd: emit(({ context }) => ({
      type: context.fault ? 'recording.failed' : 'recording.ended',
      camera: context.camera,
      by: context.by,
      outcome: outcomeOf(context),
    })),
  },
  delays: { confirmLimit: 20_000, interruptionLimit: 60_000 },
}).createMachine({
  id: 'recording',
  context: ({ input }) => ({ ...input, known: [], segments: [], reason: 'requested', fault: false }),
  initial: 'validating',
  output: ({ context }) => outcomeOf(context),
  states: {
    validating: {
      tags: 'starting',
      invoke: {
        src: 'validateStart',
        input: ({ context }) => context,
        onDone: 'starting',
        onError: {
          target: 'over',
          actions: { type: 'failWith', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
      on: {
        'recording.stop': { target: 'over', actions: { type: 'endWith', params: { reason: 'requested' } } },
        'device.removed': { target: 'over', actions: { type: 'failWith', params: ({ event }) => event } },
        'storage.blocked': { target: 'over', actions: { type: 'failWith', params: ({ event }) => event } },
        'service.stopping': { target: 'over', actions: { type: 'failWith', params: { reason: 'service stopping' } } },
      },
    },
    starting: {
      tags: 'starting',
      invoke: {
        src: 'openCapture',
        input: ({ context }) => context,
        onDone: { target: 'holding', actions: { type: 'keepKnown', params: ({ event }) => event.output } },
        onError: {
          target: 'abandoning',
          actions: { type: 'failWith', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
      on: {
        'recording.stop': { target: 'abandoning', actions: { type: 'endWith', params: { reason: 'requested' } } },
        'device.removed': { target: 'abandoning', actions: { type: 'failWith', params: ({ event }) => event } },
        'storage.blocked': { target: 'abandoning', actions: { type: 'failWith', params: ({ event }) => event } },
        'service.stopping': {
          target: 'abandoning',
          actions: { type: 'endWith', params: { reason: 'service stopping' } },
        },
      },
    },
    holding: {
      invoke: { src: 'holdStream', input: ({ context }) => context },
      initial: 'underway',
      states: {
        underway: {
          initial: 'confirming',
          states: {
            confirming: {
              tags: 'starting',
              invoke: {
                src: 'confirmSegment',
                input: ({ context }) => context,
                onDone: {
                  target: 'capturing',
                  actions: [{ type: 'addSegment', params: ({ event }) => event.output }, 'tellStart'],
                },
                onError: {
                  target: '#closing',
                  actions: { type: 'failWith', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
                },
              },
              on: { 'stream.lost': { actions: { type: 'noteReason', params: ({ event }) => event } } },
              after: {
                confirmLimit: {
                  target: '#closing',
                  actions: { type: 'failWith', params: ({ context }) => ({ reason: whyNothingCame(context) }) },
                },
              },
            },
            capturing: {
              tags: 'recording',
              invoke: [
                { src: 'watchSegments', input: ({ context }) => context },
                {
                  src: 'waitUntil',
                  input: ({ context: { segments, duration = Number.POSITIVE_INFINITY } }) => ({
                    at: (segments[0]?.startedAt ?? 0) + duration,
                  }),
                  onDone: { target: '#closing', actions: { type: 'endWith', params: { reason: 'duration reached' } } },
                },
              ],
              initial: 'growing',
              states: {
                growing: {
                  tags: 'growing',
                  on: {
                    'segment.added': { actions: { type: 'addSegment', params: ({ event }) => event.segment } },
                    'segment.stalled': {
                      target: 'interrupted',
                      actions: [{ type: 'noteReason', params: { reason: 'no data' } }, 'tellInterruption'],
                    },
                    'stream.lost': {
                      target: 'interrupted',
                      actions: [{ type: 'noteReason', params: ({ event }) => event }, 'tellInterruption'],
                    },
                  },
                },
                interrupted: {
                  on: {
                    'segment.added': {
                      target: 'growing',
                      actions: [{ type: 'addSegment', params: ({ event }) => event.segment }, 'tellResumption'],
                    },
                    'segment.growing': { target: 'growing', actions: 'tellResumption' },
                  },
                  after: {
                    interruptionLimit: {
                      target: '#closing',
                      actions: {
                        type: 'failWith',
                        params: ({ context }) => ({ reason: `no data for a minute: ${context.reason}` }),
                      },
                    },
                  },
                },
              },
            },
          },
          on: {
            'recording.stop': { target: 'closing', actions: { type: 'endWith', params: { reason: 'requested' } } },
            'service.stopping': {
              target: 'closing',
              actions: { type: 'endWith', params: { reason: 'service stopping' } },
            },
            'device.removed': { target: 'closing', actions: { type: 'failWith', params: ({ event }) => event } },
            'storage.blocked': { target: 'closing', actions: { type: 'failWith', params: ({ event }) => event } },
          },
        },
        closing: {
          id: 'closing',
          tags: 'stopping',
          invoke: {
            src: 'closeCapture',
            input: ({ context }) => context,
            onDone: { target: 'closed', actions: { type: 'keepResult', params: ({ event }) => event.output } },
            onError: 'closed',
          },
        },
        closed: { type: 'final' },
      },
      onDone: 'over',
    },
    abandoning: {
      tags: 'stopping',
      invoke: {
        src: 'closeCapture',
        input: ({ context }) => context,
        onDone: { target: 'over', actions: { type: 'keepResult', params: ({ event }) => event.output } },
        onError: 'over',
      },
    },
    over: { type: 'final', tags: 'over', entry: 'tellEnd' },
  },
})

export const recordingView = (snapshot: SnapshotFrom<typeof recordingMachine>): RecordingView => {
  const { camera, format, by, segments, duration, reason } = snapshot.context
  const status = statusOf(snapshot)
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

function statusOf({ tags, status, context }: SnapshotFrom<typeof recordingMachine>): RecordingStatus {
  if (tags.has('starting')) return 'STARTING'
  if (tags.has('growing')) return 'RECORDING'
  if (tags.has('recording')) return 'INTERRUPTED'
  if (status === 'active') return 'STOPPING'
  return context.fault ? 'FAILED' : 'STOPPED'
}

function outcomeOf({ reason, segments, closed, format }: RecordingContext): EndedRecording {
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

const whyNothingCame = ({ reason }: RecordingContext): string =>
  reason === 'requested' ? 'no data came from the camera' : reason
