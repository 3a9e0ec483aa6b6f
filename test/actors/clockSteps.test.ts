import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { createActor, fromCallback } from 'xstate'
import { provide } from '../../actors/provide.js'
import { systemClock } from '../../adapters/systemClock.js'
import type { demandMachine } from '../../machines/demand.js'
import { day } from '../support/clock.js'

/** The demand of the service, with its own timers: only the stream is not real. */
describe('holds of a stream', () => {
  let timers: SinonFakeTimers
  beforeEach(() => {
    timers = useFakeTimers({ now: Date.UTC(2026, 0, 2) })
  })
  afterEach(() => timers.restore())

  for (const [direction, step] of Object.entries({ forward: day, back: -day }))
    it(`last as long as they should if the clock is set ${direction}`, async () => {
      const actor = demand()
      const hold = (holder: string) => {
        const [since, now] = [Date.now(), performance.now()]
        actor.send({ type: 'stream.hold', holder, since, until: since + 600_000, endsAt: now + 600_000 })
      }
      const holders = () => Object.keys(actor.getSnapshot().context.holds)
      hold('ann')
      await timers.tickAsync(1_000)
      timers.setSystemTime(Date.now() + step)
      hold('bob')
      await timers.tickAsync(598_000)
      expect(holders()).to.deep.equal(['ann', 'bob'])
      await timers.tickAsync(1_000)
      expect(holders()).to.deep.equal(['bob'])
      await timers.tickAsync(1_000)
      expect(holders()).to.deep.equal([])
      actor.stop()
    })
})

function demand() {
  const ports = { clock: systemClock } as unknown as Parameters<typeof provide>[0]
  const options = { tiers: {} } as Parameters<typeof provide>[1]
  const health = {} as Parameters<typeof provide>[2]
  const { camera } = provide(ports, options, health).implementations.actors as never as {
    camera: { implementations: { actors: { demand: typeof demandMachine } } }
  }
  const machine = camera.implementations.actors.demand
  const { streamHold } = machine.implementations.actors as never as {
    streamHold: { provide(changes: object): never }
  }
  const opened = streamHold.provide({ actors: { openStream: fromCallback(() => {}) } })
  return createActor(machine.provide({ actors: { streamHold: opened } }), { input: { camera: 'camera0' } }).start()
}
