import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import { because, Failure } from '../../machines/domain/reason.js'
import { type SourceInput, sourceMachine } from '../../machines/source.js'
import { turn } from '../support/later.js'

describe('source', () => {
  it('stays active if single answers are missing', async () => {
    const { actor, asked, answers, fails } = source()
    await answers()
    await fails(new Failure('unreachable'))
    await answers()
    await fails(new Failure('unreachable'))
    await answers()
    expect([asked(), actor.getSnapshot().status]).to.deep.equal([5, 'active'])
  })

  it('is lost after two missing answers in a row, with the reason', async () => {
    const { actor, fails } = source()
    await fails(new Failure('unreachable', 'the camera does not answer'))
    expect(actor.getSnapshot().status).to.equal('active')
    await fails(new Failure('source_refused', 'the camera refuses the connection (401)'))
    expect(actor.getSnapshot().status).to.equal('done')
    expect(actor.getSnapshot().output).to.deep.equal(
      because('source_refused', 'the camera refuses the connection (401)'),
    )
  })

  it('is lost at once if its address is no longer allowed', async () => {
    const { actor, fails } = source()
    await fails(new Failure('address_refused', 'its address leads back'))
    expect(actor.getSnapshot().output).to.deep.equal(because('address_refused', 'its address leads back'))
  })

  it('is asked every five seconds, if it has no interval of its own', async () => {
    const { asked, clock, settle } = source()
    for (const count of [1, 2]) {
      clock.increment(4_999)
      expect(asked()).to.equal(count - 1)
      clock.increment(1)
      expect(asked()).to.equal(count)
      settle()
      await turn()
    }
  })

  it('with a battery is asked less and less, up to its own interval, and soon again after a missing answer', async () => {
    const { asked, clock, settle } = source({ checkInterval: 3_600_000 })
    const next = async (wait: number, error?: Error) => {
      clock.increment(wait - 1)
      const early = asked()
      clock.increment(1)
      settle(error)
      await turn()
      return asked() - early
    }
    for (const wait of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000])
      expect(await next(wait), `after ${wait} ms`).to.equal(1)
    expect(await next(3_600_000)).to.equal(1)
    expect(await next(3_600_000, new Failure('unreachable'))).to.equal(1)
    expect(await next(5_000), 'the second question').to.equal(1)
    expect(await next(5_000)).to.equal(1)
  })

  it('is not asked while it is connected, if its keepalive is off', async () => {
    const { asked, clock, actor } = source({ keepalive: 'off' })
    clock.increment(86_400_000)
    await turn()
    expect([asked(), actor.getSnapshot().status]).to.deep.equal([0, 'active'])
  })

  it('is checked again only after its answer', async () => {
    const { asked, clock } = source()
    clock.increment(5_000)
    clock.increment(60_000)
    await turn()
    expect(asked()).to.equal(1)
  })
})

/** A network camera that is checked every five seconds. */
function source(access: Partial<SourceInput> = {}) {
  const clock = new SimulatedClock()
  let asked = 0
  let settle: (error?: Error) => void = () => {}
  const actor = createActor(
    sourceMachine.provide({
      actors: {
        describeSource: fromPromise<void, SourceInput>(() => {
          asked += 1
          return new Promise((resolve, reject) => {
            settle = (error) => (error ? reject(error) : resolve())
          })
        }),
      },
    }),
    { clock, input: { url: 'rtsp://10.0.0.9/', ...access } },
  )
  actor.start()
  const then = (error?: Error) => {
    clock.increment(5_000)
    settle(error)
    return turn()
  }
  return {
    actor,
    clock,
    settle: (error?: Error) => settle(error),
    asked: () => asked,
    answers: () => then(),
    fails: (error: Error) => then(error),
  }
}
