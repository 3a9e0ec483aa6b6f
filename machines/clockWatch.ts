import { assign, type DoneActorEvent, emit, setup } from 'xstate'
import { isJump } from './domain/clockJump.js'
import type { ClockReading } from './domain/clockTrust.js'
import type { ClockFact, ClockJump } from './domain/facts.js'
import type { Evidence } from './domain/reason.js'
import { promiseHole } from './hole.js'

/** `change`: of the wall clock since the last reading; by 0 at the first. `evidence`: the same, for the journal. */
export interface WatchedReading extends ClockReading {
  change: ClockJump
  evidence?: Evidence
}

const reading = ({ event }: { event: DoneActorEvent<WatchedReading> }) => event.output
const tell = { type: 'tellJump', params: reading } as const
const keep = { type: 'keepReading', params: reading } as const

/**
 * Compares the wall clock with the monotonic one, and emits a fact for each jump. Durations are
 * measured with the monotonic clock; only a timed recording ends by the wall clock.
 */
export const clockWatchMachine = setup({
  types: {
    context: {} as { last?: ClockReading },
    emitted: {} as ClockFact,
  },
  actors: { readClock: promiseHole<WatchedReading, { last?: ClockReading | undefined }>('readClock') },
  guards: {
    hasJumped: (_, { change }: WatchedReading) => isJump(change),
  },
  actions: {
    tellJump: emit((_, { change }: WatchedReading) => ({ type: 'system.clock_jumped' as const, ...change })),
    keepReading: assign({ last: (_, { wall, monotonic }: ClockReading) => ({ wall, monotonic }) }),
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
        input: ({ context: { last } }) => ({ last }),
        onDone: [
          { guard: { type: 'hasJumped', params: reading }, target: 'jumped', actions: [tell, keep] },
          { target: 'waiting', actions: keep },
        ],
        onError: 'waiting',
      },
    },
    waiting: { after: { interval: 'reading' } },
    // A state of its own, so that the journal shows it.
    jumped: { after: { interval: 'reading' } },
  },
})
