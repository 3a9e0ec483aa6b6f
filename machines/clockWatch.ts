import { assign, enqueueActions, setup } from 'xstate'
import { jumpBetween } from './domain/clockJump.js'
import type { ClockReading } from './domain/clockTrust.js'
import type { ClockFact } from './domain/facts.js'
import { promiseHole } from './hole.js'

/**
 * Compares the wall clock with the monotonic one, and emits a fact for each jump. Durations are
 * measured with the monotonic clock; only a timed recording ends by the wall clock.
 */
export const clockWatchMachine = setup({
  types: {
    context: {} as { last?: ClockReading },
    emitted: {} as ClockFact,
  },
  actors: { readClock: promiseHole<ClockReading>('readClock') },
  actions: {
    tellJump: enqueueActions(({ context: { last }, enqueue }, reading: ClockReading) => {
      const jump = last && jumpBetween(last, reading)
      if (jump) enqueue.emit({ type: 'system.clock_jumped', ...jump })
    }),
    keepReading: assign({ last: (_, reading: ClockReading) => reading }),
  },
  delays: { interval: 2_000 },
}).createMachine({
  id: 'clockWatch',
  context: {},
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        src: 'readClock',
        onDone: {
          target: 'waiting',
          actions: [
            { type: 'tellJump', params: ({ event }) => event.output },
            { type: 'keepReading', params: ({ event }) => event.output },
          ],
        },
        onError: 'waiting',
      },
    },
    waiting: { after: { interval: 'reading' } },
  },
})
