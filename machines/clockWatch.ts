import { assign, enqueueActions, setup } from 'xstate'
import { jumpBetween } from './domain/clockJump.js'
import type { ClockReading } from './domain/clockTrust.js'
import type { ClockFact, ClockJump } from './domain/facts.js'
import type { Evidence } from './domain/reason.js'
import { promiseHole } from './hole.js'

/** Sent by the machine to itself. */
type ClockWatchEvent = { type: 'clock.jumped'; evidence: Evidence }

/**
 * Compares the wall clock with the monotonic one, and emits a fact for each jump. Durations are
 * measured with the monotonic clock; only a timed recording ends by the wall clock.
 */
export const clockWatchMachine = setup({
  types: {
    context: {} as { last?: ClockReading },
    events: {} as ClockWatchEvent,
    emitted: {} as ClockFact,
  },
  actors: { readClock: promiseHole<ClockReading>('readClock') },
  actions: {
    tellJump: enqueueActions(({ context: { last }, enqueue, self }, reading: ClockReading) => {
      const jump = last && jumpBetween(last, reading)
      if (!jump) return
      enqueue.emit({ type: 'system.clock_jumped', ...jump })
      // An event of its own, because the journal takes the evidence from the event.
      enqueue.sendTo(self, { type: 'clock.jumped', evidence: evidenceOf(jump) })
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
    waiting: { after: { interval: 'reading' }, on: { 'clock.jumped': 'jumped' } },
    // A state of its own, so that the journal shows it.
    jumped: { after: { interval: 'reading' } },
  },
})

const evidenceOf = ({ from, to, by }: ClockJump): Evidence => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
  by_ms: by,
})
