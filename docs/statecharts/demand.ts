// Generated from machines/demand.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    streamHold: createMachine({ id: 'streamHold' }),
    waitUntil: fromPromise(async () => {}),
  },
  actions: {
    addHold: () => {},
    dropHold: () => {},
    dropExpired: () => {},
    keepReason: () => {},
    clearReason: () => {},
    wakeHold: () => {},
  },
  guards: {
    isUnheld: () => false,
  },
  delays: {
    closeAfter: 10000,
  },
}).createMachine({
  id: 'demand',
  initial: 'deciding',
  states: {
    deciding: { always: [{ guard: 'isUnheld', target: 'idle' }, { target: 'held' }] },
    idle: {
      on: { 'stream.hold': { target: 'held', actions: ['clearReason', { type: 'addHold' }] } },
    },
    held: {
      tags: 'held',
      invoke: { src: 'streamHold', id: 'streamHold' },
      always: { guard: 'isUnheld', target: 'lingering' },
      on: { 'server.restored': { actions: 'wakeHold' } },
      type: 'parallel',
      states: {
        stream: {
          initial: 'waking',
          states: {
            waking: { on: { 'stream.held': { target: 'live', actions: 'clearReason' } } },
            live: { tags: 'live' },
          },
          on: { 'stream.lost': { target: '.waking', actions: { type: 'keepReason' } } },
        },
        expiry: {
          initial: 'waiting',
          states: {
            waiting: {
              invoke: {
                src: 'waitUntil',
                onDone: { target: 'waiting', reenter: true, actions: { type: 'dropExpired' } },
                onError: { target: 'waiting', reenter: true },
              },
            },
          },
          on: {
            'stream.hold': { target: '.waiting', actions: { type: 'addHold' } },
            'stream.release': { actions: { type: 'dropHold' } },
          },
        },
      },
    },
    lingering: {
      tags: 'lingering',
      after: { closeAfter: 'idle' },
      on: { 'stream.hold': { target: 'held', actions: { type: 'addHold' } } },
    },
  },
})
