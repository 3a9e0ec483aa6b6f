import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import { Failure } from '../../machines/domain/reason.js'
import { type KeyframesInput, keyframesMachine } from '../../machines/keyframes.js'
import { turn } from '../support/later.js'

describe('keyframes of a network camera', () => {
  it('are followed while others read the stream', () => {
    const { log, used } = keyframes()
    expect(log).to.deep.equal([])
    used()
    expect(log).to.deep.equal(['follows camera0'])
  })

  it('are looked at again after ten minutes if they come often', async () => {
    const { log, used, close, clock } = keyframes()
    used()
    await close()
    clock.increment(599_999)
    expect(log).to.deep.equal(['follows camera0'])
    clock.increment(1)
    expect(log).to.deep.equal(['follows camera0', 'follows camera0'])
  })

  it('are looked at again after ten minutes if only a decoder finds them', async () => {
    const { log, used, fails, clock } = keyframes()
    used()
    await fails(new Failure('codec_unsupported'))
    clock.increment(599_999)
    expect(log).to.have.length(1)
    clock.increment(1)
    expect(log).to.have.length(2)
  })

  it('are followed again soon after the connection was lost', async () => {
    const { log, used, fails, clock } = keyframes()
    used()
    await fails(new Failure('server_closed'))
    clock.increment(4_999)
    expect(log).to.have.length(1)
    clock.increment(1)
    expect(log).to.have.length(2)
  })

  it('are forgotten when the last other reader has left, and followed again with the next one', () => {
    const { log, used, unused } = keyframes()
    used()
    unused()
    expect(log).to.deep.equal(['follows camera0', 'forgets camera0'])
    used()
    expect(log.at(-1)).to.equal('follows camera0')
  })

  it('are not looked at again without other readers', async () => {
    const { log, used, unused, close, clock } = keyframes()
    used()
    await close()
    unused()
    clock.increment(600_000)
    expect(log).to.have.length(1)
  })
})

function keyframes() {
  const log: string[] = []
  const clock = new SimulatedClock()
  let settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} }
  const actor = createActor(
    keyframesMachine.provide({
      actors: {
        followKeyframes: fromPromise<void, KeyframesInput>(({ input: { camera }, signal }) => {
          log.push(`follows ${camera}`)
          signal.addEventListener('abort', () => void log.push(`forgets ${camera}`))
          return new Promise((resolve, reject) => {
            settle = { resolve, reject }
          })
        }),
      },
    }),
    { input: { camera: 'camera0' }, clock },
  ).start()
  return {
    log,
    clock,
    actor,
    used: () => actor.send({ type: 'stream.used' }),
    unused: () => actor.send({ type: 'stream.unused' }),
    close: () => {
      settle.resolve()
      return turn()
    },
    fails: (error: Error) => {
      settle.reject(error)
      return turn()
    },
  }
}
