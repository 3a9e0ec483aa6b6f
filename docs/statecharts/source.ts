// Generated from machines/source.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    describeSource: fromPromise(async () => {}),
  },
  actions: {
    countAnswer: () => {},
    forgetAnswers: () => {},
    giveReason: () => {},
  },
  guards: {
    isUnasked: () => false,
    isForbidden: () => true,
  },
  delays: {
    interval: 10000,
    repeat: 5000,
  },
}).createMachine({
  id: 'source',
  initial: 'deciding',
  states: {
    deciding: { always: [{ guard: 'isUnasked', target: 'unasked' }, { target: 'answering' }] },
    unasked: {},
    answering: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            onDone: { target: 'waiting', actions: 'countAnswer' },
            onError: [
              {
                guard: { type: 'isForbidden' },
                target: '#source.lost',
                actions: { type: 'giveReason' },
              },
              { target: '#source.silent', actions: 'forgetAnswers' },
            ],
          },
        },
      },
    },
    silent: {
      initial: 'waiting',
      states: {
        waiting: { after: { repeat: 'asking' } },
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
