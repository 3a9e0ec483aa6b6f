// Generated from machines/keyframes.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    followKeyframes: fromPromise(async () => {}),
  },
  guards: {
    isUnreadable: () => true,
  },
  delays: {
    nextLook: 600000,
    retry: 5000,
  },
}).createMachine({
  id: 'keyframes',
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
            onDone: 'resting',
            onError: [
              { guard: { type: 'isUnreadable' }, target: 'resting' },
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
