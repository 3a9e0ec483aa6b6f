// Generated from machines/discovery.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    watchDevices: fromPromise(async () => {}),
    scanDevices: fromPromise(async () => {}),
  },
  actions: {
    tellDevices: () => {},
    noteFailure: () => {},
  },
  guards: {
    isUdev: () => true,
  },
  delays: {
    pollEvery: 10000,
  },
}).createMachine({
  id: 'discovery',
  type: 'parallel',
  states: {
    watching: {
      invoke: { src: 'watchDevices' },
      initial: 'off',
      states: { off: { tags: 'off' }, udev: { tags: 'udev' }, devfs: { tags: 'devfs' } },
      on: {
        'watch.started': [{ guard: { type: 'isUdev' }, target: '.udev' }, { target: '.devfs' }],
      },
    },
    scanning: {
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            src: 'scanDevices',
            onDone: { target: 'waiting', actions: { type: 'tellDevices' } },
            onError: { target: 'waiting', actions: { type: 'noteFailure' } },
          },
          on: { 'devices.hint': { target: 'busy', reenter: true } },
        },
        waiting: { after: { pollEvery: 'busy' }, on: { 'devices.hint': 'busy' } },
      },
    },
  },
})
