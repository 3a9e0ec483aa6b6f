// Generated from machines/quarantine.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    findSuspects: fromPromise(async () => {}),
    moveSuspects: fromPromise(async () => {}),
  },
  actions: {
    noteDue: () => {},
    takeDue: () => {},
    takeSuspects: () => {},
    dropSuspects: () => {},
    tell: () => {},
  },
  guards: {
    isSuspicious: () => true,
    hasDue: () => false,
  },
  delays: {
    stallLimit: 3000,
  },
}).createMachine({
  id: 'quarantine',
  initial: 'searching',
  on: { 'part.closed': { actions: { type: 'noteDue' } } },
  states: {
    searching: {
      invoke: {
        src: 'findSuspects',
        onDone: [
          {
            guard: { type: 'isSuspicious' },
            target: 'observing',
            actions: { type: 'takeSuspects' },
          },
          { target: 'resting' },
        ],
        onError: 'resting',
      },
    },
    observing: { after: { stallLimit: 'moving' } },
    moving: {
      invoke: { src: 'moveSuspects', onError: { target: 'resting', actions: 'dropSuspects' } },
      on: {
        'file.quarantined': { actions: { type: 'tell' } },
        'move.ended': { target: 'resting', actions: 'dropSuspects' },
      },
    },
    resting: { always: { guard: 'hasDue', target: 'searching', actions: 'takeDue' } },
  },
})
