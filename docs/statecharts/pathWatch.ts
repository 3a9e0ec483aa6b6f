// Generated from machines/pathWatch.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    findDrift: fromPromise(async () => {}),
    repairPaths: fromPromise(async () => {}),
  },
  actions: {
    plan: () => {},
    noteRepairs: () => {},
  },
  guards: {
    hasRepairs: () => false,
  },
  delays: {
    interval: 5000,
  },
}).createMachine({
  id: 'pathWatch',
  initial: 'resting',
  states: {
    resting: { after: { interval: 'comparing' } },
    comparing: {
      invoke: {
        src: 'findDrift',
        onDone: { target: 'deciding', actions: { type: 'plan' } },
        onError: 'resting',
      },
    },
    deciding: { always: [{ guard: 'hasRepairs', target: 'repairing' }, { target: 'resting' }] },
    repairing: {
      invoke: {
        src: 'repairPaths',
        onDone: { target: 'resting', actions: 'noteRepairs' },
        onError: 'resting',
      },
    },
  },
})
