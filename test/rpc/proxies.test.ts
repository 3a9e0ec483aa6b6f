import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import WebSocket from 'ws'
import type { RpcOptions } from '../../rpc/options.js'
import { createClientAddress } from '../../rpc/proxies.js'
import { createStage, createWorld, type World } from './fakes.js'

describe('behind a reverse proxy', () => {
  const stage = createStage()
  let world: World
  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  describe('the address of a client', () => {
    const found = (remoteAddress: string, forwarded: string | undefined, trusted = ['10.0.0.0/8', '::1']) =>
      createClientAddress(trusted)({
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
        socket: { remoteAddress },
      } as unknown as IncomingMessage)

    it('is that of its connection, unless that is a trusted proxy', () => {
      expect(found('203.0.113.5', '198.51.100.7')).to.equal('203.0.113.5')
      expect(found('10.0.0.2', '198.51.100.7', [])).to.equal('10.0.0.2')
      expect(found('10.0.0.2', '198.51.100.7')).to.equal('198.51.100.7')
      expect(found('::ffff:10.0.0.2', '2001:DB8:0::5')).to.equal('2001:db8::5')
      expect(found('::1', '[2001:db8::5]')).to.equal('2001:db8::5')
    })

    it('is the last one that no trusted proxy has: a client can write the rest', () => {
      expect(found('10.0.0.2', '192.0.2.66, 198.51.100.7')).to.equal('198.51.100.7')
      expect(found('10.0.0.2', '192.0.2.66, 198.51.100.7, 10.0.0.3')).to.equal('198.51.100.7')
      expect(found('10.0.0.2', '10.0.0.9')).to.equal('10.0.0.9')
    })

    it('is that of the proxy if it names none', () => {
      for (const nothing of [undefined, '', 'unknown', '198.51.100.7:4711x', 'a.example', '198.51.100.7,'])
        expect(found('10.0.0.2', nothing), String(nothing)).to.equal('10.0.0.2')
    })
  })

  const serve = (changes: Partial<RpcOptions>, prefix?: string) => {
    const options = world.options()
    return stage.serve({ ...options, urls: { ...options.urls, ...(prefix && { prefix }) }, ...changes })
  }
  const forwardedFor = (address: string) => ({ headers: { 'X-Forwarded-For': address } })
  const sessionAddress = async (port: number, address: string) => {
    const admin = await stage.connect(port, { role: 'admin', ...forwardedFor(address) })
    return (await admin.call('list_sessions')).result.sessions.at(-1).address
  }

  it('sessions have the address that a trusted proxy names, and only that', async () => {
    const trusting = await serve({ trustedProxies: ['127.0.0.1'] })
    expect(await sessionAddress(trusting.port, '198.51.100.7')).to.equal('198.51.100.7')
    const plain = await serve({})
    expect(await sessionAddress(plain.port, '198.51.100.7')).to.equal('127.0.0.1')
  })

  it('signed URLs are bound to the client, not to the proxy', async () => {
    const options = world.options()
    const urls = { ...options.urls, bindAddress: true }
    const { port } = await serve({ trustedProxies: ['127.0.0.1'], urls })
    const viewer = await stage.connect(port, { role: 'viewer', ...forwardedFor('198.51.100.7') })
    const { result } = await viewer.call('get_stream_url', { device: 'camera0' })
    const sig = new URL(result.stream_url).searchParams.get('sig') ?? ''
    const grantFor = (address: string) => options.links.verify(sig, { subject: 'stream:camera0', address })
    expect(grantFor('198.51.100.7').address).to.equal('198.51.100.7')
    expect(() => grantFor('127.0.0.1')).to.throw()
  })

  it('each client has its own limit of connections', async () => {
    const { limits } = world.options()
    const { port } = await serve({
      trustedProxies: ['127.0.0.1'],
      limits: { ...limits, maxConnectionsPerAddress: 1 },
    })
    for (const address of ['198.51.100.7', '198.51.100.8']) await stage.connect(port, forwardedFor(address))
    const third = new WebSocket(`ws://127.0.0.1:${port}/ws`, forwardedFor('198.51.100.7'))
    stage.ends.push(() => third.terminate())
    const [, response] = await once(
      third.on('error', () => {}),
      'unexpected-response',
    )
    expect(response.statusCode).to.equal(429)
  })

  it('the client must be allowed, not the proxy', async () => {
    const { port } = await serve({ trustedProxies: ['127.0.0.1'], allowedIps: ['198.51.100.0/24'] })
    const statusFor = async (address: string) =>
      (await fetch(`http://127.0.0.1:${port}/files/recordings/x`, forwardedFor(address))).status
    expect(await statusFor('198.51.100.7')).to.equal(401)
    expect(await statusFor('203.0.113.5')).to.equal(403)
    await stage.connect(port, forwardedFor('198.51.100.7'))
    const foreign = new WebSocket(`ws://127.0.0.1:${port}/ws`, forwardedFor('203.0.113.5'))
    stage.ends.push(() => foreign.terminate())
    const [, response] = await once(
      foreign.on('error', () => {}),
      'unexpected-response',
    )
    expect(response.statusCode).to.equal(403)
  })

  it('addresses of pictures and files begin with its path, and work with and without it', async () => {
    const { port } = await serve({}, '/cameras-of/house')
    const viewer = await stage.connect(port, { role: 'viewer' })
    const { snapshot_url: picture } = (await viewer.call('get_stream_url', { device: 'camera0' })).result
    expect(picture).to.match(/^\/cameras-of\/house\/cameras\/camera0\/snapshot\.jpg\?sig=/)
    const { files } = (await viewer.call('list_snapshots')).result
    expect(files[0].download_url).to.match(/^\/cameras-of\/house\/files\/snapshots\//)
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    const behind = await statusOf(picture)
    expect(behind).to.equal(await statusOf(picture.replace('/cameras-of/house', '')))
    expect(behind).to.not.be.oneOf([401, 404])
    const socket = new WebSocket(`ws://127.0.0.1:${port}/cameras-of/house/ws`)
    stage.ends.push(() => socket.terminate())
    await once(socket, 'open')
    expect(await statusOf('/cameras-of/houses/ws')).to.equal(404)
  })
})
