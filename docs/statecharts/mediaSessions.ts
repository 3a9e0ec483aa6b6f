// Generated from machines/mediaSessions.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    kickReaders: fromPromise(async () => {}),
    waitUntil: fromPromise(async () => {}),
    listSessions: fromPromise(async () => {}),
  },
  actions: {
    admit: () => {},
    judgeAgain: () => {},
    planEnd: () => {},
    startKicks: () => {},
    keepOutcome: () => {},
    keepListing: () => {},
  },
  guards: {
    hasRoom: () => true,
    isBusy: () => false,
    hasPlan: () => false,
    isEmpty: () => false,
    isExpecting: () => false,
  },
  delays: {
    soon: 3000,
    interval: 30000,
  },
}).createMachine({
  id: 'mediaSessions',
  type: 'parallel',
  invoke: { id: 'kicks', src: 'kickReaders' },
  on: { 'reader.admit': { guard: { type: 'hasRoom' }, actions: { type: 'admit' } } },
  states: {
    kicks: {
      initial: 'choosing',
      on: {
        'kick.planned': '.choosing',
        'clock.set': { target: '.choosing', actions: { type: 'judgeAgain' } },
        'readers.end': { target: '.choosing', actions: [{ type: 'planEnd' }, { type: 'startKicks' }] },
        'kick.done': {
          target: '.choosing',
          actions: [{ type: 'keepOutcome' }, { type: 'startKicks' }],
        },
      },
      states: {
        choosing: {
          always: [
            { guard: 'isBusy', target: 'busy' },
            { guard: 'hasPlan', target: 'waiting' },
            { target: 'idle' },
          ],
        },
        idle: {},
        waiting: {
          invoke: {
            src: 'waitUntil',
            onDone: { target: 'choosing', actions: { type: 'startKicks' } },
          },
        },
        busy: {},
      },
    },
    presence: {
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            { guard: 'isEmpty', target: 'empty' },
            { guard: 'isExpecting', target: 'expecting' },
            { target: 'settled' },
          ],
        },
        empty: { on: { 'reader.expected': 'expecting' } },
        expecting: { after: { soon: 'listing' }, on: { 'readers.check': 'listing' } },
        settled: {
          after: { interval: 'listing' },
          on: { 'reader.expected': 'expecting', 'readers.check': 'listing' },
        },
        listing: {
          invoke: {
            src: 'listSessions',
            onDone: { target: 'choosing', actions: { type: 'keepListing' } },
            onError: 'choosing',
          },
        },
      },
    },
  },
})
