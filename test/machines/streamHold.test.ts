import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { because } from '../../machines/domain/reason.js'
import { type StreamHoldInput, streamHoldMachine } from '../../machines/streamHold.js'
import { turn } from '../support/later.js'

describe('the hold of a stream', () => {
  it('asks less often after twenty losses in a row, and at once again after it was held', async () => {
    const clock = new SimulatedClock()
    let openings = 0
    const actor = createActor(
      streamHoldMachine.provide({
        actors: {
          openStream: fromCallback(() => {
            openings += 1
          }),
          askSource: fromPromise<void, StreamHoldInput>(async () => {}),
        },
      }),
      { input: { camera: 'camera0' }, clock },
    ).start()
    const isOpenedAfter = async (pause: number) => {
      const before = openings
      actor.send({ type: 'stream.lost', reason: because('stream_lost') })
      clock.increment(pause - 1)
      await turn()
      expect(openings, 'too early').to.equal(before)
      clock.increment(1)
      await turn()
      return openings === before + 1
    }
    for (let count = 0; count < 20; count += 1) expect(await isOpenedAfter(500)).to.equal(true)
    expect(await isOpenedAfter(5_000)).to.equal(true)
    actor.send({ type: 'stream.held' })
    expect(await isOpenedAfter(500)).to.equal(true)
  })
})
