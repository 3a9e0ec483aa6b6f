// Generated from machines/configuration.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    watchFile: fromPromise(async () => {}),
    planChange: fromPromise(async () => {}),
    applyChange: fromPromise(async () => {}),
    revertChange: fromPromise(async () => {}),
    keepVersion: fromPromise(async () => {}),
    watchHealth: fromPromise(async () => {}),
  },
  actions: {
    addRequest: () => {},
    addReload: () => {},
    dropRequest: () => {},
    keepPlan: () => {},
    clearReason: () => {},
    keepScope: () => {},
    forgetVersion: () => {},
    noteFile: () => {},
    takeVersion: () => {},
    acceptPlan: () => {},
    noteFailure: () => {},
    noteFault: () => {},
    noteInterruption: () => {},
    noteUnanswered: () => {},
    sendPending: () => {},
    sendSettled: () => {},
    sendSettings: () => {},
    sendPrevious: () => {},
    tellOutcome: () => {},
    tellRefused: () => {},
    tellRolledBack: () => {},
  },
  guards: {
    isInterrupted: () => false,
    hasRoom: () => true,
    hasRequest: () => false,
    isFileChange: () => false,
    changesNothing: () => true,
    concernsNobody: () => true,
    isFault: () => true,
  },
  delays: {
    debounce: 300,
    applyLimit: 30000,
    settle: 1000,
    rollbackTimeout: 30000,
  },
}).createMachine({
  id: 'configuration',
  invoke: { src: 'watchFile', onError: { actions: { type: 'noteFailure' } } },
  on: {
    'config.request': { guard: 'hasRoom', actions: { type: 'addRequest' } },
    'file.changed': { actions: 'addReload' },
  },
  initial: 'starting',
  states: {
    starting: {
      invoke: {
        src: 'keepVersion',
        onDone: { target: 'idle', actions: { type: 'takeVersion' } },
        onError: { target: 'idle', actions: { type: 'noteFailure' } },
      },
    },
    idle: {
      tags: 'idle',
      always: [
        { guard: 'isInterrupted', target: 'rollingBack', actions: 'noteInterruption' },
        { guard: 'isFileChange', target: 'debouncing' },
        { guard: 'hasRequest', target: 'reading' },
      ],
    },
    debouncing: {
      tags: 'changing',
      after: { debounce: 'reading' },
      on: { 'file.changed': { target: 'debouncing', reenter: true } },
    },
    reading: {
      tags: 'changing',
      invoke: {
        src: 'planChange',
        onDone: { target: 'applying', actions: { type: 'keepPlan' } },
        onError: { target: 'idle', actions: [{ type: 'tellRefused' }, 'dropRequest'] },
      },
    },
    applying: {
      tags: 'changing',
      entry: 'sendPending',
      initial: 'writing',
      states: {
        writing: {
          invoke: {
            src: 'applyChange',
            onDone: [
              { guard: 'changesNothing', target: '#configuration.keeping' },
              { target: 'telling' },
            ],
            onError: {
              target: '#configuration.idle',
              actions: [{ type: 'tellRefused' }, 'dropRequest', 'sendSettled'],
            },
          },
        },
        telling: {
          entry: ['clearReason', 'sendSettings'],
          on: {
            'settings.applied': { target: '#configuration.confirming', actions: { type: 'keepScope' } },
          },
          after: {
            applyLimit: { target: '#configuration.rollingBack', actions: 'noteUnanswered' },
          },
        },
      },
    },
    confirming: {
      tags: 'changing',
      invoke: {
        src: 'watchHealth',
        onError: { target: 'rollingBack', actions: { type: 'noteFailure' } },
      },
      after: { rollbackTimeout: 'rollingBack' },
      initial: 'waiting',
      states: {
        waiting: {
          on: {
            'health.judged': [
              { guard: { type: 'isFault' }, actions: { type: 'noteFault' } },
              { guard: 'concernsNobody', target: '#configuration.keeping' },
              { target: 'settling' },
            ],
          },
        },
        settling: {
          after: { settle: '#configuration.keeping' },
          on: {
            'health.judged': {
              guard: { type: 'isFault' },
              target: 'waiting',
              actions: { type: 'noteFault' },
            },
          },
        },
      },
    },
    keeping: {
      tags: 'changing',
      invoke: {
        src: 'keepVersion',
        onDone: {
          target: 'idle',
          actions: [
            { type: 'takeVersion' },
            'acceptPlan',
            'tellOutcome',
            'dropRequest',
            'sendSettled',
          ],
        },
        onError: {
          target: 'idle',
          actions: [
            'forgetVersion',
            'acceptPlan',
            { type: 'noteFailure' },
            'tellOutcome',
            'dropRequest',
            'sendSettled',
          ],
        },
      },
    },
    rollingBack: {
      tags: 'changing',
      initial: 'restoring',
      states: {
        restoring: {
          invoke: {
            src: 'revertChange',
            onDone: { target: 'telling', actions: { type: 'noteFile' } },
            onError: {
              target: 'telling',
              actions: { type: 'noteFile', params: { fileDiffers: true } },
            },
          },
        },
        telling: {
          entry: 'sendPrevious',
          on: { 'settings.applied': 'done' },
          after: { applyLimit: 'done' },
        },
        done: { type: 'final' },
      },
      onDone: { target: 'idle', actions: ['tellRolledBack', 'dropRequest', 'sendSettled'] },
    },
  },
})
