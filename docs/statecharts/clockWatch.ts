// Generated from machines/clockWatch.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    readClock: fromPromise(async () => {}),
  },
  actions: {
    tellJump: () => {},
    keepReading: () => {},
  },
  guards: {
    hasJumped: () => true,
  },
  delays: {
    interval: 2000,
  },
}).createMachine({
  id: 'clockWatch',
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        src: 'readClock',
        onDone: [
          {
            guard: { type: 'hasJumped' },
            target: 'jumped',
            actions: [{ type: 'tellJump' }, { type: 'keepReading' }],
          },
          { target: 'waiting', actions: { type: 'keepReading' } },
        ],
        onError: 'waiting',
      },
    },
    waiting: { after: { interval: 'reading' } },
    jumped: { after: { interval: 'reading' } },
  },
})
