// Generated from machines/pull.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    measurePath: fromPromise(async () => {}),
  },
  actions: {
    tellMedia: () => {},
    tellUse: () => {},
    keepMeasurement: () => {},
    noteUse: () => {},
    forgetMeasurement: () => {},
    giveReason: () => {},
    noteEnd: () => {},
    clearReason: () => {},
    tellStarted: () => {},
    tellFailure: () => {},
    tellStalled: () => {},
    tellEnded: () => {},
  },
  guards: {
    isReady: () => true,
    isOver: () => true,
    hasGrown: () => true,
  },
  delays: {
    interval: 1000,
    stallLimit: 5000,
  },
}).createMachine({
  id: 'pull',
  initial: 'asleep',
  states: {
    asleep: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            onDone: [
              {
                guard: { type: 'isReady' },
                target: '#pull.running',
                actions: [
                  { type: 'tellMedia' },
                  { type: 'tellUse' },
                  { type: 'keepMeasurement' },
                  'tellStarted',
                ],
              },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    running: {
      tags: ['running', 'open'],
      entry: 'clearReason',
      after: { stallLimit: 'stalled' },
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            onDone: [
              { guard: { type: 'isOver' }, target: '#pull.ended' },
              {
                guard: { type: 'hasGrown' },
                target: '#pull.running',
                reenter: true,
                actions: [{ type: 'tellMedia' }, { type: 'tellUse' }, { type: 'keepMeasurement' }],
              },
              { target: 'waiting', actions: [{ type: 'tellUse' }, { type: 'noteUse' }] },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    stalled: {
      tags: ['stalled', 'open'],
      entry: [
        {
          type: 'giveReason',
          params: { reason: { code: 'no_frames', details: 'the camera delivers no frames' } },
        },
        'tellStalled',
        'tellFailure',
      ],
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'measuring' } },
        measuring: {
          invoke: {
            src: 'measurePath',
            onDone: [
              { guard: { type: 'isOver' }, target: '#pull.ended' },
              {
                guard: { type: 'hasGrown' },
                target: '#pull.running',
                actions: [
                  { type: 'tellMedia' },
                  { type: 'tellUse' },
                  { type: 'keepMeasurement' },
                  'tellStarted',
                ],
              },
              { target: 'waiting', actions: [{ type: 'tellUse' }, { type: 'noteUse' }] },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    ended: { entry: ['noteEnd', 'tellEnded', 'forgetMeasurement'], always: 'asleep' },
  },
})
