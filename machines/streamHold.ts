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
 * Holds a camera's stream until it is stopped: an on-demand stream runs while somebody holds it. A stream that is lost
 * is asked for again after a pause.
 */
export const streamHoldMachine = setup({
  types: {
    input: {} as StreamHoldInput,
    context: {} as StreamHoldInput & { attempts: number },
    events: {} as StreamHoldEvent,
    tags: {} as 'live',
  },
  actors: {
    /** One attempt. Sends `stream.held`, or `stream.lost`, after which nothing more comes. */
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
