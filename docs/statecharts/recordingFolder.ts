// Generated from machines/recordingFolder.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    measureDisk: fromPromise(async () => {}),
    useFolder: fromPromise(async () => {}),
  },
  actions: {
    takeLimits: () => {},
    noteReason: () => {},
    noteFailure: () => {},
    forgetFailure: () => {},
    tellFallback: () => {},
    tellMain: () => {},
    tellParent: () => {},
  },
  guards: {
    isFull: () => true,
    takesFiles: () => true,
    isBack: () => true,
    isFallbackFailing: () => false,
  },
  delays: {
    patience: 45000,
    pause: 5000,
    recovery: 10000,
  },
}).createMachine({
  id: 'recordingFolder',
  on: { 'limits.set': { actions: { type: 'takeLimits' } } },
  initial: 'main',
  states: {
    main: {
      tags: 'main',
      initial: 'preparing',
      states: {
        preparing: {
          invoke: { src: 'useFolder', input: { folder: 'main' }, onDone: 'well', onError: 'well' },
        },
        well: {
          on: {
            'folder.failed': [
              {
                guard: { type: 'isFull' },
                target: 'full',
                actions: { type: 'noteReason' },
              },
              { target: 'trying', actions: { type: 'noteReason' } },
            ],
          },
        },
        full: {
          after: { patience: 'trying' },
          on: {
            'folder.well': 'well',
            'folder.failed': [
              { guard: { type: 'isFull' } },
              { target: 'trying', actions: { type: 'noteReason' } },
            ],
          },
        },
        trying: {
          invoke: {
            src: 'measureDisk',
            input: { folder: 'fallback' },
            onDone: [{ guard: { type: 'takesFiles' }, target: 'leaving' }, { target: 'alone' }],
            onError: 'alone',
          },
          on: { 'folder.well': 'well' },
        },
        leaving: {
          invoke: {
            src: 'useFolder',
            input: { folder: 'fallback' },
            onDone: {
              target: '#recordingFolder.fallback',
              actions: ['tellFallback', { type: 'tellParent', params: { folder: 'fallback' } }],
            },
            onError: 'alone',
          },
        },
        alone: {
          after: { pause: 'trying' },
          on: { 'folder.well': 'well', 'folder.failed': { actions: { type: 'noteReason' } } },
        },
      },
    },
    fallback: {
      tags: 'fallback',
      on: {
        'folder.failed': { actions: { type: 'noteFailure' } },
        'folder.well': { actions: 'forgetFailure' },
      },
      initial: 'away',
      states: {
        away: {
          initial: 'waiting',
          states: {
            waiting: { after: { pause: 'looking' } },
            looking: {
              invoke: {
                src: 'measureDisk',
                input: { folder: 'main' },
                onDone: [
                  {
                    guard: { type: 'isBack' },
                    target: '#recordingFolder.fallback.recovering',
                  },
                  { target: 'waiting' },
                ],
                onError: 'waiting',
              },
            },
          },
        },
        recovering: {
          always: { guard: 'isFallbackFailing', target: 'leaving' },
          after: { recovery: 'leaving' },
          initial: 'waiting',
          states: {
            waiting: { after: { pause: 'looking' } },
            looking: {
              invoke: {
                src: 'measureDisk',
                input: { folder: 'main' },
                onDone: [
                  { guard: { type: 'isBack' }, target: 'waiting' },
                  { target: '#recordingFolder.fallback.away' },
                ],
                onError: '#recordingFolder.fallback.away',
              },
            },
          },
        },
        leaving: {
          invoke: {
            src: 'useFolder',
            input: { folder: 'main' },
            onDone: {
              target: '#recordingFolder.main.well',
              actions: [
                'tellMain',
                { type: 'tellParent', params: { folder: 'main' } },
                'forgetFailure',
              ],
            },
            onError: 'away',
          },
        },
      },
    },
  },
})
