import { assign, emit, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import type { PipelineProgress, Presence, TapEvent } from './domain/capture.js'
import type { StreamFact } from './domain/facts.js'
import { because, type Reason } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'

export interface StreamInput {
  camera: CameraId
}

interface PipelineContext extends StreamInput {
  /** Identifies the process that reports the progress. */
  sender?: number
  progress: PipelineProgress
  /** Why the stream stalls or ended. */
  reason?: Reason | undefined
}

type Report = Extract<TapEvent, { type: 'tap.progress' }>

export const noProgress: PipelineProgress = { frames: 0, fps: 0, bitrate: 0 }

/** A state that checks whether the process exists. If so, the state `alive` follows; else the failure tap is read. */
const look = <
  Alive extends string,
  Gone extends 'isGone' | 'isAbsent',
  Action extends 'noteKilled' | 'noteFailed' | 'noteRestarted',
>(
  alive: Alive,
  gone: Gone,
  ...actions: Action[]
) =>
  ({
    invoke: {
      src: 'findProcess',
      input: ({ context }: { context: PipelineContext }) => context,
      onDone: [
        {
          guard: { type: gone, params: ({ event }: { event: { output: Presence } }) => ({ presence: event.output }) },
          target: '#pipeline.reporting',
          actions,
        },
        { target: alive },
      ],
      onError: alive,
    },
  }) as const

/**
 * The ffmpeg process that the media server runs for a USB or virtual camera, monitored through its taps. The stream is
 * alive while the number of frames grows: newer versions of ffmpeg continue to report when the camera hangs. /proc
 * shows the end of a process, even without a report.
 */
export const pipelineMachine = setup({
  types: {
    input: {} as StreamInput,
    context: {} as PipelineContext,
    events: {} as TapEvent,
    emitted: {} as StreamFact,
    /** `open`: `stream.ended` follows. */
    tags: {} as 'starting' | 'running' | 'stalled' | 'open',
  },
  actors: {
    watchTaps: callbackHole<StreamInput>('watchTaps'),
    findProcess: promiseHole<Presence, StreamInput>('findProcess'),
    takeReport: promiseHole<Reason | undefined, StreamInput>('takeReport'),
    recycleProcess: promiseHole<boolean, StreamInput>('recycleProcess'),
  },
  guards: {
    isCapturing: (_, { progress }: Report) => progress.frames > 0,
    isAnother: ({ context }, { sender, progress }: Report) => sender !== context.sender && progress.frames > 0,
    isFurther: ({ context }, { sender, progress }: Report) =>
      sender === context.sender && progress.frames > context.progress.frames,
    isOwn: ({ context }, { sender }: { sender: number }) => sender === context.sender,
    isGone: (_, { presence }: { presence: Presence }) => presence === 'gone',
    isAbsent: (_, { presence }: { presence: Presence }) => presence !== 'running',
  },
  actions: {
    keepProgress: assign((_, { sender, progress }: Report) => ({ sender, progress })),
    forgetProgress: assign({ progress: noProgress }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    // The process's own report is more exact than our observation, unless we ended the process.
    preferReport: assign({
      reason: ({ context: { reason } }, { report }: { report: Reason | undefined }) =>
        reason?.code === 'pipeline_restarted' ? reason : (report ?? reason),
    }),
    noteFailed: assign({ reason: because('pipeline_failed') }),
    noteKilled: assign({ reason: because('pipeline_killed') }),
    noteRestarted: assign({ reason: because('pipeline_restarted') }),
    clearReason: assign({ reason: undefined }),
    tellStarted: emit(({ context: { camera } }) => ({ type: 'stream.started', camera })),
    tellStalled: emit(({ context: { camera } }) => ({ type: 'stream.stalled', camera, reason: because('no_frames') })),
    tellEnded: emit(({ context: { camera, reason = because('no_longer_used') } }) => ({
      type: 'stream.ended',
      camera,
      reason,
    })),
  },
  delays: {
    /** A started process is in /proc long before. */
    birth: 300,
    firstFrameLimit: 20_000,
    /** Two missing reports of ffmpeg. */
    silence: 1_000,
    recheck: 250,
    stallLimit: 5_000,
    /** A normal end takes no longer. */
    farewell: 2_000,
  },
}).createMachine({
  id: 'pipeline',
  context: ({ input }) => ({ ...input, progress: noProgress }),
  invoke: { src: 'watchTaps', input: ({ context }) => ({ camera: context.camera }) },
  initial: 'asleep',
  states: {
    asleep: {
      on: {
        'tap.progress': {
          guard: { type: 'isCapturing', params: ({ event }) => event },
          target: 'running',
          actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'tellStarted'],
        },
        'tap.reported': 'starting',
      },
    },
    starting: {
      tags: 'starting',
      entry: 'clearReason',
      on: {
        'tap.progress': {
          guard: { type: 'isCapturing', params: ({ event }) => event },
          target: 'running',
          actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'tellStarted'],
        },
      },
      after: { firstFrameLimit: 'stalled' },
      initial: 'waiting',
      states: { waiting: { after: { birth: 'looking' } }, looking: look('waiting', 'isAbsent', 'noteFailed') },
    },
    running: {
      tags: ['running', 'open'],
      entry: 'clearReason',
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother', params: ({ event }) => event },
            target: 'running',
            reenter: true,
            actions: [
              { type: 'giveReason', params: { reason: because('pipeline_replaced') } },
              'tellEnded',
              { type: 'keepProgress', params: ({ event }) => event },
              'tellStarted',
            ],
          },
          {
            guard: { type: 'isFurther', params: ({ event }) => event },
            target: 'running',
            reenter: true,
            actions: { type: 'keepProgress', params: ({ event }) => event },
          },
        ],
        'tap.finished': { guard: { type: 'isOwn', params: ({ event }) => event }, target: 'ending' },
      },
      after: { stallLimit: 'stalled' },
      initial: 'flowing',
      states: {
        flowing: { after: { silence: 'looking' } },
        looking: look('quiet', 'isGone', 'noteKilled'),
        quiet: { after: { recheck: 'looking' } },
      },
    },
    stalled: {
      tags: ['stalled', 'open'],
      entry: [{ type: 'giveReason', params: { reason: because('no_frames') } }, 'tellStalled'],
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother', params: ({ event }) => event },
            target: 'running',
            actions: [
              'noteRestarted',
              'tellEnded',
              { type: 'keepProgress', params: ({ event }) => event },
              'tellStarted',
            ],
          },
          {
            guard: { type: 'isFurther', params: ({ event }) => event },
            target: 'running',
            actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'tellStarted'],
          },
        ],
      },
      initial: 'recycling',
      states: {
        recycling: {
          invoke: { src: 'recycleProcess', input: ({ context }) => context, onDone: 'waiting', onError: 'waiting' },
        },
        waiting: { after: { recheck: 'looking' } },
        looking: look('waiting', 'isAbsent', 'noteRestarted'),
      },
    },
    ending: {
      tags: 'open',
      entry: { type: 'giveReason', params: { reason: because('no_longer_used') } },
      after: { farewell: 'reporting' },
      on: {
        'tap.progress': {
          guard: { type: 'isAnother', params: ({ event }) => event },
          target: 'running',
          actions: ['tellEnded', { type: 'keepProgress', params: ({ event }) => event }, 'tellStarted'],
        },
      },
      initial: 'waiting',
      states: { waiting: { after: { recheck: 'looking' } }, looking: look('waiting', 'isAbsent') },
    },
    // The process is gone; the failure tap may say why.
    reporting: {
      tags: 'open',
      invoke: {
        src: 'takeReport',
        input: ({ context }) => context,
        onDone: {
          target: 'asleep',
          actions: [
            { type: 'preferReport', params: ({ event }) => ({ report: event.output }) },
            'tellEnded',
            'forgetProgress',
          ],
        },
        onError: { target: 'asleep', actions: ['tellEnded', 'forgetProgress'] },
      },
    },
  },
})
