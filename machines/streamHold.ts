import { assign, enqueueActions, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import type { Reason } from './domain/reason.js'
import { callbackHole } from './hole.js'

/** Also sent to the parent. */
export type StreamHoldEvent = { type: 'stream.held' } | { type: 'stream.lost'; reason: Reason }

export interface StreamHoldInput {
  camera: CameraId
}

/**
 * Holds a camera's stream until the actor is stopped: an on-demand stream runs while there is a hold. After a loss, the
 * stream is requested again with a delay.
 */
export const streamHoldMachine = setup({
  types: {
    input: {} as StreamHoldInput,
    context: {} as StreamHoldInput & { attempts: number },
    events: {} as StreamHoldEvent,
    tags: {} as 'live',
  },
  actors: {
    /** One attempt. Sends `stream.held`. Sends `stream.lost` as its last event. */
    openStream: callbackHole<StreamHoldInput & { attempts: number }>('openStream'),
  },
  actions: {
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    forward: enqueueActions(({ event, enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, event)
    }),
  },
  delays: {
    /** A device needs a moment to be released. */
    pause: 500,
  },
}).createMachine({
  id: 'streamHold',
  context: ({ input }) => ({ ...input, attempts: 0 }),
  initial: 'opening',
  states: {
    opening: {
      invoke: { src: 'openStream', input: ({ context }) => context },
      initial: 'waking',
      states: { waking: { on: { 'stream.held': { target: 'live', actions: 'forward' } } }, live: { tags: 'live' } },
      on: { 'stream.lost': { target: 'pausing', actions: ['forward', 'countAttempt'] } },
    },
    pausing: { after: { pause: 'opening' } },
  },
})
