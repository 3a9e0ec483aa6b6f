// Generated from machines/storage.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    measureDisk: fromPromise(async () => {}),
    keepReserve: fromPromise(async () => {}),
    recordingFolder: createMachine({ id: 'recordingFolder' }),
  },
  actions: {
    takeLimits: () => {},
    tellFolder: () => {},
    takeFolder: () => {},
    tellCrash: () => {},
    keepUsage: () => {},
    keepFault: () => {},
    forgetRate: () => {},
    noteFailure: () => {},
    goBlind: () => {},
    tellOk: () => {},
    tellWarning: () => {},
    tellCritical: () => {},
    tellBlind: () => {},
    block: () => {},
    free: () => {},
    tellStrained: () => {},
    tellRelaxed: () => {},
  },
  guards: {
    hasFallback: () => false,
    isCritical: () => false,
    isBelowCritical: () => false,
    isWarning: () => false,
    isBelowWarning: () => false,
    isStrained: () => true,
    isRelaxed: () => true,
    isOtherReason: () => false,
    isFault: () => true,
  },
  delays: {
    interval: 5000,
    restartPause: 1000,
  },
}).createMachine({
  id: 'storage',
  type: 'parallel',
  on: {
    'disk.check': { actions: 'forgetRate' },
    'limits.set': { actions: { type: 'takeLimits' } },
  },
  states: {
    level: {
      initial: 'unknown',
      on: { 'disk.hidden': '.blind' },
      states: {
        unknown: { tags: 'unknown', on: { 'disk.measured': 'judging' } },
        judging: {
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
            { target: 'ok' },
          ],
        },
        ok: {
          tags: 'ok',
          entry: ['tellOk', 'free'],
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
          ],
        },
        warning: {
          tags: 'warning',
          entry: ['tellWarning', 'free'],
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isBelowWarning', target: 'ok' },
          ],
        },
        critical: {
          tags: 'critical',
          entry: ['tellCritical', 'block'],
          always: [
            { guard: 'isBelowWarning', target: 'ok' },
            { guard: 'isBelowCritical', target: 'warning' },
            { guard: 'isOtherReason', target: 'judging' },
          ],
        },
        blind: {
          tags: 'blind',
          entry: ['tellBlind', 'block'],
          on: { 'disk.measured': 'judging', 'disk.hidden': {} },
        },
      },
    },
    folder: {
      initial: 'deciding',
      states: {
        deciding: { always: [{ guard: 'hasFallback', target: 'chosen' }, { target: 'single' }] },
        single: {},
        chosen: {
          invoke: {
            src: 'recordingFolder',
            id: 'recordingFolder',
            systemId: 'recordingFolder',
            onError: { target: 'crashed', actions: { type: 'tellCrash' } },
          },
        },
        crashed: { after: { restartPause: 'chosen' } },
      },
    },
    strain: {
      initial: 'calm',
      states: {
        calm: {
          on: {
            'disk.measured': { guard: 'isStrained', target: 'strained', actions: 'tellStrained' },
          },
        },
        strained: {
          on: {
            'disk.measured': [
              { guard: 'isRelaxed', target: 'relaxing', actions: 'tellRelaxed' },
              { actions: 'tellStrained' },
            ],
          },
        },
        relaxing: {
          on: {
            'disk.measured': [
              { guard: 'isStrained', target: 'strained', actions: 'tellStrained' },
              { actions: 'tellRelaxed' },
            ],
            'strain.settled': 'calm',
          },
        },
      },
    },
    measurement: {
      initial: 'measuring',
      on: { 'folder.used': { target: '.measuring', actions: { type: 'takeFolder' } } },
      states: {
        measuring: {
          invoke: {
            src: 'measureDisk',
            onDone: { target: 'reserving', actions: [{ type: 'keepUsage' }, 'tellFolder'] },
            onError: [
              {
                guard: { type: 'isFault' },
                target: 'waiting',
                actions: [{ type: 'keepFault' }, 'tellFolder'],
              },
              { target: 'doubting', actions: { type: 'noteFailure' } },
            ],
          },
        },
        reserving: {
          always: { guard: 'isCritical', target: 'waiting' },
          invoke: { src: 'keepReserve', onDone: 'waiting', onError: 'waiting' },
        },
        waiting: {
          after: { interval: 'measuring' },
          on: { 'disk.check': { target: 'measuring', actions: 'forgetRate' } },
        },
        doubting: { after: { interval: 'measuringAgain' } },
        measuringAgain: {
          invoke: {
            src: 'measureDisk',
            onDone: { target: 'reserving', actions: [{ type: 'keepUsage' }, 'tellFolder'] },
            onError: [
              {
                guard: { type: 'isFault' },
                target: 'waiting',
                actions: [{ type: 'keepFault' }, 'tellFolder'],
              },
              { target: 'doubting', actions: [{ type: 'noteFailure' }, 'goBlind'] },
            ],
          },
        },
      },
    },
  },
})
