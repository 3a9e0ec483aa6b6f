import { expect } from 'chai'
import { ConnectionLost } from '../../rpc/client/errors.js'
import type { Link } from '../../rpc/client/link.js'
import { createSubscriptions, type Topic, type TopicEvent } from '../../rpc/client/subscriptions.js'

type Params = Record<string, unknown>

/** A connection that answers with the replies of the test. */
const connection = (reply: (params: Params) => Params) => {
  const requests: Params[] = []
  const link: Link = {
    lost: new Promise<ConnectionLost>(() => {}),
    wasActive: () => true,
    close: () => {},
    call: async (_method, params, { answered }) => {
      requests.push(params as Params)
      const result = { subscribed: true, topics: [], state: [], epoch: 'one', seq: 0, ...reply(params as Params) }
      answered?.(result)
      return result
    },
  }
  return { link, requests }
}
const fact = (seq: number) => ({ seq, severity: 'info', device: 'camera0' }) as never

describe('the subscriptions of a client', () => {
  const two = async (seq: number) => {
    const subscriptions = createSubscriptions({ timeout: 1_000 })
    const events: string[] = []
    const listener = (event: TopicEvent<Topic>) =>
      events.push(`${event.topic} ${event.type === 'fact' ? event.params.seq : event.type}`)
    await subscriptions.resume(connection(() => ({ seq })).link)
    await subscriptions.on('recording.start', {}, listener)
    await subscriptions.on('mediamtx.recording_started', {}, listener)
    events.splice(0)
    return { subscriptions, events }
  }

  it('continue before a fact that only one of its topics had delivered, and deliver it once to each', async () => {
    const { subscriptions, events } = await two(3)
    subscriptions.deliver('recording.start', fact(4))
    subscriptions.pause()
    const { link, requests } = connection(() => ({ seq: 4, resumed: true }))
    await subscriptions.resume(link)
    expect(requests).to.deep.equal([
      { topics: ['recording.start', 'mediamtx.recording_started'], since: 3, epoch: 'one' },
    ])
    subscriptions.deliver('recording.start', fact(4))
    subscriptions.deliver('mediamtx.recording_started', fact(4))
    expect(events).to.deep.equal(['recording.start 4', 'mediamtx.recording_started 4'])
  })

  it('start to count anew when the service has restarted', async () => {
    const { subscriptions, events } = await two(3)
    subscriptions.deliver('recording.start', fact(4))
    subscriptions.pause()
    await subscriptions.resume(connection(() => ({ epoch: 'two', seq: 1, resumed: false, reason: 'other_epoch' })).link)
    subscriptions.deliver('recording.start', fact(2))
    expect(events).to.deep.equal([
      'recording.start 4',
      'recording.start gap',
      'mediamtx.recording_started gap',
      'recording.start 2',
    ])
    subscriptions.pause()
    const { link, requests } = connection(() => ({ epoch: 'two', seq: 2, resumed: true }))
    await subscriptions.resume(link)
    expect(requests[0]).to.deep.include({ since: 1, epoch: 'two' })
  })

  it('continue from the newest fact of the service, even if no listener wanted it', async () => {
    const { subscriptions } = await two(3)
    subscriptions.reached(2_000)
    subscriptions.pause()
    const { link, requests } = connection(() => ({ seq: 2_000, resumed: true }))
    await subscriptions.resume(link)
    expect(requests[0]).to.deep.include({ since: 2_000 })
  })

  it('continue from the same place if the missed facts did not all arrive', async () => {
    const { subscriptions } = await two(3)
    subscriptions.pause()
    await subscriptions.resume(connection(() => ({ seq: 9, resumed: true })).link)
    subscriptions.deliver('recording.start', fact(6))
    subscriptions.pause()
    const { link, requests } = connection(() => ({ seq: 9, resumed: true }))
    await subscriptions.resume(link)
    expect(requests[0]).to.deep.include({ since: 5 })
  })

  it('reject if they cannot be sent, and do not block others', async () => {
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

  it('wait for a connection, and are requested again on the next one', async () => {
    const subscriptions = createSubscriptions({ timeout: 1_000 })
    const events: string[] = []
    const waiting = subscriptions.on('recording.start', { device: ['camera1', 'camera0'] }, ({ type }) =>
      events.push(type),
    )
    const broken = connection(() => ({})).link
    broken.call = async () => {
      throw new ConnectionLost('gone')
    }
    expect(await subscriptions.resume(broken).catch((error: Error) => error)).to.be.instanceOf(ConnectionLost)
    subscriptions.pause()
    const { link, requests } = connection(() => ({}))
    await subscriptions.resume(link)
    const stop = await waiting
    expect(events).to.deep.equal(['state'])
    expect(requests).to.deep.equal([{ topics: ['recording.start'], filters: { device: ['camera0', 'camera1'] } }])
    stop()
    expect(requests.at(-1)).to.deep.equal({ topics: ['recording.start'] })
    expect(subscriptions.any()).to.equal(false)
  })
})
