import { assign, type DoneActorEvent, emit, enqueueActions, setup } from 'xstate'
import type { PipelineProgress } from './domain/capture.js'
import type { StreamFact } from './domain/facts.js'
import type { SourceDescription } from './domain/mediaServer.js'
import { because, type Reason } from './domain/reason.js'
import { promiseHole } from './hole.js'
import type { StreamUseEvent } from './keyframes.js'
import { noProgress, type StreamInput } from './pipeline.js'

/**
 * The path of a camera as reported by the media server. `bytes`: received since the path is ready; `used`: it has
 * readers, besides the one that keeps its keyframes; `at`: monotonic ms.
 */
export interface PathMeasurement {
  ready: boolean
  used: boolean
  bytes: number
  at: number
  media?: SourceDescription
}

/** Sent to the parent: what the stream consists of. `changed`: while it ran. */
export interface MediaEvent {
  type: 'media.found'
  media: SourceDescription
  changed: boolean
}

interface PullContext extends StreamInput {
  last: PathMeasurement
  progress: PipelineProgress
  /** Why the stream stalls or ended. */
  reason?: Reason | undefined
}

const measured = ({ event }: { event: DoneActorEvent<PathMeasurement> }) => event.output
const ready = { type: 'isReady', params: measured } as const
const over = { type: 'isOver', params: measured } as const
const grown = { type: 'hasGrown', params: measured } as const
const tellMedia = { type: 'tellMedia', params: measured } as const
const tellUse = { type: 'tellUse', params: measured } as const
const noteUse = { type: 'noteUse', params: measured } as const
const keep = { type: 'keepMeasurement', params: measured } as const

/** States that measure the path at intervals. Each measurement leads to the first outcome whose guard is true. */
const measuring = <const Outcomes extends readonly object[]>(...outcomes: Outcomes) =>
  ({
    initial: 'waiting',
    states: {
      waiting: { after: { interval: 'measuring' } },
      measuring: {
        invoke: {
          src: 'measurePath',
          input: ({ context }: { context: PullContext }) => context,
          onDone: outcomes,
          onError: 'waiting',
        },
      },
    },
  }) as const

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
    /** Must come before the measurement is kept. */
    tellMedia: enqueueActions(({ context: { last }, enqueue, self }, { media }: PathMeasurement) => {
      if (media === undefined || isSameMedia(media, last.media) || !self._parent) return
      const found: MediaEvent = { type: 'media.found', media, changed: last.media !== undefined }
      enqueue.sendTo(self._parent, found)
    }),
    /** Must come before the measurement is kept. */
    tellUse: enqueueActions(({ context: { last }, enqueue, self }, { used }: PathMeasurement) => {
      if (used === last.used || !self._parent) return
      const use: StreamUseEvent = { type: used ? 'stream.used' : 'stream.unused' }
      enqueue.sendTo(self._parent, use)
    }),
    keepMeasurement: assign(({ context: { last } }, now: PathMeasurement) => ({
      last: now,
      progress: { ...noProgress, bitrate: bitrate(last, now) },
    })),
    noteUse: assign({ last: ({ context: { last } }, { used }: PathMeasurement) => ({ ...last, used }) }),
    forgetMeasurement: enqueueActions(({ context: { last }, enqueue, self }) => {
      enqueue.assign({ last: nothing(), progress: noProgress })
      if (last.used && self._parent) enqueue.sendTo(self._parent, { type: 'stream.unused' })
    }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    /** A stream with readers does not end because nobody needs it. */
    noteEnd: assign({
      reason: ({ context: { last, reason } }) => reason ?? because(last.used ? 'stream_lost' : 'no_longer_used'),
    }),
    clearReason: assign({ reason: undefined }),
    tellStarted: emit(({ context: { camera } }) => ({ type: 'stream.started', camera })),
    tellFailure: enqueueActions(({ context: { reason }, enqueue, self }) => {
      if (self._parent && reason) enqueue.sendTo(self._parent, { type: 'feed.failed', reason })
    }),
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
    asleep: measuring(
      { guard: ready, target: '#pull.running', actions: [tellMedia, tellUse, keep, 'tellStarted'] },
      { target: 'waiting' },
    ),
    running: {
      tags: ['running', 'open'],
      entry: 'clearReason',
      after: { stallLimit: 'stalled' },
      ...measuring(
        { guard: over, target: '#pull.ended' },
        { guard: grown, target: '#pull.running', reenter: true, actions: [tellMedia, tellUse, keep] },
        { target: 'waiting', actions: [tellUse, noteUse] },
      ),
    },
    stalled: {
      tags: ['stalled', 'open'],
      entry: [{ type: 'giveReason', params: { reason: because('no_frames') } }, 'tellStalled', 'tellFailure'],
      ...measuring(
        { guard: over, target: '#pull.ended' },
        { guard: grown, target: '#pull.running', actions: [tellMedia, tellUse, keep, 'tellStarted'] },
        { target: 'waiting', actions: [tellUse, noteUse] },
      ),
    },
    ended: { entry: ['noteEnd', 'tellEnded', 'forgetMeasurement'], always: 'asleep' },
  },
})

/** False if the codec or the size differs. Audio and rates do not divide a file. */
const isSameMedia = (one: SourceDescription, other: SourceDescription | undefined): boolean =>
  one.codec === other?.codec && one.width === other.width && one.height === other.height

function nothing(): PathMeasurement {
  return { ready: false, used: false, bytes: 0, at: 0 }
}

/** Returns the bits per second between two measurements. */
function bitrate(one: PathMeasurement, other: PathMeasurement): number {
  const time = other.at - one.at
  return one.at > 0 && time > 0 && other.bytes >= one.bytes ? Math.round(((other.bytes - one.bytes) * 8_000) / time) : 0
}
