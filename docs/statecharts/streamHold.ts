// Generated from machines/streamHold.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    openStream: fromPromise(async () => {}),
    askSource: fromPromise(async () => {}),
  },
  actions: {
    forgetAttempts: () => {},
    countAttempt: () => {},
    tellLoss: () => {},
    forward: () => {},
  },
  delays: {
    pause: 1000,
  },
}).createMachine({
  id: 'streamHold',
  initial: 'opening',
  states: {
    opening: {
      invoke: { src: 'openStream' },
      initial: 'waking',
      states: {
        waking: {
          on: { 'stream.held': { target: 'live', actions: ['forward', 'forgetAttempts'] } },
        },
        live: { tags: 'live' },
      },
      on: { 'stream.lost': { target: 'pausing', actions: ['forward', 'countAttempt'] } },
    },
    pausing: { after: { pause: 'asking' }, on: { 'server.restored': 'asking' } },
    asking: {
      invoke: {
        src: 'askSource',
        onDone: 'opening',
        onError: { target: 'pausing', actions: [{ type: 'tellLoss' }, 'countAttempt'] },
      },
    },
  },
})
