import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { Failure } from '../../machines/domain/reason.js'
import { type StreamHoldInput, streamHoldMachine } from '../../machines/streamHold.js'
import { turn } from '../support/later.js'

describe('streamHold: keyframes', () => {
  it('are followed from the moment that the stream is live', () => {
    const { log, live } = streamHold()
    expect(log).to.deep.equal([])
    live()
    expect(log).to.deep.equal(['follows camera0'])
  })

  it('are looked at again after ten minutes if they come often', async () => {
    const { log, live, close, clock } = streamHold()
    live()
    await close()
    clock.increment(599_999)
    expect(log).to.deep.equal(['follows camera0'])
    clock.increment(1)
    expect(log).to.deep.equal(['follows camera0', 'follows camera0'])
  })

  it('are looked at again after ten minutes if only a decoder finds them', async () => {
    const { log, live, fails, clock } = streamHold()
    live()
    await fails(new Failure('codec_unsupported'))
    clock.increment(599_999)
    expect(log).to.have.length(1)
    clock.increment(1)
    expect(log).to.have.length(2)
  })

  it('are followed again soon after the connection was lost', async () => {
    const { log, live, fails, clock } = streamHold()
    live()
    await fails(new Failure('server_closed'))
    clock.increment(4_999)
    expect(log).to.have.length(1)
    clock.increment(1)
    expect(log).to.have.length(2)
  })

  for (const how of ['lost', 'released'] as const)
    it(`are forgotten when the stream is ${how}`, () => {
      const { log, actor, live } = streamHold()
      live()
      if (how === 'released') actor.stop()
      else actor.send({ type: 'stream.lost', reason: { code: 'stream_lost', details: '' } })
      expect(log).to.deep.equal(['follows camera0', 'forgets camera0'])
    })
})

function streamHold() {
  const log: string[] = []
  const clock = new SimulatedClock()
  let settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} }
  const actor = createActor(
    streamHoldMachine.provide({
      actors: {
        openStream: fromCallback(() => () => {}),
        askSource: fromPromise<void, StreamHoldInput>(async () => {}),
        followKeyframes: fromPromise<void, StreamHoldInput>(({ input: { camera }, signal }) => {
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
    live: () => actor.send({ type: 'stream.held' }),
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
