import { type ErrorActorEvent, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import { reasonFrom } from './domain/reason.js'
import { promiseHole } from './hole.js'

/** From the pull, by the camera: others read the stream, or the last one has left. The own reading does not count. */
export type StreamUseEvent = { type: 'stream.used' } | { type: 'stream.unused' }

export interface KeyframesInput {
  camera: CameraId
}

/**
 * Keeps the last keyframe of a network camera while others read its stream: viewers, recordings, holds. Of a camera
 * whose keyframes are far apart it is a picture of known age, which costs no wait.
 */
export const keyframesMachine = setup({
  types: { input: {} as KeyframesInput, context: {} as KeyframesInput, events: {} as StreamUseEvent },
  actors: {
    /** Keeps the last keyframe. Resolves if there is no need for it, because they come often. */
    followKeyframes: promiseHole<void, KeyframesInput>('followKeyframes'),
  },
  guards: {
    /** The pictures can only be found by decoding the stream. */
    isUnreadable: (_, { error }: { error: unknown }) => reasonFrom(error).code === 'codec_unsupported',
  },
  delays: {
    /** The camera may get other settings meanwhile. */
    nextLook: 600_000,
    retry: 5_000,
  },
}).createMachine({
  id: 'keyframes',
  context: ({ input }) => input,
  initial: 'unused',
  states: {
    unused: { on: { 'stream.used': 'used' } },
    used: {
      initial: 'following',
      on: { 'stream.unused': 'unused' },
      states: {
        following: {
          invoke: {
            src: 'followKeyframes',
            input: ({ context }) => context,
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
    },
  },
})
