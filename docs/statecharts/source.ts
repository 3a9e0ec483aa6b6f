// Generated from machines/source.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    describeSource: fromPromise(async () => {}),
  },
  actions: {
    giveReason: () => {},
  },
  guards: {
    isForbidden: () => true,
  },
  delays: {
    interval: 5000,
  },
}).createMachine({
  id: 'source',
  initial: 'answering',
  states: {
    answering: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            onDone: 'waiting',
            onError: [
              {
                guard: { type: 'isForbidden' },
                target: '#source.lost',
                actions: { type: 'giveReason' },
              },
              { target: '#source.silent' },
            ],
          },
        },
      },
    },
    silent: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            onDone: '#source.answering',
            onError: { target: '#source.lost', actions: { type: 'giveReason' } },
          },
        },
      },
    },
    lost: { type: 'final' },
  },
})
