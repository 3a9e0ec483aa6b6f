import { assign, enqueueActions, setup } from 'xstate'
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
        live: { tags: 'live' },
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
