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

  it('is checked again only after its answer', async () => {
    const { asked, clock } = source()
    clock.increment(5_000)
    clock.increment(60_000)
    await turn()
    expect(asked()).to.equal(1)
  })
})

/** A network camera that is checked every five seconds. */
function source() {
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
    { clock, input: { url: 'rtsp://10.0.0.9/' } },
  )
  actor.start()
  const then = (error?: Error) => {
    clock.increment(5_000)
    settle(error)
    return turn()
  }
  return { actor, clock, asked: () => asked, answers: () => then(), fails: (error: Error) => then(error) }
}
