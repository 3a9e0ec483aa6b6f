import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { expect } from 'chai'
import WebSocket from 'ws'
import { createStage, createWorld, type World } from './fakes.js'
import { emitted, until, within } from './wait.js'

const handshake = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
const hello = `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${handshake}\r\n\r\n`

describe('attacks on the API', () => {
  const stage = createStage()
  let world: World

  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  /** Resolves with the reply to an upgrade: 101, or the refusal. */
  const upgrade = (port: number, options: WebSocket.ClientOptions = {}, host = '127.0.0.1') => {
    const socket = new WebSocket(`ws://${host}:${port}/ws`, options)
    stage.ends.push(() => socket.terminate())
    return new Promise<{ status: number; words: string; retryAfter?: string | undefined }>((resolve, reject) => {
      socket.on('open', () => resolve({ status: 101, words: '' }))
      socket.on('error', reject)
      socket.on('unexpected-response', async (_, response) => {
        response.setEncoding('utf8')
        let words = ''
        for await (const part of response) words += part
        resolve({ status: response.statusCode ?? 0, words, retryAfter: response.headers['retry-after'] })
      })
    })
  }
  /** The reasons of failed connections in the log. */
  const failures = () =>
    world.logged.filter(({ message }) => message === 'a connection failed').map(({ fields }) => fields?.reason)
  const raw = (port: number, localAddress = '127.0.0.1'): Socket => {
    const socket = connectTcp({ port, host: '127.0.0.1', localAddress })
    socket.on('error', () => {}).resume()
    stage.ends.push(() => socket.destroy())
    return socket
  }
  const statusOf = (port: number, path: string, options: object = {}) =>
    new Promise<number>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) =>
        resolve(response.resume().statusCode ?? 0),
      )
        .on('error', reject)
        .end()
    })

  it('10,000 connections use up neither descriptors nor memory, and lock out no other address', async function () {
    this.timeout(60_000)
    const { port, server } = await stage.serve(
      world.options({
        maxConnections: 300,
        maxConnectionsPerAddress: 100,
        maxUnauthenticatedPerAddress: 20,
        headersTimeout: 1_000,
      }),
    )
    const honest = await stage.connect(port, { role: 'viewer', localAddress: '127.0.0.2' })
    const memory = process.memoryUsage().rss
    let mostFiles = 0
    let mostOpen = 0
    for (let wave = 0; wave < 50; wave++) {
      const sockets = Array.from({ length: 200 }, (_, index) => {
        const socket = raw(port)
        if (index % 2 === 0) socket.write(hello)
        return socket
      })
      // Waits for the reply or the end of each: so few connections are pending that the kernel drops none.
      await Promise.all(
        sockets.map((socket, index) =>
          within(
            'the reply to a connection, or its end',
            emitted(socket, index % 2 === 0 ? 'data' : 'connect', 'close'),
            50_000,
          ),
        ),
      )
      expect((await honest.call('get_camera_list')).error).to.equal(undefined)
      mostFiles = Math.max(mostFiles, readdirSync('/proc/self/fd').length)
      mostOpen = Math.max(mostOpen, server.connections())
    }
    expect(mostOpen).to.equal(21)
    // Both ends are in this process; the client's end of a cut connection may still be open.
    expect(mostFiles).to.be.below(2_000)
    expect(process.memoryUsage().rss - memory).to.be.below(200 * 1024 * 1024)
    expect((await upgrade(port, { localAddress: '127.0.0.3' })).status).to.equal(101)
  })

  it('too many connections of one address are refused with a reason and a time, others are not', async () => {
    const { port } = await stage.serve(world.options({ maxConnectionsPerAddress: 3, maxUnauthenticatedPerAddress: 2 }))
    await stage.connect(port, { role: 'viewer' })
    await stage.connect(port)
    const [idle] = [await stage.connect(port)]
    expect(await upgrade(port)).to.deep.equal({
      status: 429,
      words: 'this address has 3 connections already',
      retryAfter: '5',
    })
    idle.socket.close()
    await idle.closed
    expect((await upgrade(port)).status).to.equal(101)
    expect((await upgrade(port, { localAddress: '127.0.0.2' })).status).to.equal(101)
    await upgrade(port, { localAddress: '127.0.0.2' })
    const refused = await upgrade(port, { localAddress: '127.0.0.2' })
    expect(refused).to.deep.equal({
      status: 429,
      words: '2 connections of this address have not authenticated yet',
      retryAfter: '1',
    })
  })

  it('a client that never authenticates is disconnected, one that does is not', async () => {
    const { port, server } = await stage.serve(world.options({ authenticationTimeout: 100 }))
    const [idle, chatty, known] = [
      await stage.connect(port),
      await stage.connect(port),
      await stage.connect(port, { role: 'viewer' }),
    ]
    const chatting = setInterval(() => chatty.socket.send('{"jsonrpc":"2.0","id":1,"method":"ping"}'), 20)
    stage.ends.push(() => clearInterval(chatting))
    for (const client of [idle, chatty])
      expect(await client.closed).to.deep.equal({ code: 4401, reason: 'authenticate within 0.1 s' })
    expect((await known.call('get_camera_list')).error).to.equal(undefined)
    expect(server.sockets()).to.deep.equal({ authenticated: 1, unauthenticated: 0 })
  })

  it('a frame of 16 MB closes its connection and is not kept, also when more follows', async () => {
    const { port, server } = await stage.serve(world.options({ maxMessageSize: 1024 * 1024 }))
    const client = await stage.connect(port, { role: 'admin' })
    const witness = await stage.connect(port, { role: 'viewer' })
    const memory = process.memoryUsage().arrayBuffers
    const frame = Buffer.alloc(16 * 1024 * 1024, 'x')
    client.socket.send(frame.toString('latin1'))
    for (let more = 0; more < 2; more++) client.socket.send(frame.toString('latin1'))
    await client.closed
    await until('the connection is gone', () => server.connections() === 1)
    // The close frame (1009) may be lost behind data that the server no longer reads, so the log decides.
    expect(failures()).to.deep.equal(['Max payload size exceeded'])
    // Three frames of 16 MB and their text are the client's own.
    expect(process.memoryUsage().arrayBuffers - memory).to.be.below(120 * 1024 * 1024)
    expect((await witness.call('get_camera_list')).error).to.equal(undefined)
  })

  it('a client that goes on after such a frame is cut', async () => {
    const { port, server } = await stage.serve(world.options({ maxMessageSize: 1_000 }))
    const socket = raw(port)
    const cut = emitted(socket, 'close')
    socket.write(hello)
    await once(socket, 'data')
    // A masked text frame of 16 MB that arrives slowly, from a client that never closes.
    socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4]))
    const trickle = setInterval(() => socket.write('xxxx'), 20)
    stage.ends.push(() => clearInterval(trickle))
    await within('the connection is cut', cut)
    await until('the server forgets the connection', () => server.connections() === 0)
  })

  it('a message in tens of thousands of fragments closes its connection', async () => {
    const { port } = await stage.serve(world.options({ maxMessageSize: 1024 * 1024 }))
    const client = await stage.connect(port)
    for (let piece = 0; piece < 20_000; piece++) client.socket.send('x', { fin: false })
    await client.closed
    expect(failures()).to.deep.equal(['Too many message fragments'])
  })

  it('JSON that is nested 100,000 deep, or has keys of prototypes, is refused like other bad JSON', async () => {
    const { port } = await stage.serve(world.options({ maxMessageSize: 1024 * 1024 }))
    const client = await stage.connect(port, { role: 'admin' })
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    const [nested] = await client.answersTo(`{"jsonrpc":"2.0","id":1,"method":"get_camera_status","params":${deep}}`)
    expect(nested?.error?.code).to.equal(-32602)
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const params = `{"device":"camera0","${key}":{"role":"admin","isAdmin":true}}`
      const [member] = await client.answersTo(
        `{"jsonrpc":"2.0","id":"k","method":"get_camera_status","params":${params}}`,
      )
      expect(member?.error?.code, key).to.equal(-32602)
      const [called] = await client.answersTo(`{"jsonrpc":"2.0","id":"k","method":"${key}"}`)
      expect(called?.error?.code, key).to.equal(-32601)
      await client.answersTo(`{"jsonrpc":"2.0","id":"k","method":"ping","${key}":{"caller":{"role":"admin"}}}`)
    }
    for (const name of ['role', 'isAdmin', 'caller', 'device']) expect({}).not.to.have.property(name)
    const nobody = await stage.connect(port)
    expect((await nobody.call('get_status', { __proto__: { x: 1 } })).error?.code).to.equal(-32001)
  })

  it('a page of a foreign origin gets 403 for every HTTP request', async () => {
    const { port } = await stage.serve(world.options())
    for (const path of ['/ws', '/files/recordings/x.mp4', '/cameras/camera0/snapshot.jpg', '/other']) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
        for (const origin of ['https://evil.example', 'null', 'http://localhost:3000.evil.example']) {
          const authorization = 'Bearer admin'
          expect(
            await statusOf(port, path, { method, headers: { origin, authorization } }),
            `${method} ${path} ${origin}`,
          ).to.equal(403)
        }
      }
    }
    expect(world.asked).to.deep.equal([])
  })

  it('an address that is not allowed is cut before a byte is read', async () => {
    const { port } = await stage.serve(world.options({}, { allowedIps: ['127.0.0.2', '127.0.1.0/24'] }))
    const cut = raw(port)
    await within('the connection is cut', emitted(cut, 'close'))
    expect(cut.bytesRead).to.equal(0)
    expect(await statusOf(port, '/ws').catch(() => 'cut')).to.equal('cut')
    expect(await upgrade(port).catch(() => 'cut')).to.equal('cut')
    for (const localAddress of ['127.0.0.2', '127.0.1.77'])
      expect((await upgrade(port, { localAddress })).status).to.equal(101)
  })

  it('binary frames, unrequested pongs and half a request do not disturb other clients', async () => {
    const { port } = await stage.serve(world.options({ headersTimeout: 200 }))
    const [binary, ponging, calm] = [
      await stage.connect(port),
      await stage.connect(port),
      await stage.connect(port, { role: 'viewer' }),
    ]
    binary.socket.send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'))
    for (let count = 0; count < 10_000; count++) ponging.socket.pong('x'.repeat(125))
    const half = raw(port)
    const cut = emitted(half, 'close')
    half.write('POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nslow')
    expect((await binary.closed).code).to.equal(1003)
    expect((await calm.call('get_camera_list')).error).to.equal(undefined)
    await within('the half request is cut', cut)
  })
})

describe('the listeners', () => {
  const stage = createStage()
  afterEach(() => stage.end())

  it('count only open connections', async () => {
    const { port } = await stage.serve(createWorld().options({ maxConnections: 2, maxConnectionsPerAddress: 2 }))
    for (let round = 0; round < 300; round++) {
      const socket = connectTcp(port, '127.0.0.1')
      const gone = emitted(socket, 'close')
      await within('the connection opens', once(socket, 'connect'))
      socket.resume().end()
      await within('the connection ends', gone)
    }
    expect((await stage.connect(port)).socket.readyState).to.equal(WebSocket.OPEN)
  })

  it('listen at several addresses with one port, and at none if one of them is taken', async () => {
    const world = createWorld()
    const { port, server } = await stage.serve(world.options({}, { alsoListen: ['127.0.0.5', '::1'] }))
    for (const host of ['127.0.0.1', '127.0.0.5', '[::1]']) {
      const socket = new WebSocket(`ws://${host}:${port}/ws`)
      stage.ends.push(() => socket.terminate())
      await within('the connection opens', once(socket, 'open'))
    }
    expect(server.connections()).to.equal(3)
    const { port: taken } = await stage.serve(world.options({}, { host: '127.0.0.6' }))
    const refused = await stage
      .serve(world.options({}, { port: taken, alsoListen: ['127.0.0.6'] }))
      .catch((error: Error) => error.message)
    expect(refused).to.equal(`the API cannot listen on 127.0.0.6:${taken}: the port is in use`)
    await stage.serve(world.options({}, { port: taken }))
  })
})
