// Generated from machines/retention.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    loadPolicy: fromPromise(async () => {}),
    savePolicy: fromPromise(async () => {}),
    findLoss: fromPromise(async () => {}),
    acceptLoss: fromPromise(async () => {}),
    sweepFiles: fromPromise(async () => {}),
    loadClock: fromPromise(async () => {}),
    readClock: fromPromise(async () => {}),
    saveClock: fromPromise(async () => {}),
  },
  actions: {
    keepLoaded: () => {},
    takeConfiguration: () => {},
    disable: () => {},
    noteLoss: () => {},
    suspectLoss: () => {},
    forgetLoss: () => {},
    tellUnaccepted: () => {},
    noteNeed: () => {},
    forgetNeed: () => {},
    takeChange: () => {},
    makeChange: () => {},
    dropChange: () => {},
    beginSweep: () => {},
    tellDeleted: () => {},
    noteKept: () => {},
    tellSwept: () => {},
    noteExcess: () => {},
    tellUndated: () => {},
    stopSweep: () => {},
    checkClock: () => {},
    keepClock: () => {},
    doubtClock: () => {},
    judge: () => {},
    noteSaved: () => {},
    trustClock: () => {},
    tellJudged: () => {},
    tellSuspended: () => {},
    tellResumed: () => {},
  },
  guards: {
    isDue: () => true,
    isDueByAge: () => true,
    isClockTrusted: () => true,
    isDueBySize: () => true,
    isNeeded: () => true,
    isForRoom: () => true,
    isToBeContinued: () => true,
    isUnsaved: () => false,
    isLost: () => false,
    acceptsLoss: () => true,
    isClockSuspect: () => false,
    isTooMuch: () => false,
    isNotSuspended: () => false,
  },
  delays: {
    soon: 3600000,
    interval: 3600000,
    settleTime: 35000,
    clockInterval: 600000,
  },
}).createMachine({
  id: 'retention',
  on: { 'retention.configured': { actions: { type: 'takeConfiguration' } } },
  type: 'parallel',
  states: {
    sweeps: {
      initial: 'loading',
      states: {
        loading: {
          invoke: {
            src: 'loadPolicy',
            onDone: { target: 'recalling', actions: { type: 'keepLoaded' } },
            onError: { target: 'recalling', actions: { type: 'disable' } },
          },
        },
        recalling: {
          invoke: {
            src: 'findLoss',
            onDone: { target: 'idle.fresh', actions: { type: 'noteLoss' } },
            onError: { target: 'idle.fresh', actions: { type: 'suspectLoss' } },
          },
        },
        withheld: {
          tags: 'withheld',
          on: {
            'retention.sweep': {
              guard: { type: 'acceptsLoss' },
              target: 'accepting',
              actions: { type: 'beginSweep' },
            },
            'policy.set': { target: 'saving', actions: { type: 'takeChange' } },
          },
        },
        accepting: {
          invoke: {
            src: 'acceptLoss',
            onDone: { target: 'sweeping', actions: 'forgetLoss' },
            onError: { target: 'withheld', actions: { type: 'tellUnaccepted' } },
          },
        },
        idle: {
          always: { guard: 'isLost', target: 'withheld' },
          initial: 'rested',
          states: {
            fresh: {
              on: { 'space.needed': {} },
              after: {
                soon: [
                  { guard: 'isDueByAge', target: '#retention.sweeps.checking' },
                  {
                    guard: 'isDue',
                    target: '#retention.sweeps.sweeping',
                    actions: { type: 'beginSweep', params: {} },
                  },
                ],
              },
            },
            rested: {
              after: {
                interval: [
                  { guard: 'isDueByAge', target: '#retention.sweeps.checking' },
                  {
                    guard: 'isDue',
                    target: '#retention.sweeps.sweeping',
                    actions: { type: 'beginSweep', params: {} },
                  },
                ],
              },
            },
            settling: { after: { settleTime: 'rested' }, on: { 'space.needed': {} } },
          },
          on: {
            'space.needed': { guard: 'isDue', target: 'checking', actions: { type: 'noteNeed' } },
            'retention.sweep': { target: 'sweeping', actions: { type: 'beginSweep' } },
            'policy.set': { target: 'saving', actions: { type: 'takeChange' } },
            'retention.configured': { target: '.fresh', actions: { type: 'takeConfiguration' } },
          },
        },
        checking: {
          entry: 'checkClock',
          on: {
            'clock.judged': [
              {
                guard: 'isClockTrusted',
                target: 'sweeping',
                actions: { type: 'beginSweep', params: {} },
              },
              {
                guard: 'isDueBySize',
                target: 'sweeping',
                actions: { type: 'beginSweep', params: {} },
              },
              { guard: 'isNeeded', target: 'idle.settling', actions: 'forgetNeed' },
              { target: 'idle' },
            ],
            'retention.sweep': { target: 'sweeping', actions: { type: 'beginSweep' } },
            'policy.set': { target: 'saving', actions: { type: 'takeChange' } },
            'retention.configured': { target: 'idle.fresh', actions: { type: 'takeConfiguration' } },
          },
        },
        sweeping: {
          tags: 'sweeping',
          invoke: { src: 'sweepFiles', id: 'sweepFiles' },
          on: {
            'file.deleted': { actions: { type: 'tellDeleted' } },
            'file.kept': { actions: { type: 'noteKept' } },
          },
          initial: 'deleting',
          states: {
            deleting: {
              on: {
                'policy.set': { target: 'stopping', actions: [{ type: 'takeChange' }, 'stopSweep'] },
                'retention.configured': {
                  target: 'halting',
                  actions: [{ type: 'takeConfiguration' }, 'stopSweep'],
                },
                'sweep.refused': [
                  {
                    guard: 'isForRoom',
                    target: '#retention.sweeps.idle.settling',
                    actions: [{ type: 'noteExcess' }, { type: 'tellUndated' }],
                  },
                  {
                    target: '#retention.sweeps.idle',
                    actions: [{ type: 'noteExcess' }, { type: 'tellUndated' }],
                  },
                ],
                'sweep.ended': [
                  {
                    guard: 'isForRoom',
                    target: '#retention.sweeps.idle.settling',
                    actions: [{ type: 'tellSwept' }, { type: 'tellUndated' }],
                  },
                  {
                    guard: { type: 'isToBeContinued' },
                    target: '#retention.sweeps.idle.fresh',
                    actions: [{ type: 'tellSwept' }, { type: 'tellUndated' }],
                  },
                  {
                    target: '#retention.sweeps.idle',
                    actions: [{ type: 'tellSwept' }, { type: 'tellUndated' }],
                  },
                ],
              },
            },
            halting: {
              on: {
                'policy.set': { target: 'stopping', actions: { type: 'takeChange' } },
                'sweep.refused': '#retention.sweeps.idle.fresh',
                'sweep.ended': { target: '#retention.sweeps.idle.fresh', actions: { type: 'tellSwept' } },
              },
            },
            stopping: {
              tags: 'changing',
              on: {
                'sweep.refused': '#retention.sweeps.saving',
                'sweep.ended': { target: '#retention.sweeps.saving', actions: { type: 'tellSwept' } },
              },
            },
          },
        },
        saving: {
          tags: 'changing',
          invoke: {
            src: 'savePolicy',
            onDone: { target: 'idle.fresh', actions: 'makeChange' },
            onError: { target: 'idle', actions: { type: 'dropChange' } },
          },
        },
      },
    },
    clock: {
      initial: 'loading',
      on: { 'clock.confirm': { target: '.reading', actions: 'trustClock' } },
      states: {
        loading: {
          invoke: {
            src: 'loadClock',
            onDone: { target: 'reading', actions: { type: 'keepClock' } },
            onError: { target: 'reading', actions: 'doubtClock' },
          },
        },
        reading: {
          invoke: {
            src: 'readClock',
            onDone: { target: 'judged', actions: [{ type: 'judge' }, 'tellJudged'] },
            onError: { target: 'waiting', actions: ['doubtClock', 'tellJudged'] },
          },
        },
        judged: { always: [{ guard: 'isUnsaved', target: 'saving' }, { target: 'waiting' }] },
        saving: {
          entry: 'noteSaved',
          invoke: { src: 'saveClock', onDone: 'waiting', onError: 'waiting' },
          on: { 'clock.check': 'reading' },
        },
        waiting: { after: { clockInterval: 'reading' }, on: { 'clock.check': 'reading' } },
      },
    },
    deletion: {
      initial: 'active',
      states: {
        active: {
          always: [
            { guard: 'isLost', target: 'suspended.byLoss' },
            { guard: 'isClockSuspect', target: 'suspended.byClock' },
            { guard: 'isTooMuch', target: 'suspended.byExcess' },
          ],
        },
        suspended: {
          tags: 'suspended',
          initial: 'byClock',
          always: { guard: 'isNotSuspended', target: 'active', actions: 'tellResumed' },
          states: {
            byLoss: {
              entry: 'tellSuspended',
              always: { guard: 'isClockSuspect', target: 'byClock' },
            },
            byClock: {
              entry: 'tellSuspended',
              always: [
                { guard: 'isLost', target: 'byLoss' },
                { guard: 'isTooMuch', target: 'byExcess' },
              ],
            },
            byExcess: {
              entry: 'tellSuspended',
              always: { guard: 'isClockSuspect', target: 'byClock' },
            },
          },
        },
      },
    },
  },
})
