import { assign, emit, setup } from 'xstate'
import type { PipelineProgress } from './domain/capture.js'
import type { StreamFact } from './domain/facts.js'
import { because, type Reason } from './domain/reason.js'
import { promiseHole } from './hole.js'
import { noProgress, type StreamInput } from './pipeline.js'

/**
 * The path of a camera as reported by the media server. `bytes`: received since the path is ready; `used`: it has
 * readers; `at`: epoch ms.
 */
export interface PathMeasurement {
  ready: boolean
  used: boolean
  bytes: number
  at: number
}

interface PullContext extends StreamInput {
  last: PathMeasurement
  progress: PipelineProgress
  /** Why the stream stalls or ended. */
  reason?: Reason | undefined
}

/**
 * The stream of a network camera, which the media server pulls. It is alive while the number of received bytes grows.
 */
export const pullMachine = setup({
  types: {
    input: {} as StreamInput,
    context: {} as PullContext,
    emitted: {} as StreamFact,
    /** `open`: `stream.ended` follows. */
    tags: {} as 'running' | 'stalled' | 'open',
  },
  actors: { measurePath: promiseHole<PathMeasurement, StreamInput>('measurePath') },
  guards: {
    isReady: (_, { ready }: PathMeasurement) => ready,
    isOver: (_, { ready }: PathMeasurement) => !ready,
    hasGrown: ({ context }, { bytes }: PathMeasurement) => bytes !== context.last.bytes,
  },
  actions: {
    keepMeasurement: assign(({ context: { last } }, now: PathMeasurement) => ({
      last: now,
      progress: { ...noProgress, bitrate: bitrate(last, now) },
    })),
    forgetMeasurement: assign({ last: nothing(), progress: noProgress }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    /** A stream with readers does not end because nobody needs it. */
    noteEnd: assign({
      reason: ({ context: { last, reason } }) => reason ?? because(last.used ? 'stream_lost' : 'no_longer_used'),
    }),
    clearReason: assign({ reason: undefined }),
    tellStarted: emit(({ context: { camera } }) => ({ type: 'stream.started', camera })),
    tellStalled: emit(({ context: { camera } }) => ({ type: 'stream.stalled', camera, reason: because('no_frames') })),
    tellEnded: emit(({ context: { camera, reason = because('stream_lost') } }) => ({
      type: 'stream.ended',
      camera,
      reason,
    })),
  },
  delays: { interval: 1_000, stallLimit: 5_000 },
}).createMachine({
  id: 'pull',
  context: ({ input }) => ({ ...input, last: nothing(), progress: noProgress }),
  initial: 'asleep',
  states: {
    asleep: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            input: ({ context }) => context,
            onDone: [
              {
                guard: { type: 'isReady', params: ({ event }) => event.output },
                target: '#pull.running',
                actions: [{ type: 'keepMeasurement', params: ({ event }) => event.output }, 'tellStarted'],
              },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    running: {
      tags: ['running', 'open'],
      entry: 'clearReason',
      after: { stallLimit: 'stalled' },
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            input: ({ context }) => context,
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => event.output }, target: '#pull.ended' },
              {
                guard: { type: 'hasGrown', params: ({ event }) => event.output },
                target: '#pull.running',
                reenter: true,
                actions: { type: 'keepMeasurement', params: ({ event }) => event.output },
              },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    stalled: {
      tags: ['stalled', 'open'],
      entry: [{ type: 'giveReason', params: { reason: because('no_frames') } }, 'tellStalled'],
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            input: ({ context }) => context,
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => event.output }, target: '#pull.ended' },
              {
                guard: { type: 'hasGrown', params: ({ event }) => event.output },
                target: '#pull.running',
                actions: [{ type: 'keepMeasurement', params: ({ event }) => event.output }, 'tellStarted'],
              },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    ended: { entry: ['noteEnd', 'tellEnded', 'forgetMeasurement'], always: 'asleep' },
  },
})

function nothing(): PathMeasurement {
  return { ready: false, used: false, bytes: 0, at: 0 }
}

/** Returns the bits per second between two measurements. */
function bitrate(one: PathMeasurement, other: PathMeasurement): number {
  const time = other.at - one.at
  return one.at > 0 && time > 0 && other.bytes >= one.bytes ? Math.round(((other.bytes - one.bytes) * 8_000) / time) : 0
}
