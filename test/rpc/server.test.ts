import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect } from 'chai'
import WebSocket from 'ws'
import { createStage, createWorld, type World } from './fakes.js'
import { emitted, until, within } from './wait.js'

describe('server', () => {
  const stage = createStage()
  let world: World

  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  /** The HTTP status of an upgrade; 101 if it is accepted. */
  const upgradeOf = async (port: number, path: string, options: WebSocket.ClientOptions = {}) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options)
    stage.ends.push(() => socket.terminate())
    socket.on('error', () => {})
    return Promise.race([
      once(socket, 'open').then(() => 101),
      once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode)),
    ])
  }

  it('speaks WebSocket on one path only', async () => {
    const { port } = await stage.serve(world.options())
    expect(await upgradeOf(port, '/ws')).to.equal(101)
    expect(await upgradeOf(port, '/ws?x=1')).to.equal(101)
    expect(await upgradeOf(port, '/')).to.equal(404)
    expect(await upgradeOf(port, '/ws/x')).to.equal(404)
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).to.equal(404)
  })

  it('replies to HTTP requests on that path with an error object', async () => {
    const { port } = await stage.serve(world.options())
    for (const [method, status, reason] of [
      ['GET', 426, 'upgrade_required'],
      ['POST', 405, 'method_not_allowed'],
    ] as const) {
      const reply = await fetch(`http://127.0.0.1:${port}/ws`, { method })
      const { error } = (await reply.json()) as { error: { code: number; message: string; data: object } }
      expect([reply.status, error.code, error.message]).to.deep.equal([status, -32600, 'Invalid Request'])
      expect(error.data).to.include({ reason }).and.to.include.all.keys('details', 'suggestion')
    }
  })

  it('replies to handshakes that are no WebSocket with an error object, too', async () => {
    const { port } = await stage.serve(world.options())
    for (const [method, headers, status, reason] of [
      ['POST', {}, 405, 'method_not_allowed'],
      ['GET', { Upgrade: 'h2c' }, 426, 'upgrade_required'],
      ['GET', { 'Sec-WebSocket-Version': '7' }, 426, 'upgrade_required'],
      ['GET', { 'Sec-WebSocket-Key': 'short' }, 400, 'invalid_request'],
    ] as const) {
      const handshake = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      }
      const asking = httpRequest({ port, host: '127.0.0.1', path: '/ws', method, headers: handshake }).end()
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      const { error } = (await json(response)) as { error: { code: number; data: object } }
      expect([response.statusCode, error.code], JSON.stringify(headers)).to.deep.equal([status, -32600])
      expect(error.data).to.include({ reason }).and.to.include.all.keys('details', 'suggestion')
    }
  })

  it('accepts exactly the listed origins, and requests without an origin', async () => {
    const { port } = await stage.serve(world.options())
    const listed = await stage.connect(port, { origin: 'http://localhost:3000' })
    expect((await listed.call('ping')).result).to.equal('pong')
    expect((await (await stage.connect(port)).call('ping')).result).to.equal('pong')
    for (const origin of [
      'http://localhost:3001',
      'http://localhost:3000.evil.example',
      'null',
      'https://localhost:3000',
    ]) {
      const foreign = await stage.connect(port, { origin })
      expect((await foreign.closed).code, origin).to.equal(4403)
      expect(foreign.replies, origin).to.deep.equal([])
    }
  })

  it('accepts every origin if * is listed', async () => {
    const { port } = await stage.serve(world.options({}, { corsOrigins: ['*'] }))
    for (const origin of ['https://any.example', 'null'])
      expect((await (await stage.connect(port, { origin })).call('ping')).result, origin).to.equal('pong')
  })

  it('refuses one connection too many with 503, and accepts one after another has ended', async () => {
    const { port, server } = await stage.serve(world.options({ maxConnections: 2 }))
    const [first] = await Promise.all([stage.connect(port), stage.connect(port)])
    expect(await upgradeOf(port, '/ws')).to.equal(503)
    first.socket.close()
    await first.closed
    expect(await upgradeOf(port, '/ws')).to.equal(101)
    expect(server.connections()).to.equal(2)
  })

  it('closes with 1009 after a message that is too large, with 1003 after a binary one', async () => {
    const { port } = await stage.serve(world.options({ maxMessageSize: 1_000 }))
    const [large, binary, fine] = await Promise.all([stage.connect(port), stage.connect(port), stage.connect(port)])
    large.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { device: 'x'.repeat(1_000) } }))
    expect((await large.closed).code).to.equal(1009)
    binary.socket.send(Buffer.from('{}'))
    expect((await binary.closed).code).to.equal(1003)
    expect((await fine.call('ping')).result).to.equal('pong')
  })

  it('keeps idle clients that reply to pings, and drops those without a sign of life', async () => {
    const { port, server } = await stage.serve(world.options({ pingInterval: 40, pongWait: 1_000 }))
    const idle = await stage.connect(port)
    const dead = await stage.connect(port, { autoPong: false })
    let pings = 0
    idle.socket.on('ping', () => {
      pings += 1
    })
    expect((await dead.closed).code).to.equal(1006)
    await until('the idle client gets eight pings', () => pings >= 8)
    await until('only the idle client is left', () => server.connections() === 1)
    expect(world.logged.map(({ message }) => message)).to.include(
      'a client was dropped because it gave no sign of life',
    )
  })

  it('replies to pings of its clients', async () => {
    const { port } = await stage.serve(world.options())
    const client = await stage.connect(port)
    client.socket.ping('are you there')
    const [data] = await within('the pong', once(client.socket, 'pong'))
    expect(String(data)).to.equal('are you there')
  })

  it('drops a client that sends requests and never reads, and serves the others', async () => {
    const { port } = await stage.serve(world.options({ maxBuffered: 200_000 }))
    const other = await stage.connect(port, { role: 'viewer' })
    const deaf = await stage.connect(port, { role: 'viewer' })
    deaf.socket.pause()
    const frame = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'get_camera_list' })
    const wasDropped = () =>
      world.logged.some(({ message }) => message === 'a client was dropped because it does not read')
    for (let round = 0; round < 500 && !wasDropped(); round++) {
      for (let count = 0; count < 100; count++) deaf.socket.send(frame)
      expect((await other.call('ping')).result).to.equal('pong')
    }
    const entry = world.logged.find(({ message }) => message === 'a client was dropped because it does not read')
    expect(entry?.fields?.buffered).to.be.within(200_000, 400_000)
    deaf.socket.resume()
    await deaf.closed
    expect((await other.call('get_camera_list')).error).to.equal(undefined)
  })

  it('drops a client that floods it with pings', async () => {
    const { port } = await stage.serve(world.options())
    const [eager, calm] = await Promise.all([stage.connect(port), stage.connect(port)])
    for (let count = 0; count < 101; count++) eager.socket.ping('x'.repeat(125))
    expect(await eager.closed).to.deep.equal({ code: 1008, reason: 'too many pings' })
    for (let count = 0; count < 100; count++) calm.socket.ping()
    expect((await calm.call('ping')).result).to.equal('pong')
  })

  it('ends connections that never send a whole request', async () => {
    const { port } = await stage.serve(world.options({ headersTimeout: 100 }))
    const silent = connectTcp(port, '127.0.0.1')
    const halting = connectTcp(port, '127.0.0.1')
    stage.ends.push(() => silent.destroy())
    stage.ends.push(() => halting.destroy())
    halting.write('GET /ws HTTP/1.1\r\nHost: x\r\n')
    for (const socket of [silent, halting]) socket.resume().on('error', () => {})
    await within('both connections end', Promise.all([emitted(silent, 'close'), emitted(halting, 'close')]))
  })

  it('gives its clients the reason of a stop, also if one of them does not reply', async () => {
    const { port, server } = await stage.serve(world.options())
    const [client, deaf] = await Promise.all([stage.connect(port), stage.connect(port)])
    deaf.socket.pause()
    const stopped = server.stop('the service stops')
    expect(await client.closed).to.deep.equal({ code: 1001, reason: 'the service stops' })
    await stopped
    expect(server.connections()).to.equal(0)
    expect(world.listeners.size).to.equal(0)
    await server.stop('again')
  })

  it('stops with a reason of any length', async () => {
    const { port, server } = await stage.serve(world.options())
    const client = await stage.connect(port)
    await server.stop('ü'.repeat(500))
    const { code, reason } = await client.closed
    expect([code, reason]).to.deep.equal([1001, 'ü'.repeat(61)])
  })

  it('rejects with one sentence if its port is in use', async () => {
    const { port } = await stage.serve(world.options())
    const error = await stage.serve(world.options({}, { port })).catch((reason: Error) => reason)
    expect(error).to.have.property('message', `the API cannot listen on 127.0.0.1:${port}: the port is in use`)
  })

  it('logs the callers and their methods, without the params', async () => {
    const { port } = await stage.serve(world.options())
    const operator = await stage.connect(port, { role: 'operator/bob' })
    await operator.call('start_recording', { device: 'camera0' })
    await operator.call('delete_recording', { filename: 'secret-name' })
    const lines = world.logged
      .filter(({ level }) => level === 'info')
      .map(({ message, fields }) => [message, fields?.user, fields?.code])
    expect(lines).to.deep.equal([
      ['authenticate done', 'bob', undefined],
      ['start_recording done', 'bob', undefined],
      ['delete_recording refused', 'bob', -32002],
    ])
    expect(JSON.stringify(world.logged)).not.to.match(/secret-name|operator\/bob/)
  })
})
