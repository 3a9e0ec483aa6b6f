// Generated from machines/simulation.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    awaitReady: fromPromise(async () => {}),
    waitUntil: fromPromise(async () => {}),
    causeFault: fromPromise(async () => {}),
  },
  actions: {
    begin: () => {},
    keepWish: () => {},
    takeStep: () => {},
    tellDone: () => {},
    tellFailed: () => {},
    dropWish: () => {},
  },
  guards: {
    hasRoom: () => true,
    hasWish: () => false,
    hasNoSteps: () => false,
    isDone: () => false,
    isBegun: () => false,
    isHeld: () => false,
  },
}).createMachine({
  id: 'simulation',
  initial: 'choosing',
  on: {
    'fault.cause': { guard: 'hasRoom', target: '.choosing', actions: { type: 'keepWish' } },
  },
  states: {
    choosing: {
      always: [
        { guard: 'hasWish', target: 'acting' },
        { guard: 'hasNoSteps', target: 'over' },
        { guard: 'isDone', target: 'over' },
        { guard: 'isBegun', target: 'waiting' },
        { guard: 'isHeld', target: 'held' },
        { target: 'settling' },
      ],
    },
    held: {
      tags: 'held',
      on: { 'scenario.start': { target: 'choosing', actions: { type: 'begin' } } },
    },
    settling: {
      invoke: {
        src: 'awaitReady',
        onDone: { target: 'choosing', actions: { type: 'begin' } },
        onError: 'over',
      },
    },
    waiting: {
      invoke: {
        src: 'waitUntil',
        onDone: { target: 'acting', actions: 'takeStep' },
        onError: 'over',
      },
    },
    acting: {
      on: { 'fault.cause': { guard: 'hasRoom', actions: { type: 'keepWish' } } },
      invoke: {
        src: 'causeFault',
        onDone: { target: 'choosing', actions: [{ type: 'tellDone' }, 'dropWish'] },
        onError: { target: 'choosing', actions: [{ type: 'tellFailed' }, 'dropWish'] },
      },
    },
    over: { tags: 'over' },
  },
})
