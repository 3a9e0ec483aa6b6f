import { assign, emit, enqueueActions, setup } from 'xstate'
import type { Presence, TapEvent } from './domain/capture.js'
import type { StreamFact } from './domain/facts.js'
import { isMisfit, isSlow, isSteady, overloadOf, paceAfter } from './domain/overload.js'
import { because, type Reason } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'
import { noProgress, type PipelineContext, type ServerEvent, type StreamInput } from './pipelineContext.js'
import { flow, look } from './pipelineProcess.js'

export { noProgress, type ServerEvent, type StreamInput } from './pipelineContext.js'

type Report = Extract<TapEvent, { type: 'tap.progress' }>

/**
 * The ffmpeg process that the media server runs for a USB or virtual camera, monitored through its taps. The stream is
 * alive while the number of frames grows: newer versions of ffmpeg continue to report when the camera hangs. /proc
 * shows the end of a process, even without a report.
 */
export const pipelineMachine = setup({
  types: {
    input: {} as StreamInput,
    context: {} as PipelineContext,
    events: {} as TapEvent | ServerEvent | { type: 'pipeline.check' },
    emitted: {} as StreamFact,
    /** `open`: `stream.ended` follows. */
    tags: {} as 'starting' | 'running' | 'overloaded' | 'stalled' | 'open',
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
    isOverloaded: ({ context }, { sender, progress }: Report) =>
      sender === context.sender && progress.frames > context.progress.frames && isSlow(paceAfter(context, progress)),
    isRelieved: ({ context }, { sender, progress }: Report) =>
      sender === context.sender && progress.frames > context.progress.frames && isSteady(paceAfter(context, progress)),
    isOwn: ({ context }, { sender }: { sender: number }) => sender === context.sender,
    /** The process that captured, though another one may follow. */
    hasEnded: (_, { presence }: { presence: Presence }) => presence === 'gone' || presence === 'waiting',
    wasRecycled: (_, { output }: { output: boolean }) => output,
    isAbsent: (_, { presence }: { presence: Presence }) => presence === 'gone' || presence === 'unknown',
  },
  actions: {
    keepProgress: assign(({ context }, { sender, progress }: Report) => ({
      sender,
      progress,
      pace: sender === context.sender ? paceAfter(context, progress) : 0,
      // The process has survived the loss of the media server, or is a new one.
      ...(context.isServerBack && { server: undefined, isServerBack: false }),
    })),
    forgetProgress: assign({ progress: noProgress, pace: 0 }),
    noteOverload: assign({ overload: ({ context: { progress, fps } }) => overloadOf(progress, fps) }),
    noteServer: assign((_, { reason }: { reason: Reason }) => ({ server: reason, isServerBack: false })),
    noteReturn: assign({ isServerBack: true }),
    /** A process that ends with its media server has its users still. */
    noteEnd: assign({ reason: ({ context: { server } }) => server ?? because('no_longer_used') }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    // The process's own report is more exact than our observation, unless we ended the process.
    preferReport: assign({
      reason: ({ context: { reason, server } }, { report }: { report: Reason | undefined }) => {
        if (reason?.code === 'pipeline_restarted') return reason
        return report?.code === 'server_closed' ? (server ?? report) : (report ?? reason)
      },
    }),
    noteFailed: assign({ reason: because('pipeline_failed') }),
    /** A process that is killed with its media server has no other reason. */
    noteKilled: assign({ reason: ({ context: { server } }) => server ?? because('pipeline_killed') }),
    noteRestarted: assign({ reason: because('pipeline_restarted') }),
    clearReason: assign({ reason: undefined, overload: undefined }),
    tellStarted: emit(({ context: { camera } }) => ({ type: 'stream.started', camera })),
    tellStalled: emit(({ context: { camera } }) => ({ type: 'stream.stalled', camera, reason: because('no_frames') })),
    tellOverloaded: enqueueActions(({ context: { camera, overload = because('overloaded') }, enqueue, self }) => {
      enqueue.emit({ type: 'stream.overloaded', camera, reason: overload })
      if (self._parent) enqueue.sendTo(self._parent, { type: 'pipeline.overloaded', reason: overload })
    }),
    tellRelieved: emit(({ context: { camera } }) => ({ type: 'stream.relieved', camera })),
    /** The camera is probed again, or selects another encoder. */
    tellMisfit: enqueueActions(({ context: { reason }, enqueue, self }) => {
      if (reason === undefined || !self._parent) return
      if (isMisfit(reason)) enqueue.sendTo(self._parent, { type: 'pipeline.misfit', reason })
      if (reason.code === 'encoder_failed') enqueue.sendTo(self._parent, { type: 'pipeline.encoderFailed', reason })
    }),
    tellEnded: emit(({ context: { camera, reason = because('no_longer_used') } }) => ({
      type: 'stream.ended',
      camera,
      reason,
    })),
    /** Why there are no frames. */
    tellFailure: enqueueActions(({ context, enqueue, self }, params: { reason: Reason } | undefined) => {
      const { reason } = params ?? context
      if (self._parent && reason) enqueue.sendTo(self._parent, { type: 'feed.failed', reason })
    }),
  },
  delays: {
    /** A started process is in /proc long before. */
    birth: 300,
    firstFrameLimit: 20_000,
    /** Two missing reports of ffmpeg. */
    silence: 1_000,
    recheck: 250,
    /** A process whose stream was lost is gone by then, and not yet replaced. */
    glance: 100,
    stallLimit: 5_000,
    /** A normal end takes no longer. */
    farewell: 2_000,
  },
}).createMachine({
  id: 'pipeline',
  context: ({ input }) => ({ ...input, progress: noProgress, pace: 0 }),
  invoke: { src: 'watchTaps', input: ({ context }) => ({ camera: context.camera }) },
  on: {
    'server.lost': { actions: { type: 'noteServer', params: ({ event }) => event } },
    'server.restored': { actions: 'noteReturn' },
  },
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
        'pipeline.check': { actions: 'tellFailure' },
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
            guard: { type: 'isOverloaded', params: ({ event }) => event },
            target: 'overloaded',
            actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'noteOverload', 'tellOverloaded'],
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
      ...flow,
    },
    // The stream runs, but the host is too slow for it.
    overloaded: {
      tags: ['running', 'overloaded', 'open'],
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother', params: ({ event }) => event },
            target: 'running',
            actions: [
              { type: 'giveReason', params: { reason: because('pipeline_replaced') } },
              'tellEnded',
              { type: 'keepProgress', params: ({ event }) => event },
              'tellStarted',
            ],
          },
          {
            guard: { type: 'isRelieved', params: ({ event }) => event },
            target: 'running',
            actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'tellRelieved'],
          },
          {
            guard: { type: 'isFurther', params: ({ event }) => event },
            target: 'overloaded',
            reenter: true,
            actions: { type: 'keepProgress', params: ({ event }) => event },
          },
        ],
        'tap.finished': { guard: { type: 'isOwn', params: ({ event }) => event }, target: 'ending' },
      },
      ...flow,
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
          invoke: {
            src: 'recycleProcess',
            input: ({ context }) => context,
            onDone: [
              {
                guard: { type: 'wasRecycled', params: ({ event }) => event },
                target: 'waiting',
                actions: { type: 'tellFailure', params: { reason: because('pipeline_restarted') } },
              },
              { target: 'waiting', actions: 'tellFailure' },
            ],
            onError: { target: 'waiting', actions: 'tellFailure' },
          },
        },
        waiting: { after: { recheck: 'looking' } },
        looking: look('waiting', 'isAbsent', 'noteRestarted'),
      },
    },
    ending: {
      tags: 'open',
      entry: 'noteEnd',
      after: { farewell: 'reporting' },
      on: {
        'tap.progress': {
          guard: { type: 'isAnother', params: ({ event }) => event },
          target: 'running',
          actions: ['tellEnded', { type: 'keepProgress', params: ({ event }) => event }, 'tellStarted'],
        },
        'server.lost': { actions: [{ type: 'noteServer', params: ({ event }) => event }, 'noteEnd'] },
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
            'tellFailure',
            'tellMisfit',
            'forgetProgress',
          ],
        },
        onError: { target: 'asleep', actions: ['tellEnded', 'tellFailure', 'tellMisfit', 'forgetProgress'] },
      },
    },
  },
})
