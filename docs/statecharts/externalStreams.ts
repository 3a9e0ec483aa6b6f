// Generated from machines/externalStreams.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    checkAddress: fromPromise(async () => {}),
    saveStreams: fromPromise(async () => {}),
  },
  actions: {
    takeConfiguration: () => {},
    addChange: () => {},
    dropChange: () => {},
    makeChange: () => {},
    sendChange: () => {},
    tellChange: () => {},
    tellUnchanged: () => {},
    refuse: () => {},
  },
  guards: {
    hasRoom: () => true,
    hasChange: () => false,
    isAddition: () => false,
    isConfigured: () => false,
    isUnchanged: () => false,
    isTooMany: () => false,
    isUnknown: () => false,
    breaksRule: () => true,
  },
}).createMachine({
  id: 'externalStreams',
  on: {
    'streams.configured': { actions: { type: 'takeConfiguration' } },
    'stream.add': { guard: 'hasRoom', actions: { type: 'addChange' } },
    'stream.remove': { guard: 'hasRoom', actions: { type: 'addChange' } },
    'interval.set': { guard: 'hasRoom', actions: { type: 'addChange' } },
  },
  initial: 'ready',
  states: {
    ready: { always: { guard: 'hasChange', target: 'changing' } },
    changing: {
      initial: 'deciding',
      states: {
        deciding: {
          always: [
            {
              guard: 'isUnknown',
              target: 'refused',
              actions: {
                type: 'refuse',
                params: { code: 'stream_unknown', details: 'no such stream was added' },
              },
            },
            { guard: 'isConfigured', target: 'refused', actions: { type: 'refuse' } },
            { guard: 'isUnchanged', target: 'done', actions: 'tellUnchanged' },
            { guard: 'isTooMany', target: 'refused', actions: { type: 'refuse' } },
            { guard: 'isAddition', target: 'checkingAddress' },
            { target: 'saving' },
          ],
        },
        checkingAddress: {
          invoke: {
            src: 'checkAddress',
            onDone: [
              {
                guard: { type: 'breaksRule' },
                target: 'refused',
                actions: { type: 'refuse' },
              },
              { target: 'saving' },
            ],
            onError: { target: 'refused', actions: { type: 'refuse' } },
          },
        },
        saving: {
          invoke: {
            src: 'saveStreams',
            onDone: { target: 'done', actions: ['makeChange', 'sendChange', 'tellChange'] },
            onError: { target: 'refused', actions: { type: 'refuse' } },
          },
        },
        refused: { type: 'final' },
        done: { type: 'final' },
      },
      onDone: { target: 'ready', actions: 'dropChange' },
    },
  },
})
