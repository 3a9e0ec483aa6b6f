import { expect } from 'chai'
import { ConnectionLost } from '../../rpc/client/errors.js'
import type { Link } from '../../rpc/client/link.js'
import { createSubscriptions, type Topic, type TopicEvent } from '../../rpc/client/subscriptions.js'

type Params = Record<string, unknown>

/** A connection whose replies the test gives. */
const connection = (reply: (params: Params) => Params) => {
  const asked: Params[] = []
  const link: Link = {
    lost: new Promise<ConnectionLost>(() => {}),
    wasHeard: () => true,
    close: () => {},
    call: async (_method, params, { answered }) => {
      asked.push(params as Params)
      const result = { subscribed: true, topics: [], state: [], epoch: 'one', seq: 0, ...reply(params as Params) }
      answered?.(result)
      return result
    },
  }
  return { link, asked }
}
const fact = (seq: number) => ({ seq, severity: 'info', device: 'camera0' }) as never

describe('the subscriptions of a client', () => {
  const two = async (seq: number) => {
    const subscriptions = createSubscriptions({ timeout: 1_000 })
    const heard: string[] = []
    const hear = (event: TopicEvent<Topic>) =>
      heard.push(`${event.topic} ${event.type === 'fact' ? event.params.seq : event.type}`)
    await subscriptions.resume(connection(() => ({ seq })).link)
    await subscriptions.on('recording.start', {}, hear)
    await subscriptions.on('mediamtx.recording_started', {}, hear)
    heard.splice(0)
    return { subscriptions, heard }
  }

  it('go back to a fact of which only one topic was told before the drop, and tell it once to each', async () => {
    const { subscriptions, heard } = await two(3)
    subscriptions.told('recording.start', fact(4))
    subscriptions.pause()
    const { link, asked } = connection(() => ({ seq: 4, resumed: true }))
    await subscriptions.resume(link)
    expect(asked).to.deep.equal([{ topics: ['recording.start', 'mediamtx.recording_started'], since: 3, epoch: 'one' }])
    subscriptions.told('recording.start', fact(4))
    subscriptions.told('mediamtx.recording_started', fact(4))
    expect(heard).to.deep.equal(['recording.start 4', 'mediamtx.recording_started 4'])
  })

  it('begin to count anew in another life of the service', async () => {
    const { subscriptions, heard } = await two(3)
    subscriptions.told('recording.start', fact(4))
    subscriptions.pause()
    await subscriptions.resume(connection(() => ({ epoch: 'two', seq: 1, resumed: false, reason: 'other_epoch' })).link)
    subscriptions.told('recording.start', fact(2))
    expect(heard).to.deep.equal([
      'recording.start 4',
      'recording.start gap',
      'mediamtx.recording_started gap',
      'recording.start 2',
    ])
    subscriptions.pause()
    const { link, asked } = connection(() => ({ epoch: 'two', seq: 2, resumed: true }))
    await subscriptions.resume(link)
    expect(asked[0]).to.deep.include({ since: 1, epoch: 'two' })
  })

  it('go on from the newest fact that the service told of, also when nobody had asked for it', async () => {
    const { subscriptions } = await two(3)
    subscriptions.reached(2_000)
    subscriptions.pause()
    const { link, asked } = connection(() => ({ seq: 2_000, resumed: true }))
    await subscriptions.resume(link)
    expect(asked[0]).to.deep.include({ since: 2_000 })
  })

  it('go back to the same place when the facts told again did not all come in', async () => {
    const { subscriptions } = await two(3)
    subscriptions.pause()
    await subscriptions.resume(connection(() => ({ seq: 9, resumed: true })).link)
    subscriptions.told('recording.start', fact(6))
    subscriptions.pause()
    const { link, asked } = connection(() => ({ seq: 9, resumed: true }))
    await subscriptions.resume(link)
    expect(asked[0]).to.deep.include({ since: 5 })
  })

  it('that cannot be sent are refused, and do not stand in the way of others', async () => {
    const subscriptions = createSubscriptions({ timeout: 1_000 })
    const { link } = connection(() => ({}))
    await subscriptions.resume(link)
    link.call = async () => {
      throw new TypeError('no JSON')
    }
    const error = await subscriptions.on('recording.start', {}, () => {}).catch((error: Error) => error)
    expect(error).to.be.instanceOf(TypeError)
    expect(subscriptions.any()).to.equal(false)
  })

  it('wait for a connection, and ask again on the next one', async () => {
    const subscriptions = createSubscriptions({ timeout: 1_000 })
    const heard: string[] = []
    const waiting = subscriptions.on('recording.start', { device: ['camera1', 'camera0'] }, ({ type }) =>
      heard.push(type),
    )
    const broken = connection(() => ({})).link
    broken.call = async () => {
      throw new ConnectionLost('gone')
    }
    expect(await subscriptions.resume(broken).catch((error: Error) => error)).to.be.instanceOf(ConnectionLost)
    subscriptions.pause()
    const { link, asked } = connection(() => ({}))
    await subscriptions.resume(link)
    const stop = await waiting
    expect(heard).to.deep.equal(['state'])
    expect(asked).to.deep.equal([{ topics: ['recording.start'], filters: { device: ['camera0', 'camera1'] } }])
    stop()
    expect(asked.at(-1)).to.deep.equal({ topics: ['recording.start'] })
    expect(subscriptions.any()).to.equal(false)
  })
})
