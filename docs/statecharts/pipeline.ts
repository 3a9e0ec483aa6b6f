// Generated from machines/pipeline.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    watchTaps: fromPromise(async () => {}),
    findProcess: fromPromise(async () => {}),
    takeReport: fromPromise(async () => {}),
    recycleProcess: fromPromise(async () => {}),
  },
  actions: {
    keepProgress: () => {},
    forgetProgress: () => {},
    noteOverload: () => {},
    noteServer: () => {},
    noteReturn: () => {},
    noteEnd: () => {},
    giveReason: () => {},
    preferReport: () => {},
    noteFailed: () => {},
    noteKilled: () => {},
    noteRestarted: () => {},
    clearReason: () => {},
    tellStarted: () => {},
    tellStalled: () => {},
    tellOverloaded: () => {},
    tellRelieved: () => {},
    tellMisfit: () => {},
    tellEnded: () => {},
    tellFailure: () => {},
  },
  guards: {
    isCapturing: () => true,
    isAnother: () => true,
    isFurther: () => true,
    isOverloaded: () => true,
    isRelieved: () => true,
    isOwn: () => true,
    hasEnded: () => true,
    wasRecycled: () => true,
    isAbsent: () => true,
  },
  delays: {
    birth: 300,
    firstFrameLimit: 20000,
    silence: 1000,
    recheck: 250,
    glance: 100,
    stallLimit: 5000,
    farewell: 2000,
  },
}).createMachine({
  id: 'pipeline',
  invoke: { src: 'watchTaps' },
  on: {
    'server.lost': { actions: { type: 'noteServer' } },
    'server.restored': { actions: 'noteReturn' },
  },
  initial: 'asleep',
  states: {
    asleep: {
      on: {
        'tap.progress': {
          guard: { type: 'isCapturing' },
          target: 'running',
          actions: [{ type: 'keepProgress' }, 'tellStarted'],
        },
        'tap.reported': 'starting',
        'pipeline.check': { actions: 'tellFailure' },
      },
    },
    starting: {
      tags: 'starting',
      entry: 'clearReason',
      on: {
        'tap.progress': {
          guard: { type: 'isCapturing' },
          target: 'running',
          actions: [{ type: 'keepProgress' }, 'tellStarted'],
        },
      },
      after: { firstFrameLimit: 'stalled' },
      initial: 'waiting',
      states: {
        waiting: { after: { birth: 'looking' } },
        looking: {
          invoke: {
            src: 'findProcess',
            onDone: [
              {
                guard: { type: 'isAbsent' },
                target: '#pipeline.reporting',
                actions: ['noteFailed'],
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
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother' },
            target: 'running',
            reenter: true,
            actions: [
              {
                type: 'giveReason',
                params: {
                  reason: {
                    code: 'pipeline_replaced',
                    details: 'the pipeline was replaced by another one',
                  },
                },
              },
              'tellEnded',
              { type: 'keepProgress' },
              'tellStarted',
            ],
          },
          {
            guard: { type: 'isOverloaded' },
            target: 'overloaded',
            actions: [{ type: 'keepProgress' }, 'noteOverload', 'tellOverloaded'],
          },
          {
            guard: { type: 'isFurther' },
            target: 'running',
            reenter: true,
            actions: { type: 'keepProgress' },
          },
        ],
        'tap.finished': { guard: { type: 'isOwn' }, target: 'ending' },
      },
      after: { stallLimit: 'stalled' },
      initial: 'flowing',
      states: {
        flowing: { after: { silence: 'looking' }, on: { 'pipeline.check': 'suspected' } },
        suspected: { after: { glance: 'looking' } },
        looking: {
          invoke: {
            src: 'findProcess',
            onDone: [
              {
                guard: { type: 'hasEnded' },
                target: '#pipeline.reporting',
                actions: ['noteKilled'],
              },
              { target: 'quiet' },
            ],
            onError: 'quiet',
          },
        },
        quiet: { after: { recheck: 'looking' } },
      },
    },
    overloaded: {
      tags: ['running', 'overloaded', 'open'],
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother' },
            target: 'running',
            actions: [
              {
                type: 'giveReason',
                params: {
                  reason: {
                    code: 'pipeline_replaced',
                    details: 'the pipeline was replaced by another one',
                  },
                },
              },
              'tellEnded',
              { type: 'keepProgress' },
              'tellStarted',
            ],
          },
          {
            guard: { type: 'isRelieved' },
            target: 'running',
            actions: [{ type: 'keepProgress' }, 'tellRelieved'],
          },
          {
            guard: { type: 'isFurther' },
            target: 'overloaded',
            reenter: true,
            actions: { type: 'keepProgress' },
          },
        ],
        'tap.finished': { guard: { type: 'isOwn' }, target: 'ending' },
      },
      after: { stallLimit: 'stalled' },
      initial: 'flowing',
      states: {
        flowing: { after: { silence: 'looking' }, on: { 'pipeline.check': 'suspected' } },
        suspected: { after: { glance: 'looking' } },
        looking: {
          invoke: {
            src: 'findProcess',
            onDone: [
              {
                guard: { type: 'hasEnded' },
                target: '#pipeline.reporting',
                actions: ['noteKilled'],
              },
              { target: 'quiet' },
            ],
            onError: 'quiet',
          },
        },
        quiet: { after: { recheck: 'looking' } },
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
      ],
      on: {
        'tap.progress': [
          {
            guard: { type: 'isAnother' },
            target: 'running',
            actions: ['noteRestarted', 'tellEnded', { type: 'keepProgress' }, 'tellStarted'],
          },
          {
            guard: { type: 'isFurther' },
            target: 'running',
            actions: [{ type: 'keepProgress' }, 'tellStarted'],
          },
        ],
      },
      initial: 'recycling',
      states: {
        recycling: {
          invoke: {
            src: 'recycleProcess',
            onDone: [
              {
                guard: { type: 'wasRecycled' },
                target: 'waiting',
                actions: {
                  type: 'tellFailure',
                  params: {
                    reason: {
                      code: 'pipeline_restarted',
                      details: 'the pipeline was restarted because it delivered no frames',
                    },
                  },
                },
              },
              { target: 'waiting', actions: 'tellFailure' },
            ],
            onError: { target: 'waiting', actions: 'tellFailure' },
          },
        },
        waiting: { after: { recheck: 'looking' } },
        looking: {
          invoke: {
            src: 'findProcess',
            onDone: [
              {
                guard: { type: 'isAbsent' },
                target: '#pipeline.reporting',
                actions: ['noteRestarted'],
              },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    ending: {
      tags: 'open',
      entry: 'noteEnd',
      after: { farewell: 'reporting' },
      on: {
        'tap.progress': {
          guard: { type: 'isAnother' },
          target: 'running',
          actions: ['tellEnded', { type: 'keepProgress' }, 'tellStarted'],
        },
        'server.lost': { actions: [{ type: 'noteServer' }, 'noteEnd'] },
      },
      initial: 'waiting',
      states: {
        waiting: { after: { recheck: 'looking' } },
        looking: {
          invoke: {
            src: 'findProcess',
            onDone: [
              { guard: { type: 'isAbsent' }, target: '#pipeline.reporting', actions: [] },
              { target: 'waiting' },
            ],
            onError: 'waiting',
          },
        },
      },
    },
    reporting: {
      tags: 'open',
      invoke: {
        src: 'takeReport',
        onDone: {
          target: 'asleep',
          actions: [
            { type: 'preferReport' },
            'tellEnded',
            'tellFailure',
            'tellMisfit',
            'forgetProgress',
          ],
        },
        onError: {
          target: 'asleep',
          actions: ['tellEnded', 'tellFailure', 'tellMisfit', 'forgetProgress'],
        },
      },
    },
  },
})
