import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { demandMachine } from '../../machines/demand.js'
import { because } from '../../machines/domain/reason.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { later, turn } from '../support/later.js'

describe('demand', () => {
  it('starts the stream for the first holder and keeps it until the last one releases it', () => {
    const { actor, log, tags, comes } = demand()
    expect(tags()).to.deep.equal([])
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'stream.hold', holder: 'bob', since: 2 })
    expect(tags()).to.deep.equal(['held'])
    comes()
    expect(tags()).to.deep.equal(['held', 'live'])
    actor.send({ type: 'stream.release', holder: 'ann' })
    expect(log).to.deep.equal(['opened'])
    actor.send({ type: 'stream.release', holder: 'bob' })
    expect(log).to.deep.equal(['opened', 'closed'])
    expect(tags()).to.deep.equal(['lingering'])
  })

  it('keeps the first hold of a holder', () => {
    const { actor } = demand()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'stream.hold', holder: 'ann', since: 9, until: 10 })
    expect(actor.getSnapshot().context.holds).to.deep.equal({ ann: { since: 1 } })
  })

  it('lingers as long as the media server keeps the stream', () => {
    const { actor, clock, tags } = demand()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'stream.release', holder: 'ann' })
    clock.increment(9_999)
    expect(tags()).to.deep.equal(['lingering'])
    actor.send({ type: 'stream.hold', holder: 'bob', since: 2 })
    expect(tags()).to.deep.equal(['held'])
    actor.send({ type: 'stream.release', holder: 'bob' })
    clock.increment(10_000)
    expect(tags()).to.deep.equal([])
  })

  it('requests a lost stream again as soon as the media server is back', async () => {
    const { actor, log, goes } = demand()
    actor.send({ type: 'server.restored' })
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'server.restored' })
    await turn()
    expect(log, 'it is requested already').to.deep.equal(['opened'])
    goes()
    actor.send({ type: 'server.restored' })
    await turn()
    expect(log).to.deep.equal(['opened', 'closed', 'opened again'])
  })

  it('requests a lost stream again, with a delay', async () => {
    const { actor, clock, log, tags, comes, goes } = demand()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    comes()
    goes()
    expect(tags()).to.deep.equal(['held'])
    expect(actor.getSnapshot().context.reason).to.deep.equal(because('device_busy'))
    clock.increment(499)
    expect(log).to.deep.equal(['opened', 'closed'])
    clock.increment(1)
    await turn()
    expect(log).to.deep.equal(['opened', 'closed', 'opened again'])
    comes()
    expect(tags()).to.deep.equal(['held', 'live'])
    expect(actor.getSnapshot().context.reason).to.equal(undefined)
  })

  it('releases only holds that expired', async () => {
    const { actor, deadlines, expires } = demand()
    // The wall clock may be set at any time: only the monotonic end counts.
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1, until: 3, endsAt: 500 })
    actor.send({ type: 'stream.hold', holder: 'bob', since: 1, until: 2, endsAt: 900 })
    actor.send({ type: 'stream.hold', holder: 'eve', since: 1 })
    expect(deadlines.at(-1)).to.equal(500)
    await expires(500)
    expect(Object.keys(actor.getSnapshot().context.holds)).to.deep.equal(['bob', 'eve'])
    expect(deadlines.at(-1)).to.equal(900)
    await expires(900)
    expect(Object.keys(actor.getSnapshot().context.holds)).to.deep.equal(['eve'])
    expect(deadlines.at(-1)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('releases the stream when it is stopped', () => {
    const { actor, log } = demand()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.stop()
    expect(log).to.deep.equal(['opened', 'closed'])
  })
})

/** The demand for camera0. The test controls the stream. */
function demand() {
  const clock = new SimulatedClock()
  const log: string[] = []
  const deadlines: number[] = []
  let expiry = later<{ at: number }>()
  let send = (_: { type: 'stream.held' } | { type: 'stream.lost'; reason: ReturnType<typeof because> }) => {}
  const actor = createActor(
    demandMachine.provide({
      actors: {
        streamHold: streamHoldMachine.provide({
          actors: {
            askSource: fromPromise(async () => {}),
            openStream: fromCallback(({ sendBack, input }) => {
              log.push((input as { attempts: number }).attempts === 0 ? 'opened' : 'opened again')
              send = sendBack
              return () => log.push('closed')
            }) as never,
          },
        }),
        waitUntil: fromPromise<{ at: number }, { at: number }>(({ input }) => {
          deadlines.push(input.at)
          expiry = later()
          return expiry.promise
        }),
      },
    }),
    { clock, input: { camera: 'camera0' } },
  )
  actor.start()
  return {
    actor,
    clock,
    log,
    deadlines,
    tags: () => [...actor.getSnapshot().tags],
    comes: () => send({ type: 'stream.held' }),
    goes: () => send({ type: 'stream.lost', reason: because('device_busy') }),
    expires: (at: number) => {
      expiry.resolve({ at })
      return turn()
    },
  }
}
