import { once } from 'node:events'
import { expect } from 'chai'
import WebSocket, { WebSocketServer } from 'ws'
import { because } from '../../machines/domain/reason.js'
import {
  CallTimedOut,
  type ClientOptions,
  ConnectionLost,
  type ConnectionState,
  connectCameraService,
  RpcError,
  SessionEnded,
  type TopicEvent,
} from '../../rpc/client/index.js'
import type { WebSocketConstructor } from '../../rpc/client/link.js'
import { createStage, createWorld, noon, type World } from '../rpc/fakes.js'
import { later, turn } from '../support/later.js'

/** Keeps every item, and lets a test wait for one. */
const collect = <T>() => {
  const all: T[] = []
  let wake: () => void = () => {}
  return {
    all,
    add: (item: T) => {
      all.push(item)
      wake()
    },
    until: async (isIt: (all: T[]) => boolean) => {
      while (!isIt(all)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

/** WebSockets that a test can cut; `sent`: the methods that the client has called on them. */
const spied = () => {
  const sockets: WebSocket[] = []
  const sent = collect<string>()
  class Spied extends WebSocket {
    constructor(url: string) {
      super(url)
      sockets.push(this)
    }
    override send(text: string) {
      super.send(text)
      sent.add(JSON.parse(text).method)
    }
  }
  return {
    WebSocket: Spied as unknown as WebSocketConstructor,
    sent,
    cut: () => sockets.at(-1)?.terminate(),
    made: () => sockets.length,
  }
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  )

describe('the client', () => {
  const stage = createStage()
  let world: World
  let port: number

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
  })
  afterEach(() => stage.end())

  const connect = async (changes: Partial<ClientOptions> = {}) => {
    const states = collect<[ConnectionState, string?]>()
    const client = await connectCameraService({
      url: `ws://127.0.0.1:${port}/ws`,
      credential: 'operator',
      reconnect: { min: 5, max: 20 },
      onState: (state, reason) => states.add(reason === undefined ? [state] : [state, reason.message]),
      ...changes,
    })
    stage.ends.push(() => client.close())
    return { client, states }
  }
  const plug = (camera: 'camera0' | 'camera1', name = 'x') => world.tell({ type: 'camera.connected', camera, name })

  it('calls methods by name and rejects with typed errors', async () => {
    const { client, states } = await connect()
    expect(client.state).to.equal('open')
    expect(states.all).to.deep.equal([['open']])
    const { cameras } = await client.call('get_camera_list')
    expect(cameras.map(({ device }) => device)).to.deep.equal(['camera0', 'camera1'])
    const unknown = await failure(client.call('get_camera_status', { device: 'camera9' }))
    expect(unknown)
      .to.be.instanceOf(RpcError)
      .and.to.include({ code: -32010, reason: 'not_found', message: 'get_camera_status: Camera not found' })
    expect((unknown as RpcError).data).to.include({ resource: 'camera', id: 'camera9' })
    expect(await failure(client.call('get_status'))).to.include({ code: -32002, reason: 'permission_denied' })
  })

  it('rejects when the first attempt fails', async () => {
    expect(await failure(connect({ credential: 'nobody' })))
      .to.be.instanceOf(RpcError)
      .and.to.include({ code: -32001 })
    expect(await failure(connect({ url: 'ws://127.0.0.1:1/ws' }))).to.be.instanceOf(ConnectionLost)
  })

  it('rejects a call after its time limit or when its signal is aborted', async () => {
    const { client } = await connect()
    world.ask.takeSnapshot = () => new Promise(() => {})
    const late = await failure(client.call('take_snapshot', { device: 'camera0' }, { timeout: 20 }))
    expect(late).to.be.instanceOf(CallTimedOut).and.to.include({ message: 'take_snapshot: no answer within 20 ms' })
    const controller = new AbortController()
    const call = failure(client.call('take_snapshot', { device: 'camera0' }, { signal: controller.signal }))
    controller.abort(new Error('not needed any more'))
    expect(await call).to.include({ message: 'not needed any more' })
    expect(await failure(client.call('ping', {}, { signal: controller.signal }))).to.include({
      message: 'not needed any more',
    })
  })

  it('never sends a call twice: one in progress fails with the connection, an unsent one waits', async () => {
    const { WebSocket, cut } = spied()
    const { client, states } = await connect({ WebSocket })
    let taken = 0
    world.ask.takeSnapshot = () => {
      taken += 1
      cut()
      return new Promise(() => {})
    }
    expect(await failure(client.call('take_snapshot', { device: 'camera0' }))).to.be.instanceOf(ConnectionLost)
    expect(client.state).to.equal('waiting')
    expect(await client.call('ping')).to.equal('pong')
    expect(taken).to.equal(1)
    expect(states.all.map(([state]) => state)).to.deep.equal(['open', 'waiting', 'connecting', 'open'])
    client.close()
    expect(await failure(client.call('ping'))).to.be.instanceOf(ConnectionLost)
    expect(client.state).to.equal('closed')
  })

  it('closes after a loss if reconnect is false', async () => {
    const { WebSocket, cut } = spied()
    const { client, states } = await connect({ WebSocket, reconnect: false })
    cut()
    await states.until((all) => all.at(-1)?.[0] === 'closed')
    expect(await failure(client.call('ping'))).to.be.instanceOf(ConnectionLost)
    expect(await failure(client.on('camera.connected', {}, () => {}))).to.be.instanceOf(ConnectionLost)
  })

  it('delivers the present state first, then facts, filtered for each listener', async () => {
    const { client } = await connect()
    const all = collect<TopicEvent<'camera.connected'>>()
    const one = collect<TopicEvent<'camera.connected'>>()
    const stop = await client.on('camera.connected', {}, all.add)
    await client.on('camera.connected', { device: 'camera1', severity: 'info' }, one.add)
    await client.on('camera.connected', { severity: 'error' }, ({ type }) => expect(type).to.equal('state'))
    plug('camera0')
    plug('camera1')
    await one.until(({ length }) => length === 2)
    expect(all.all.map((event) => (event.type === 'fact' ? event.params.device : event.type))).to.deep.equal([
      'state',
      'camera0',
      'camera1',
    ])
    expect(all.all[0]).to.have.nested.property('state[0].device', 'camera0')
    expect(one.all.map((event) => (event.type === 'fact' ? event.params.device : event.type))).to.deep.equal([
      'state',
      'camera1',
    ])
    stop()
    plug('camera1')
    await one.until(({ length }) => length === 3)
    expect(all.all).to.have.length(3)
    expect(await failure(client.on('camera.disconnected', { device: 'nothing' }, () => {}))).to.include({
      code: -32602,
    })
  })

  it('continues after a loss: no fact is missed and none comes twice', async () => {
    const { WebSocket, cut } = spied()
    const { client, states } = await connect({ WebSocket })
    const events = collect<string>()
    const add = (event: TopicEvent<'camera.connected'> | TopicEvent<'camera.disconnected'>) =>
      events.add(event.type === 'fact' ? `${event.params.seq} ${event.topic}` : event.type)
    await client.on('camera.connected', { device: 'camera0' }, add)
    await client.on('camera.disconnected', {}, add)
    const settled = events.all.length
    plug('camera0')
    await events.until(({ length }) => length === settled + 1)
    cut()
    await states.until((all) => all.at(-1)?.[0] === 'waiting')
    plug('camera1')
    plug('camera0')
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
    await events.until(({ length }) => length === settled + 3)
    plug('camera0')
    await events.until(({ length }) => length === settled + 4)
    expect(events.all.slice(settled)).to.have.members([
      '1 camera.connected',
      '3 camera.connected',
      '4 camera.disconnected',
      '5 camera.connected',
    ])
    expect(client.state).to.equal('open')
  })

  it('delivers a gap with the present state when it cannot continue', async () => {
    const { server, port: own } = await stage.serve(world.options())
    const { client } = await connect({ url: `ws://127.0.0.1:${own}/ws` })
    const events = collect<TopicEvent<'camera.connected'>>()
    await client.on('camera.connected', {}, events.add)
    await server.stop('restart')
    const again = createWorld()
    again.cameras = again.cameras.slice(0, 1)
    await stage.serve({ ...again.options(), port: own })
    await events.until(({ length }) => length === 2)
    expect(events.all[1]).to.deep.include({ type: 'gap', topic: 'camera.connected', reason: 'other_epoch' })
    expect(events.all[1]).to.have.nested.property('state.length', 1)
    again.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    await events.until(({ length }) => length === 3)
    expect(events.all[2]).to.have.nested.property('params.seq', 1)
  })

  it('authenticates with a new credential when the session expires, and misses nothing', async () => {
    let life = noon + 30
    const { client, states } = await connect({ credential: () => `viewer/ann/${life}` })
    const events = collect<TopicEvent<'camera.connected'>>()
    await client.on('camera.connected', {}, events.add)
    world.now = life
    life += 1_000_000
    plug('camera0')
    await events.until(({ length }) => length === 2)
    expect(events.all[1]).to.have.nested.property('params.seq', 1)
    expect(states.all).to.deep.equal([['open']])
  })

  for (const [why, end] of Object.entries({
    token_expired: () => {
      world.now = noon + 60_000
    },
    revoked: () => world.options().credentials.revoke({ kind: 'token', id: `operator/ann/${noon + 60_000}` }, noon),
  })) {
    it(`closes at once, with the reason, when its only credential ends: ${why}`, async () => {
      const { client, states } = await connect({ credential: `operator/ann/${noon + 60_000}` })
      const taken = later<void>()
      world.ask.takeSnapshot = () => {
        taken.resolve()
        return new Promise(() => {})
      }
      const underWay = failure(client.call('take_snapshot', { device: 'camera0' }))
      await taken.promise
      await end()
      const expired = await underWay
      expect(expired).to.be.instanceOf(SessionEnded).and.to.be.instanceOf(ConnectionLost)
      expect(expired).to.deep.include({ reason: why, code: 4401, message: `the session has ended: ${why}` })
      expect(states.all).to.deep.equal([['open'], ['closed', `the session has ended: ${why}`]])
      expect(client.state).to.equal('closed')
      for (const refused of [client.call('ping'), client.on('camera.connected', {}, () => {})])
        expect(await failure(refused)).to.equal(expired)
    })
  }

  it('authenticates again with the same token when an administrator ends its session', async () => {
    const { client, states } = await connect({ credential: 'viewer/ann' })
    const events = collect<TopicEvent<'camera.connected'>>()
    await client.on('camera.connected', {}, events.add)
    const admin = await stage.connect(port, { role: 'admin' })
    const { sessions } = (await admin.call('list_sessions')).result
    const { session_id } = sessions.find(({ user }: { user: string }) => user === 'ann')
    await admin.call('end_session', { session_id })
    plug('camera0')
    await events.until(({ length }) => length === 2)
    expect(events.all[1]).to.have.nested.property('params.seq', 1)
    expect(states.all).to.deep.equal([['open']])
  })

  it('closes for good when its only credential is refused at a reconnect', async () => {
    const { WebSocket, cut } = spied()
    const { client, states } = await connect({ WebSocket, credential: `viewer/ann/${noon + 1_000}` })
    world.now += 1_000
    cut()
    await states.until((all) => all.at(-1)?.[0] === 'closed')
    expect(states.all.at(-1)?.[1]).to.match(/^authenticate: /)
    expect(await failure(client.call('ping'))).to.be.instanceOf(ConnectionLost)
  })

  it('calls the credential function until it works', async () => {
    const { WebSocket, cut } = spied()
    let asked = 0
    const { client, states } = await connect({
      WebSocket,
      credential: async () => {
        asked += 1
        if (asked === 2) throw new Error('no token now')
        return asked === 3 ? 'nobody' : 'viewer'
      },
    })
    cut()
    await states.until((all) => all.length > 1 && all.at(-1)?.[0] === 'open')
    expect(asked).to.equal(4)
    expect(await client.call('ping')).to.equal('pong')
  })

  it('leaves a service that does not answer', async () => {
    const mute = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    stage.ends.push(() => mute.close())
    await once(mute, 'listening')
    let connections = 0
    mute.on('connection', (socket) => {
      connections += 1
      stage.ends.push(() => socket.terminate())
      socket.on('message', (data) => {
        const { id, method } = JSON.parse(String(data))
        if (method === 'authenticate') socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
      })
    })
    const address = mute.address()
    const { states } = await connect({
      url: `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
      heartbeat: 20,
    })
    await states.until(({ length }) => length >= 3)
    expect(states.all.slice(0, 3)).to.deep.equal([
      ['open'],
      ['waiting', 'the service gives no sign of life'],
      ['connecting'],
    ])
    await states.until((all) => all.filter(([state]) => state === 'open').length === 2)
    expect(connections).to.equal(2)
  })

  it('closes the connection on an invalid message and rejects open calls', async () => {
    const babbling = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    stage.ends.push(() => babbling.close())
    await once(babbling, 'listening')
    babbling.on('connection', (socket) => {
      stage.ends.push(() => socket.terminate())
      socket.on('message', (data) => {
        const { id, method } = JSON.parse(String(data))
        socket.send(method === 'authenticate' ? JSON.stringify({ jsonrpc: '2.0', id, result: {} }) : '{"jsonrpc":')
      })
    })
    const address = babbling.address()
    const { client } = await connect({
      url: `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
      reconnect: false,
    })
    const lost = await failure(client.call('ping'))
    expect(lost)
      .to.be.instanceOf(ConnectionLost)
      .and.to.include({ message: 'the service sent something that is no message' })
  })

  it('rejects subscriptions that still wait when the client is closed', async () => {
    const { WebSocket, cut } = spied()
    const { client, states } = await connect({ WebSocket, reconnect: { min: 60_000, max: 60_000 } })
    await client.on('camera.disconnected', {}, () => {})
    const asked = failure(client.on('camera.connected', {}, () => {}))
    cut()
    await states.until((all) => all.at(-1)?.[0] === 'waiting')
    const waiting = failure(client.on('recording.start', {}, () => {}))
    client.close()
    for (const error of await Promise.all([asked, waiting])) expect(error).to.be.instanceOf(ConnectionLost)
  })

  it('makes no connection after it was closed while waiting for one', async () => {
    const { WebSocket, cut, made } = spied()
    const { client, states } = await connect({ WebSocket, reconnect: { min: 60_000, max: 60_000 } })
    cut()
    await states.until((all) => all.at(-1)?.[0] === 'waiting')
    client.close()
    await turn()
    expect(made()).to.equal(1)
  })

  describe('if the service does not answer a subscription', () => {
    /** A service that does not answer subscriptions on its first `mute` connections. */
    const silent = async (mute: number) => {
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      stage.ends.push(() => server.close())
      await once(server, 'listening')
      let connections = 0
      server.on('connection', (socket) => {
        connections += 1
        const number = connections
        stage.ends.push(() => socket.terminate())
        socket.on('message', (data) => {
          const { id, method } = JSON.parse(String(data))
          const result = { subscribed: true, topics: [], state: [], epoch: 'one', seq: 0 }
          if (method === 'authenticate' || number > mute) socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }))
        })
      })
      const address = server.address()
      return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    }

    it('subscribes again on a new connection', async () => {
      const { client, states } = await connect({ url: await silent(1), timeout: 100 })
      await client.on('camera.connected', {}, () => {})
      expect(states.all.slice(0, 2)).to.deep.equal([['open'], ['waiting', 'subscribe_events: no answer within 100 ms']])
      expect(client.state).to.equal('open')
    })

    it('rejects if it must not reconnect', async () => {
      const { client } = await connect({ url: await silent(1), timeout: 100, reconnect: false })
      const error = await failure(client.on('camera.connected', {}, () => {}))
      expect(error)
        .to.be.instanceOf(ConnectionLost)
        .and.to.include({ message: 'subscribe_events: no answer within 100 ms' })
    })
  })

  it('keeps an idle connection with its heartbeat', async () => {
    const { WebSocket, sent } = spied()
    const { client, states } = await connect({ WebSocket, heartbeat: 200 })
    await client.on('camera.connected', {}, () => {})
    const beats = (all: string[]) => all.filter((method) => method === 'get_subscription_stats').length
    await sent.until((all) => beats(all) >= 5)
    expect(await client.call('ping')).to.equal('pong')
    expect(states.all).to.deep.equal([['open']])
  })
})
