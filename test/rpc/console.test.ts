import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import WebSocket from 'ws'
import type { RpcOptions } from '../../rpc/options.js'
import { createSignIn } from '../../rpc/signIn.js'
import { createStage, createWorld, noon, type World } from './fakes.js'

const html = 'text/html,application/xhtml+xml'

describe('the console', () => {
  const stage = createStage()
  let world: World
  let dir: string

  beforeEach(async () => {
    world = createWorld()
    dir = await mkdtemp(join(tmpdir(), 'console-'))
    await writeFile(join(dir, 'index.html'), '<meta name="websocket-path" content="/ws"><p>console</p>')
    await writeFile(join(dir, 'console.js'), 'const a = 1')
  })
  afterEach(async () => {
    await stage.end()
    await rm(dir, { recursive: true })
  })

  const serve = (changes: Partial<RpcOptions> = {}) => stage.serve(world.options({}, { console: { dir }, ...changes }))
  const get = (port: number, path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path, method, agent: false, headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      })
      sent.on('error', reject)
      sent.end()
    })

  it('is a page for browsers at /, which knows the path of the WebSocket', async () => {
    const { port } = await serve({ path: '/api/ws' })
    const { status, headers, body } = await get(port, '/', { accept: html })
    expect(status).to.equal(200)
    expect(headers['content-type']).to.equal('text/html; charset=utf-8')
    expect(body.toString()).to.equal('<meta name="websocket-path" content="/api/ws"><p>console</p>')
  })

  it('leaves the replies to other clients as they are', async () => {
    const { port } = await serve()
    for (const accept of ['*/*', 'application/json']) {
      const { status, body } = await get(port, '/', { accept })
      expect(status, accept).to.equal(404)
      const { suggestion } = JSON.parse(body.toString()).error.data
      expect(suggestion).to.equal(
        'Programs connect to the WebSocket at /ws; a browser gets the console, if it is enabled',
      )
    }
    expect((await get(port, '/ws', { accept: html })).status).to.equal(426)
    expect((await get(port, '/other', { accept: html })).status).to.equal(404)
    expect((await get(port, '/constructor', { accept: html })).status).to.equal(404)
  })

  it('allows nothing inline or from elsewhere, and connections to the media server only', async () => {
    const { port } = await serve()
    const { headers } = await get(port, '/', { accept: html, host: `cam.local:${port}` })
    expect(String(headers['content-security-policy']).split('; ')).to.deep.equal([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob: data:",
      "media-src 'self' blob: http://cam.local:8888",
      `connect-src 'self' ws://cam.local:${port} http://cam.local:8889 http://cam.local:8888`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
    expect(headers).to.include({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
    expect(headers).not.to.have.any.keys('set-cookie', 'access-control-allow-origin')
  })

  it('cannot be given a policy by the Host header', async () => {
    const { port } = await serve()
    const { headers } = await get(port, '/', { accept: html, host: "evil.example; script-src 'unsafe-inline'" })
    expect(String(headers['content-security-policy'])).not.to.match(/evil|unsafe/)
  })

  it('is compressed if the browser accepts it, and is not sent again while it is the same', async () => {
    const { port } = await serve()
    const zipped = await get(port, '/console.js', { 'accept-encoding': 'gzip, br' })
    expect(zipped.headers['content-encoding']).to.equal('gzip')
    expect(gunzipSync(zipped.body).toString()).to.equal('const a = 1')
    const plain = await get(port, '/console.js')
    expect(plain.headers['content-encoding']).to.equal(undefined)
    expect(plain.body.toString()).to.equal('const a = 1')
    const again = await get(port, '/console.js', { 'if-none-match': String(plain.headers.etag) })
    expect([again.status, again.body.length]).to.deep.equal([304, 0])
    const head = await get(port, '/console.js', {}, 'HEAD')
    expect([head.status, head.body.length, head.headers['content-length']]).to.deep.equal([200, 0, '11'])
    expect((await get(port, '/console.js', {}, 'POST')).status).to.equal(405)
  })

  it('that is not built is not found, and the reply says what to do', async () => {
    const { port } = await serve()
    const { status, body } = await get(port, '/console.css')
    expect(status).to.equal(404)
    expect(JSON.parse(body.toString()).error.data.suggestion).to.equal('Build the service again: make build')
    expect(body.toString()).not.to.contain(dir)
    await writeFile(join(dir, 'console.css'), 'p {}')
    expect((await get(port, '/console.css')).status).to.equal(200)
  })

  it('counts against the rate limit of the address', async () => {
    const { port } = await stage.serve(
      world.options({ rate: { requests: 2, addressRequests: 2, window: 60_000 } }, { console: { dir } }),
    )
    const statuses = []
    for (let n = 0; n < 3; n += 1) statuses.push((await get(port, '/', { accept: html })).status)
    expect(statuses).to.deep.equal([200, 200, 429])
  })

  describe('its origin', () => {
    const outcome = async (port: number, origin: string, host: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin, headers: { host } })
      stage.ends.push(() => socket.terminate())
      socket.on('error', () => {})
      await once(socket, 'open')
      const refused = once(socket, 'close').then(([code]) => code)
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }))
      return Promise.race([refused, once(socket, 'message').then(([data]) => JSON.parse(String(data)).result)])
    }

    it('may connect if the host is an address, localhost, this host or the public host', async () => {
      const { port } = await serve({ publicHost: 'cams.example.org' })
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `cams.example.org:${port}`])
        expect(await outcome(port, `http://${host}`, host), host).to.equal('pong')
    })

    it('may not connect under a foreign name that resolves to this host', async () => {
      const { port } = await serve()
      expect(await outcome(port, `http://evil.example:${port}`, `evil.example:${port}`)).to.equal(4403)
    })

    it('is that of the same host, port and protocol only', async () => {
      const { port } = await serve()
      const host = `127.0.0.1:${port}`
      for (const origin of [`https://${host}`, 'http://127.0.0.1:1', `http://localhost:${port}`])
        expect(await outcome(port, origin, host), origin).to.equal(4403)
    })

    it('is refused while the console is off', async () => {
      const { port } = await stage.serve(world.options())
      const host = `127.0.0.1:${port}`
      expect(await outcome(port, `http://${host}`, host)).to.equal(4403)
      expect((await get(port, '/', { accept: html })).status).to.equal(404)
    })
  })

  describe('a sign-in code', () => {
    const issued: object[] = []
    const create = () => {
      issued.length = 0
      const issue = async (claims: { role: string }) => {
        issued.push(claims)
        return claims.role
      }
      return createSignIn({ tokens: { issue }, clock: { now: () => noon, monotonic: () => world.now } })
    }

    it('is exchanged for a token of its role, once', async () => {
      const signIn = create()
      const { port } = await serve({ signIn })
      const { code } = signIn.createCode({ user: 'console', role: 'operator' })
      const client = await stage.connect(port)
      const { result } = await client.call('redeem_sign_in', { code })
      expect(result).to.deep.equal({ token: 'operator', role: 'operator', expires_at: '2025-06-01T20:00:00.000Z' })
      expect(issued).to.have.length(1)
      expect(issued[0]).to.include({ user: 'console', role: 'operator', expiresIn: 8 * 3_600_000 })
      const { error } = await client.call('redeem_sign_in', { code })
      expect([error?.code, error?.data.reason]).to.deep.equal([-32001, 'sign_in_code_invalid'])
      expect((await client.call('get_camera_list')).error?.code).to.equal(-32001)
    })

    it('gives one token to several requests at once', async () => {
      const signIn = create()
      const { code } = signIn.createCode({ user: 'console', role: 'admin' })
      const all = await Promise.all([signIn.redeem(code), signIn.redeem(code), signIn.redeem(code)])
      expect(all.filter((one) => one !== undefined)).to.have.length(1)
    })

    it('expires after ten minutes, and is dropped when there are many newer ones', async () => {
      const signIn = create()
      const { code, life } = signIn.createCode({ user: 'console', role: 'admin' })
      world.now += life
      expect(await signIn.redeem(code)).to.equal(undefined)
      expect(life).to.equal(600_000)
      const first = signIn.createCode({ user: 'console', role: 'admin' })
      const others = Array.from({ length: 16 }, () => signIn.createCode({ user: 'console', role: 'admin' }))
      expect(await signIn.redeem(first.code)).to.equal(undefined)
      expect(await signIn.redeem(others[0]?.code ?? '')).not.to.equal(undefined)
    })

    it('that is wrong counts as a failed login, and is audited without the code', async () => {
      const { port } = await stage.serve(
        world.options(
          { rate: { requests: 1_000, window: 60_000, failures: 2 } },
          { console: { dir }, signIn: create() },
        ),
      )
      const client = await stage.connect(port)
      const reasons = []
      for (let n = 0; n < 4; n += 1)
        reasons.push((await client.call('redeem_sign_in', { code: 'guessed-code' })).error?.data.reason)
      expect(reasons.slice(0, 3)).to.deep.equal(Array(3).fill('sign_in_code_invalid'))
      expect(reasons[3]).to.equal('too_many_failed_authentications')
      expect(world.audited[0]).to.include({ event: 'authentication', action: 'redeem_sign_in', result: 'refused' })
      expect(JSON.stringify([world.audited, world.logged])).not.to.contain('guessed-code')
    })
  })
})
