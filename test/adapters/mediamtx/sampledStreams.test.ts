import { expect } from 'chai'
import { sampledStreams } from '../../../adapters/mediamtx/sampledStreams.js'
import type { StreamState } from '../../../machines/domain/ports.js'
import { createClock, day } from '../../support/clock.js'
import { later } from '../../support/later.js'

const state = (name: string): StreamState => ({
  name,
  ready: true,
  readers: 1,
  bytesReceived: 2,
  bytesSent: 3,
  tracks: ['H264'],
})
const { signal } = new AbortController()

describe('sampled streams', () => {
  it('share one request between callers, and send another one when the answer is old', async () => {
    const { streams, asked, answer, tick } = sampled()
    const both = Promise.all([streams.stream('camera0', signal), streams.streams(signal)])
    answer([state('camera0'), state('camera1')])
    expect(await both).to.deep.equal([state('camera0'), [state('camera0'), state('camera1')]])
    tick(249)
    await streams.stream('camera1', signal)
    expect(asked()).to.equal(1)
    tick(1)
    void streams.stream('camera1', signal)
    expect(asked()).to.equal(2)
  })

  it('resolve with undefined for an unknown stream', async () => {
    const { streams, answer } = sampled()
    const found = streams.stream('camera7', signal)
    answer([])
    expect(await found).to.equal(undefined)
  })

  it('reject waiting callers after a failure, and send a new request for the next one', async () => {
    const { streams, asked, fail } = sampled()
    const first = streams.streams(signal).catch((error: Error) => error.message)
    fail('no answer')
    expect(await first).to.equal('no answer')
    void streams.streams(signal)
    expect(asked()).to.equal(2)
  })

  it('return the last answer as a sample, and renew it in the background', async () => {
    const { streams, asked, answer, tick } = sampled()
    expect(streams.sample(), 'no answer yet').to.equal(undefined)
    const first = streams.streams(signal)
    answer([state('camera0')])
    await first
    tick(249)
    expect(streams.sample()).to.deep.equal([state('camera0')])
    expect(asked()).to.equal(1)
    tick(1)
    expect(streams.sample()).to.deep.equal([state('camera0')])
    expect(asked(), 'it is being renewed').to.equal(2)
    answer([state('camera1')])
    await streams.streams(signal)
    expect(streams.sample()).to.deep.equal([state('camera1')])
    tick(1_000)
    expect(streams.sample(), 'too old').to.equal(undefined)
  })

  it('have no sample after a failure of the media server', async () => {
    const { streams, answer, fail, tick } = sampled()
    const first = streams.streams(signal)
    answer([state('camera0')])
    await first
    tick(300)
    streams.sample()
    fail('no answer')
    await streams.streams(signal).catch(() => {})
    expect(streams.sample()).to.equal(undefined)
  })

  it('keep the answer to a newer request when an older one fails late', async () => {
    const { streams, late, answer, tick } = sampled()
    const first = streams.streams(signal).catch((error: Error) => error.message)
    const slow = late()
    tick(300)
    const second = streams.streams(signal)
    answer([state('camera1')])
    await second
    slow.reject('no answer')
    expect(await first).to.equal('no answer')
    expect(streams.sample()).to.deep.equal([state('camera1')])
  })

  for (const [direction, step] of Object.entries({ forward: day, back: -day }))
    it(`are as old as before if the clock is set ${direction}`, async () => {
      const { streams, answer, asked, tick, steps } = sampled()
      const first = streams.streams(new AbortController().signal)
      answer([state('camera0')])
      await first
      steps(step)
      expect(streams.sample()).to.deep.equal([state('camera0')])
      await streams.streams(new AbortController().signal)
      expect(asked()).to.equal(1)
      tick(1_000)
      expect(streams.sample()).to.equal(undefined)
    })
})

function sampled() {
  const clock = createClock()
  let asked = 0
  let asking = later<StreamState[]>()
  const mediaServer = {
    streams: () => {
      asked += 1
      asking = later()
      return asking.promise
    },
    stream: () => Promise.reject(new Error('not used')),
  }
  return {
    streams: sampledStreams({
      mediaServer,
      clock,
      maxAge: 250,
      usableFor: 1_000,
      limit: 10_000,
    }),
    asked: () => asked,
    /** The request in progress, to settle it after later ones. */
    late: () => asking,
    answer: (states: StreamState[]) => asking.resolve(states),
    fail: (reason: string) => asking.reject(reason),
    tick: clock.passes,
    steps: clock.steps,
  }
}
