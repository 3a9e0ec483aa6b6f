import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import { readClock } from '../../actors/effects/time.js'
import { clockWatchMachine, type WatchedReading } from '../../machines/clockWatch.js'
import type { ClockFact } from '../../machines/domain/facts.js'
import { createClock, day } from '../support/clock.js'
import { turn } from '../support/later.js'

describe('the watch over the clock', () => {
  it('reports each jump once, with the time that the clock would have shown', async () => {
    const { clock, facts, passes } = await watch()
    const start = clock.now()
    await passes(2_000)
    clock.steps(day)
    await passes(2_000)
    await passes(2_000)
    clock.steps(-day)
    await passes(2_000)
    const expected = [
      { type: 'system.clock_jumped', from: start + 4_000, to: start + 4_000 + day, by: day },
      { type: 'system.clock_jumped', from: start + 8_000 + day, to: start + 8_000, by: -day },
    ]
    expect(facts).to.deep.equal(expected)
  })

  it('shows a jump as a state of its own until the next reading', async () => {
    const { clock, passes, states } = await watch()
    clock.steps(day)
    await passes(2_000)
    expect(states()).to.equal('jumped')
    await passes(2_000)
    expect(states()).to.equal('waiting')
  })

  it('reads the clock again after a jump and after a failed reading', async () => {
    const readings: (() => WatchedReading)[] = [
      () => {
        throw new Error('no clock')
      },
      () => ({ wall: 0, monotonic: 0, change: { from: 0, to: 9_000, by: 9_000 } }),
      () => ({ wall: 0, monotonic: 0, change: { from: 0, to: 0, by: 0 } }),
    ]
    const clock = new SimulatedClock()
    const readClock = fromPromise<WatchedReading, object>(async () => readings.shift()?.() as WatchedReading)
    const actor = createActor(clockWatchMachine.provide({ actors: { readClock } }), { clock }).start()
    const states: unknown[] = []
    for (let n = 0; n < 3; n += 1) {
      if (n > 0) clock.increment(1)
      await turn()
      states.push(actor.getSnapshot().value)
      clock.increment(1_999)
      expect(actor.getSnapshot().value).to.equal(states.at(-1))
    }
    actor.stop()
    expect(states).to.deep.equal(['waiting', 'jumped', 'waiting'])
    expect(readings).to.have.length(0)
  })

  it('judges the change that the effect has measured, and nothing else', async () => {
    for (const [by, isJump] of [
      [2_000, false],
      [2_001, true],
      [-2_001, true],
    ] as const) {
      const change = { from: 5_000, to: 5_000 + by, by }
      // The readings alone would say something else.
      const readClock = fromPromise<WatchedReading, object>(async () => ({ wall: 0, monotonic: 0, change }))
      const actor = createActor(clockWatchMachine.provide({ actors: { readClock } }), { clock: new SimulatedClock() })
      const facts: ClockFact[] = []
      actor.on('*', (fact) => facts.push(fact))
      actor.start()
      await turn()
      expect([by, actor.getSnapshot().value, facts]).to.deep.equal([
        by,
        isJump ? 'jumped' : 'waiting',
        isJump ? [{ type: 'system.clock_jumped', ...change }] : [],
      ])
    }
  })

  it('ignores small corrections, and long pauses of the process', async () => {
    const { clock, facts, passes } = await watch()
    for (const step of [2_000, -2_000]) {
      clock.steps(step)
      await passes(2_000)
    }
    clock.passes(day)
    await passes(2_000)
    expect(facts).to.deep.equal([])
    clock.steps(2_001)
    await passes(2_000)
    expect(facts.map(({ by }) => by)).to.deep.equal([2_001])
  })
})

async function watch() {
  const timers = new SimulatedClock()
  const clock = createClock()
  const facts: ClockFact[] = []
  const actor = createActor(clockWatchMachine.provide({ actors: { readClock: readClock(clock) } }), { clock: timers })
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  await turn()
  return {
    clock,
    facts,
    states: () => actor.getSnapshot().value,
    async passes(ms: number) {
      clock.passes(ms)
      timers.increment(ms)
      await turn()
    },
  }
}
