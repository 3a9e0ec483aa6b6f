import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { expect } from 'chai'
import WebSocket from 'ws'
import type { RpcLimits, RpcOptions } from '../../rpc/options.js'
import { createStage, createWorld, type World } from './fakes.js'

describe('a page of a foreign origin', () => {
  const stage = createStage()
  let world: World
  let refusals: string[]

  beforeEach(() => {
    world = createWorld()
    refusals = []
  })
  afterEach(() => stage.end())

  const serve = (limits: Partial<RpcLimits> = {}, changes: Partial<RpcOptions> = {}) => {
    const { metrics } = world.options()
    const refused = (why: string) => void refusals.push(why)
    return stage.serve(world.options(limits, { metrics: { ...metrics, refused }, ...changes }))
  }
  /** Sends `first` once it is connected. Resolves with the close code and reason, or with the HTTP status. */
  const visit = async (port: number, origin: string, first: string | Buffer = '') => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin })
    stage.ends.push(() => socket.terminate())
    const replies: string[] = []
    socket.on('message', (data) => replies.push(String(data)))
    socket.on('error', () => {}).on('open', () => socket.send(first))
    return Promise.race([
      once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason), replies })),
      once(socket, 'unexpected-response').then(([, response]) => ({ status: response.statusCode })),
    ])
  }
  const warnings = () => world.logged.filter(({ level }) => level === 'warn')
  const hint =
    'if you trust it, add it to security.cors_origins; http://localhost and http://127.0.0.1 are different origins'

  it('gets the close code 4403 and a reason that names the setting', async () => {
    const { port } = await serve()
    for (const origin of ['http://127.0.0.1:3000', 'https://localhost:3000']) {
      expect(await visit(port, origin)).to.deep.equal({
        code: 4403,
        reason: `origin ${origin} is not allowed: add it to security.cors_origins`,
        replies: [],
      })
    }
  })

  it('learns that a page from a file must be served over http, because `null` cannot be allowed', async () => {
    const { port } = await serve()
    expect(await visit(port, 'null')).to.deep.include({
      code: 4403,
      reason: 'origin null is not allowed: a page from a file has none: serve it over http',
    })
    expect(String(warnings()[0]?.fields?.hint)).to.match(/^a page from a file has no origin: serve it over http/)
  })

  it('gets a reason of at most 123 bytes, however long its origin is', async () => {
    const { port } = await serve()
    for (const origin of [`https://${'a'.repeat(5_000)}.example`, `https://${'é'.repeat(500)}.example`]) {
      const { code, reason } = (await visit(port, origin)) as { code: number; reason: string }
      expect(code).to.equal(4403)
      expect(Buffer.byteLength(reason)).to.be.within(80, 123)
      expect(reason).to.match(/^origin https:\/\/[\x21-\x7e]+… is not allowed: add it to security\.cors_origins$/)
    }
  })

  it('is logged once per origin with a hint, and counted each time', async () => {
    const { port } = await serve()
    for (const origin of ['http://127.0.0.1:3000', 'http://127.0.0.1:3000', 'http://evil.example'])
      await visit(port, origin)
    await fetch(`http://127.0.0.1:${port}/ws`, { headers: { origin: 'http://evil.example' } })
    expect(warnings()).to.deep.equal(
      ['http://127.0.0.1:3000', 'http://evil.example'].map((origin) => ({
        level: 'warn',
        message: 'an origin was refused',
        fields: { origin, address: '127.0.0.1', hint },
      })),
    )
    expect(refusals).to.deep.equal(['origin', 'origin', 'origin', 'origin'])
  })

  it('cannot fill the log with made-up origins: after 100 they are only counted', async () => {
    const { port } = await serve()
    for (let index = 0; index < 150; index++)
      await fetch(`http://127.0.0.1:${port}/ws`, { headers: { origin: `http://${index}.example` } })
    expect(warnings()).to.have.length(100)
    expect(refusals).to.have.length(150)
  })

  it('is never listened to and is no session', async () => {
    const { port, server } = await serve()
    const admin = await stage.connect(port, { role: 'admin' })
    const authenticate = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'authenticate',
      params: { auth_token: 'admin' },
    })
    for (const first of [authenticate, Buffer.alloc(512 * 1024)]) {
      const visited = await visit(port, 'http://evil.example', first)
      expect(visited).to.deep.include({ code: 4403, replies: [] })
    }
    expect(world.audited.map(({ action }) => action)).to.deep.equal(['authenticate'])
    expect((await admin.call('list_sessions')).result.sessions).to.have.length(1)
    expect(server.connections()).to.equal(1)
    expect(server.sockets()).to.deep.equal({ authenticated: 1, unauthenticated: 0 })
  })

  it('pays for its handshakes like any other client', async () => {
    const { port } = await serve({ rate: { requests: 3, window: 3_600_000, addressRequests: 3 } })
    for (let handshake = 0; handshake < 3; handshake++)
      expect(await visit(port, 'http://evil.example')).to.deep.include({ code: 4403 })
    expect(await visit(port, 'http://evil.example')).to.deep.equal({ status: 429 })
  })

  it('holds few connections if it does not answer the close, takes no place of others, and is cut', async () => {
    const { port, server } = await serve({ maxConnections: 2 })
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
    const upgrade = 'Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket'
    const hello = `GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n${key}\r\n\r\n`
    const deaf = async () => {
      const socket = connectTcp(port, '127.0.0.1')
      stage.ends.push(() => socket.destroy())
      socket.write(hello)
      const [head] = await once(socket, 'data')
      return { status: String(head).slice(9, 12), closed: once(socket.resume(), 'close') }
    }
    const held = await Promise.all(Array.from({ length: 10 }, deaf))
    expect(held.map(({ status }) => status).sort()).to.deep.equal([...new Array(8).fill('101'), '403', '403'])
    await Promise.all([stage.connect(port), stage.connect(port)])
    expect(server.connections()).to.equal(2)
    await Promise.all(held.map(({ closed }) => closed))
  })

  it('gets 403 as JSON for an HTTP request', async () => {
    const { port } = await serve()
    const answer = await fetch(`http://127.0.0.1:${port}/ws`, { headers: { origin: 'http://evil.example' } })
    expect(answer.status).to.equal(403)
    expect(await answer.json()).to.have.nested.property('error.data.reason', 'foreign_origin')
  })
})
