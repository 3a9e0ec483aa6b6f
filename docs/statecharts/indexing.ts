// Generated from machines/indexing.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    findUnindexed: fromPromise(async () => {}),
    indexFile: fromPromise(async () => {}),
  },
  actions: {
    noteClosed: () => {},
    takeFresh: () => {},
    takeFound: () => {},
    dropFirst: () => {},
    dropQueue: () => {},
    noteFailed: () => {},
    tellIndexed: () => {},
    tellFailure: () => {},
  },
  guards: {
    isEnabled: () => false,
    hasFresh: () => false,
    hasNext: () => false,
    isReplaced: () => true,
    isPassing: () => true,
  },
  delays: {
    settleTime: 2500,
    searchInterval: 60000,
  },
}).createMachine({
  id: 'indexing',
  initial: 'deciding',
  on: { 'part.closed': { actions: { type: 'noteClosed' } } },
  states: {
    deciding: { always: [{ guard: 'isEnabled', target: 'settling' }, { target: 'off' }] },
    off: { on: { 'part.closed': {} } },
    settling: {
      after: { settleTime: 'searching' },
      on: {
        'part.closed': { target: 'settling', reenter: true, actions: { type: 'noteClosed' } },
      },
    },
    searching: {
      entry: 'takeFresh',
      invoke: {
        src: 'findUnindexed',
        onDone: { target: 'choosing', actions: { type: 'takeFound' } },
        onError: 'resting',
      },
    },
    choosing: {
      always: [
        { guard: 'hasFresh', target: 'settling' },
        { guard: 'hasNext', target: 'indexing' },
        { target: 'resting' },
      ],
    },
    indexing: {
      invoke: {
        src: 'indexFile',
        onDone: [
          {
            guard: { type: 'isReplaced' },
            target: 'choosing',
            actions: [{ type: 'tellIndexed' }, 'dropFirst'],
          },
          { target: 'choosing', actions: 'dropFirst' },
        ],
        onError: [
          { guard: { type: 'isPassing' }, target: 'choosing', actions: 'dropFirst' },
          {
            target: 'choosing',
            actions: [{ type: 'tellFailure' }, 'noteFailed', 'dropFirst'],
          },
        ],
      },
      on: { 'disk.short': { target: 'resting', actions: 'dropQueue' } },
    },
    resting: {
      always: { guard: 'hasFresh', target: 'settling' },
      after: { searchInterval: 'searching' },
    },
  },
})
