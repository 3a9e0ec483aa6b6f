// Generated from machines/serverProcess.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    chooseServer: fromPromise(async () => {}),
    runServer: fromPromise(async () => {}),
    endServer: fromPromise(async () => {}),
    killServer: fromPromise(async () => {}),
  },
  actions: {
    keepChoice: () => {},
    noteFailure: () => {},
    noteExit: () => {},
    noteHang: () => {},
    noteLateness: () => {},
    tellChange: () => {},
    tellExit: () => {},
    clearReason: () => {},
    keepDeadline: () => {},
    forgetFailures: () => {},
  },
  guards: {
    isExternal: () => true,
  },
  delays: {
    pause: 1000,
    startLimit: 20000,
    firstAnswer: 30000,
    settled: 10000,
    silenceLimit: 8000,
    lastAnswer: 2000,
  },
}).createMachine({
  id: 'serverProcess',
  initial: 'choosing',
  states: {
    choosing: {
      invoke: {
        src: 'chooseServer',
        onDone: [
          {
            guard: { type: 'isExternal' },
            target: 'external',
            actions: { type: 'keepChoice' },
          },
          { target: 'running', actions: { type: 'keepChoice' } },
        ],
        onError: { target: 'failed', actions: { type: 'noteFailure' } },
      },
      on: { 'server.end': { target: 'ending', actions: { type: 'keepDeadline' } } },
    },
    external: { tags: 'running', entry: 'tellChange', on: { 'server.end': 'ended' } },
    running: {
      invoke: { src: 'runServer' },
      initial: 'starting',
      states: {
        starting: {
          after: { startLimit: { target: '#serverProcess.late', actions: 'noteLateness' } },
          on: {
            'server.started': { target: 'up', actions: 'clearReason' },
            'server.answers': { target: 'up.answering', actions: 'clearReason' },
          },
        },
        up: {
          tags: 'running',
          entry: 'tellChange',
          initial: 'fresh',
          states: {
            fresh: { after: { firstAnswer: 'asking' }, on: { 'server.answers': 'answering' } },
            answering: {
              after: { settled: { actions: 'forgetFailures' } },
              on: { 'server.silent': 'silent' },
            },
            silent: {
              after: { silenceLimit: 'asking' },
              on: {
                'server.answers': 'answering',
                'server.end': {
                  target: '#serverProcess.endingSilent',
                  actions: { type: 'keepDeadline' },
                },
              },
            },
            asking: {
              entry: 'tellChange',
              after: { lastAnswer: 'hung' },
              on: {
                'server.answers': 'answering',
                'server.end': {
                  target: '#serverProcess.endingSilent',
                  actions: { type: 'keepDeadline' },
                },
              },
            },
            hung: {
              entry: 'noteHang',
              invoke: { src: 'killServer', onDone: 'killed', onError: 'killed' },
            },
            killed: {},
          },
        },
      },
      on: {
        'server.exited': { target: 'pausing', actions: [{ type: 'noteExit' }, 'tellExit'] },
        'server.end': { target: 'ending', actions: { type: 'keepDeadline' } },
      },
    },
    late: {
      entry: 'tellExit',
      invoke: { src: 'endServer', onDone: 'pausing', onError: 'pausing' },
      on: { 'server.end': { target: 'ending', actions: { type: 'keepDeadline' } } },
    },
    pausing: { after: { pause: 'running' }, on: { 'server.end': 'ended' } },
    failed: { after: { pause: 'choosing' }, on: { 'server.end': 'ended' } },
    ending: { invoke: { src: 'endServer', onDone: 'ended', onError: 'ended' } },
    endingSilent: { invoke: { src: 'endServer', onDone: 'ended', onError: 'ended' } },
    ended: { type: 'final' },
  },
})
