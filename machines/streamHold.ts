import { assign, type ErrorActorEvent, enqueueActions, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import { type Reason, reasonFrom } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'

/** Also sent to the parent. */
export type StreamHoldEvent = { type: 'stream.held' } | { type: 'stream.lost'; reason: Reason }

/** To the actor: the media server answers again, and has all paths. */
export type ServerRestored = { type: 'server.restored' }

export interface StreamHoldInput {
  camera: CameraId
}

/** In ms. The pause becomes long after some failed attempts. */
const [shortPause, longPause, shortPauses] = [500, 5_000, 20]

/** Of a camera whose keyframes are far apart the last one is kept: it is a picture of known age. */
const followingKeyframes = {
  initial: 'following',
  states: {
    following: {
      invoke: {
        src: 'followKeyframes',
        input: ({ context: { camera } }: { context: StreamHoldInput }) => ({ camera }),
        onDone: 'resting',
        onError: [
          {
            guard: { type: 'isUnreadable', params: ({ event }: { event: ErrorActorEvent }) => event },
            target: 'resting',
          },
          { target: 'retrying' },
        ],
      },
    },
    resting: { after: { nextLook: 'following' } },
    retrying: { after: { retry: 'following' } },
  },
} as const

/**
 * Holds a camera's stream until the actor is stopped: an on-demand stream runs while there is a hold. After a loss, the
 * stream is requested again with a delay, and only when its source answers: after MediaMTX failed to reach a network
 * camera, it waits 5 s before it tries again.
 */
export const streamHoldMachine = setup({
  types: {
    input: {} as StreamHoldInput,
    context: {} as StreamHoldInput & { attempts: number },
    events: {} as StreamHoldEvent | ServerRestored,
    tags: {} as 'live',
  },
  actors: {
    /** One attempt. Sends `stream.held`. Sends `stream.lost` as its last event. */
    openStream: callbackHole<StreamHoldInput & { attempts: number }>('openStream'),
    /** Rejects while a network camera does not answer. Resolves at once for others. */
    askSource: promiseHole<void, StreamHoldInput>('askSource'),
    /**
     * Keeps the last keyframe of a network camera. Resolves when there is no need for it: they come often. Never ends
     * for other cameras, whose stills are kept.
     */
    followKeyframes: promiseHole<void, StreamHoldInput>('followKeyframes'),
  },
  guards: {
    /** The pictures can only be found by decoding the stream. */
    isUnreadable: (_, { error }: { error: unknown }) => reasonFrom(error).code === 'codec_unsupported',
  },
  actions: {
    forgetAttempts: assign({ attempts: 0 }),
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    tellLoss: enqueueActions(({ enqueue, self }, { error }: { error: unknown }) => {
      const lost: StreamHoldEvent = { type: 'stream.lost', reason: reasonFrom(error, 'unreachable') }
      if (self._parent) enqueue.sendTo(self._parent, lost)
    }),
    forward: enqueueActions(({ event, enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, event)
    }),
  },
  delays: {
    /** A device needs a moment to be released. */
    pause: ({ context: { attempts } }) => (attempts <= shortPauses ? shortPause : longPause),
    /** The camera may get other settings meanwhile. */
    nextLook: 600_000,
    retry: 5_000,
  },
}).createMachine({
  id: 'streamHold',
  context: ({ input }) => ({ ...input, attempts: 0 }),
  initial: 'opening',
  states: {
    opening: {
      invoke: { src: 'openStream', input: ({ context }) => context },
      initial: 'waking',
      states: {
        waking: { on: { 'stream.held': { target: 'live', actions: ['forward', 'forgetAttempts'] } } },
        live: { tags: 'live', ...followingKeyframes },
      },
      on: { 'stream.lost': { target: 'pausing', actions: ['forward', 'countAttempt'] } },
    },
    pausing: { after: { pause: 'asking' }, on: { 'server.restored': 'asking' } },
    asking: {
      invoke: {
        src: 'askSource',
        input: ({ context }) => context,
        onDone: 'opening',
        onError: {
          target: 'pausing',
          actions: [{ type: 'tellLoss', params: ({ event }) => event }, 'countAttempt'],
        },
      },
    },
  },
})
