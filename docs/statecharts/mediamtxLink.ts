// Generated from machines/mediamtxLink.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    askInfo: fromPromise(async () => {}),
    syncPaths: fromPromise(async () => {}),
    tryCall: fromPromise(async () => {}),
    pauseCalls: fromPromise(async () => {}),
    watchBreaker: fromPromise(async () => {}),
    pathWatch: createMachine({ id: 'pathWatch' }),
  },
  actions: {
    keepInfo: () => {},
    keepPaths: () => {},
    keepEnd: () => {},
    noteFailure: () => {},
    forgetEnd: () => {},
    noteRestart: () => {},
    noteOpen: () => {},
    tellUp: () => {},
    tellDown: () => {},
    tellDegraded: () => {},
    takeContest: () => {},
    dropContest: () => {},
    tellContest: () => {},
    tellCrash: () => {},
    tellOpened: () => {},
    lose: () => {},
    doubt: () => {},
    trust: () => {},
    restore: () => {},
  },
  guards: {
    isRestarted: () => true,
    isOtherEnd: () => true,
    isOtherFailure: () => true,
    isLost: () => false,
  },
  delays: {
    retry: 1000,
    reset: 2000,
    interval: 1000,
    connectLimit: 15000,
    restartPause: 5000,
  },
}).createMachine({
  id: 'mediamtxLink',
  invoke: { src: 'watchBreaker' },
  on: {
    'server.ended': { actions: { type: 'keepEnd' } },
    'server.runs': { actions: 'forgetEnd' },
  },
  initial: 'connecting',
  states: {
    connecting: {
      tags: 'down',
      invoke: {
        src: 'pauseCalls',
        input: { reason: { code: 'not_started', details: 'it has not started yet' } },
      },
      after: { connectLimit: 'down' },
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: 'askInfo',
            onDone: { target: '#syncing', actions: { type: 'keepInfo' } },
            onError: [{ target: 'waiting', actions: { type: 'noteFailure' } }],
          },
        },
        waiting: { after: { retry: 'asking' }, on: { 'link.check': 'asking' } },
      },
    },
    down: {
      tags: 'down',
      entry: ['tellDown', 'lose', 'doubt'],
      invoke: { src: 'pauseCalls' },
      on: {
        'server.ended': [
          {
            guard: { type: 'isOtherEnd' },
            target: '#mediamtxLink.down',
            reenter: true,
            actions: { type: 'keepEnd' },
          },
          { actions: { type: 'keepEnd' } },
        ],
      },
      initial: 'waiting',
      states: {
        asking: {
          invoke: {
            src: 'askInfo',
            onDone: { target: '#syncing', actions: { type: 'keepInfo' } },
            onError: [
              {
                guard: { type: 'isOtherFailure' },
                target: '#mediamtxLink.down',
                reenter: true,
                actions: { type: 'noteFailure' },
              },
              { target: 'waiting', actions: { type: 'noteFailure' } },
            ],
          },
        },
        waiting: { after: { retry: 'asking' }, on: { 'link.check': 'asking' } },
      },
    },
    syncing: {
      id: 'syncing',
      tags: 'syncing',
      entry: 'trust',
      on: { 'server.ended': { target: '#mediamtxLink.down', actions: { type: 'keepEnd' } } },
      invoke: {
        src: 'syncPaths',
        onDone: { target: 'up', actions: { type: 'keepPaths' } },
        onError: { target: 'down', actions: { type: 'noteFailure' } },
      },
    },
    up: {
      entry: ['dropContest', 'tellUp', 'trust', 'restore'],
      type: 'parallel',
      states: {
        health: {
          initial: 'resting',
          states: {
            resting: { after: { interval: 'checking' }, on: { 'link.check': 'checking' } },
            checking: {
              invoke: {
                src: 'askInfo',
                onDone: [
                  {
                    guard: { type: 'isRestarted' },
                    target: '#syncing',
                    actions: ['noteRestart', 'tellDown', 'lose', { type: 'keepInfo' }],
                  },
                  { target: 'resting' },
                ],
                onError: { target: '#degraded', actions: { type: 'noteFailure' } },
              },
            },
          },
        },
        paths: {
          initial: 'watched',
          states: {
            watched: {
              invoke: {
                src: 'pathWatch',
                id: 'pathWatch',
                onError: { target: 'unwatched', actions: { type: 'tellCrash' } },
              },
            },
            unwatched: { after: { restartPause: 'watched' } },
          },
        },
        verdict: {
          initial: 'agreed',
          states: {
            agreed: { tags: 'up' },
            contested: {
              tags: 'degraded',
              entry: 'tellContest',
              on: { 'paths.agreed': { target: 'agreed', actions: ['dropContest', 'tellUp'] } },
            },
          },
          on: {
            'paths.contested': { target: '.contested', actions: { type: 'takeContest' } },
          },
        },
      },
      on: {
        'breaker.opened': { target: 'degraded.open', actions: 'noteOpen' },
        'server.ended': { target: '#mediamtxLink.down', actions: { type: 'keepEnd' } },
      },
    },
    degraded: {
      id: 'degraded',
      tags: 'degraded',
      entry: ['tellDegraded', 'doubt'],
      on: { 'server.ended': { target: '#mediamtxLink.down', actions: { type: 'keepEnd' } } },
      initial: 'doubted',
      states: {
        doubted: {
          initial: 'waiting',
          states: {
            waiting: { after: { retry: 'checking' }, on: { 'link.check': 'checking' } },
            checking: {
              invoke: {
                src: 'askInfo',
                onDone: { target: '#syncing', actions: { type: 'keepInfo' } },
                onError: { target: '#mediamtxLink.down', actions: { type: 'noteFailure' } },
              },
            },
          },
          on: { 'breaker.opened': { target: 'open', actions: 'noteOpen' } },
        },
        open: {
          tags: 'open',
          entry: ['tellOpened', 'lose'],
          invoke: { src: 'pauseCalls' },
          after: { reset: 'halfOpen' },
          on: { 'link.check': 'halfOpen' },
        },
        halfOpen: {
          tags: 'halfOpen',
          invoke: [
            { src: 'pauseCalls' },
            {
              src: 'tryCall',
              onDone: { target: '#syncing', actions: { type: 'keepInfo' } },
              onError: { target: 'judging', actions: { type: 'noteFailure' } },
            },
          ],
        },
        judging: {
          always: [{ guard: 'isLost', target: '#mediamtxLink.down' }, { target: 'open' }],
        },
      },
    },
  },
})
