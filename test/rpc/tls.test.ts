import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import WebSocket from 'ws'
import { openTls, type TlsFiles } from '../../rpc/tls.js'
import { createAuthority, hasOpenssl } from './certificates.js'
import { Client, createStage, createWorld, type World } from './fakes.js'

const suite = hasOpenssl() ? describe : describe.skip

suite('TLS (with openssl on PATH)', () => {
  const stage = createStage()
  let authority: ReturnType<typeof createAuthority>
  let world: World

  before(() => {
    authority = createAuthority()
    authority.sign('server', '/CN=camera host')
    authority.sign('gate', '/CN=gate')
    authority.sign('stranger', '/CN=stranger')
    authority.sign('twice', '/CN=stranger/CN=gate')
    authority.selfSigned('forged', 'gate')
  })
  after(() => authority.remove())
  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  const files = (changes: Partial<TlsFiles> = {}): TlsFiles => ({
    certFile: authority.file('server.pem'),
    keyFile: authority.file('server.key'),
    clientCertificate: 'none',
    clients: [],
    ...changes,
  })
  const mutual = (clientCertificate: 'optional' | 'required', changes: Partial<TlsFiles> = {}) =>
    files({
      clientCaFile: authority.file('ca.pem'),
      clientCertificate,
      clients: [{ subject: 'gate', user: 'gatekeeper', role: 'operator', cameras: ['camera0'] }],
      ...changes,
    })
  // The certificates are of today: the world's clock has to be too.
  const serve = (tls: TlsFiles) => {
    world.now = Date.now()
    return stage.serve(world.options({}, { tls }))
  }
  const connect = async (port: number, options: WebSocket.ClientOptions = {}) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, { ca: authority.read('ca.pem'), ...options })
    stage.ends.push(() => socket.terminate())
    const client = new Client(socket)
    await Promise.race([once(socket, 'open'), once(socket, 'close').then(() => Promise.reject(new Error('refused')))])
    return client
  }
  const status = (port: number, path: string, options: object = {}) =>
    new Promise<number>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, ca: authority.read('ca.pem'), agent: false, ...options }, (response) =>
        resolve(response.resume().statusCode ?? 0),
      )
        .on('error', reject)
        .end()
    })
  const handshake = async (port: number, options: ConnectionOptions = {}) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.read('ca.pem'), ...options })
    stage.ends.push(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  const refused = (promise: Promise<unknown>) =>
    promise.then(
      () => false,
      () => true,
    )

  it('speaks wss and https on one port, 1.3 first and nothing below 1.2, and nothing else', async () => {
    const { port } = await serve(files())
    expect((await (await connect(port)).call('ping')).result).to.equal('pong')
    expect(await status(port, '/ws')).to.equal(426)
    expect((await handshake(port)).getProtocol()).to.equal('TLSv1.3')
    expect((await handshake(port, { maxVersion: 'TLSv1.2' })).getProtocol()).to.equal('TLSv1.2')
    expect(
      await refused(handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })),
    ).to.equal(true)
    expect(await refused(fetch(`http://127.0.0.1:${port}/ws`))).to.equal(true)
  })

  it('ends a connection that never shakes hands', async () => {
    const { port, server } = await stage.serve(world.options({ headersTimeout: 100 }, { tls: files() }))
    const silent = connectTcp(port, '127.0.0.1').on('error', () => {})
    stage.ends.push(() => silent.destroy())
    silent.resume()
    await once(silent, 'close')
    await (await connect(port)).call('ping')
    expect(server.connections()).to.equal(1)
  })

  it('counts its connections and forgets them', async () => {
    const { port } = await stage.serve(
      world.options({ maxConnections: 4, maxConnectionsPerAddress: 4 }, { tls: files() }),
    )
    for (let round = 0; round < 75; round++) (await connect(port)).socket.terminate()
    expect((await (await connect(port)).call('ping')).result).to.equal('pong')
  })

  describe('of clients', () => {
    it('says who it is from the start, with the rights of the list', async () => {
      const { port } = await serve(mutual('optional'))
      const client = await connect(port, authority.pair('gate'))
      expect((await client.call('get_camera_list')).result).to.deep.include({ total: 1 })
      expect((await client.call('get_camera_status', { device: 'camera1' })).error?.code).to.equal(-32010)
      expect((await client.call('get_status')).error?.code).to.equal(-32002)
      expect(world.audited[0]).to.deep.include({
        event: 'authentication',
        action: 'certificate',
        result: 'ok',
        user: 'gatekeeper',
        role: 'operator',
      })
      expect(world.audited[0]?.credential).to.match(/^certificate:./)
    })

    it('is nobody when no authority of ours has signed it, or the list does not know it', async () => {
      const { port } = await serve(mutual('optional'))
      for (const shown of [authority.pair('forged'), authority.pair('stranger'), authority.pair('twice'), {}]) {
        const client = await connect(port, shown)
        expect((await client.call('get_camera_list')).error?.data.reason).to.equal('auth_required')
        expect((await client.call('authenticate', { auth_token: `viewer/ann/${Date.now() + 60_000}` })).error).to.equal(
          undefined,
        )
      }
    })

    it('may be named by its fingerprint, which no common name can imitate', async () => {
      const subject = new X509Certificate(authority.read('stranger.pem')).fingerprint256
      authority.sign('ape', `/CN=${subject.slice(0, 64)}`)
      const { port } = await serve(mutual('optional', { clients: [{ subject, user: 'ann', role: 'viewer' }] }))
      expect((await (await connect(port, authority.pair('stranger'))).call('get_camera_list')).error).to.equal(
        undefined,
      )
      for (const name of ['gate', 'ape'])
        expect((await (await connect(port, authority.pair(name))).call('get_camera_list')).error?.code).to.equal(-32001)
    })

    it('is required where it is required', async () => {
      const { port } = await serve(mutual('required'))
      expect((await (await connect(port, authority.pair('gate'))).call('get_camera_list')).error).to.equal(undefined)
      for (const name of ['forged', 'stranger']) {
        expect(await refused(connect(port, authority.pair(name))), name).to.equal(true)
      }
      expect(await refused(connect(port))).to.equal(true)
      expect(await refused(status(port, '/ws'))).to.equal(true)
      expect(await status(port, '/ws', authority.pair('gate'))).to.equal(426)
    })

    it('admits no longer than it is valid, and not once it is revoked', async () => {
      const { port, server } = await serve(mutual('optional'))
      const client = await connect(port, authority.pair('gate'))
      await client.call('ping')
      const { fingerprint256, validTo } = new X509Certificate(authority.read('gate.pem'))
      world.now = Date.parse(validTo)
      expect((await client.call('get_camera_list')).error?.data.reason).to.equal('token_expired')
      expect((await (await connect(port, authority.pair('gate'))).call('get_camera_list')).error?.data.reason).to.equal(
        'auth_required',
      )
      world.now = Date.now()
      const second = await connect(port, authority.pair('gate'))
      expect((await second.call('get_camera_list')).error).to.equal(undefined)
      await world.options().credentials.revoke({ kind: 'certificate', id: fingerprint256 }, Date.now())
      expect((await second.call('get_camera_list')).error?.data.reason).to.equal('revoked')
      expect((await (await connect(port, authority.pair('gate'))).call('get_camera_list')).error?.data.reason).to.equal(
        'auth_required',
      )
      expect(server.connections()).to.equal(4)
    })
  })

  describe('of the server', () => {
    const reasonFor = async (tls: TlsFiles) =>
      stage.serve(world.options({}, { tls })).then(
        () => 'none',
        (error: Error) => error.message,
      )

    it('that is not there, or no certificate, or not of the key, is told in one sentence', async () => {
      writeFileSync(authority.file('text.pem'), 'hello\n')
      const at = authority.file
      expect(await reasonFor(files({ certFile: at('absent.pem') }))).to.equal(
        'server.tls.cert_file cannot be read: it does not exist',
      )
      expect(await reasonFor(files({ keyFile: authority.dir }))).to.equal(
        'server.tls.key_file cannot be read: it is a folder',
      )
      expect(await reasonFor(files({ certFile: at('text.pem') }))).to.equal('server.tls.cert_file holds no certificate')
      expect(await reasonFor(files({ keyFile: at('text.pem') }))).to.equal(
        'server.tls.key_file holds no private key that opens without a passphrase',
      )
      expect(await reasonFor(files({ keyFile: at('gate.key') }))).to.equal(
        'server.tls.key_file is not the key of server.tls.cert_file',
      )
      expect(await reasonFor(mutual('required', { clientCaFile: at('text.pem') }))).to.equal(
        'server.tls.client_ca_file holds no certificate',
      )
    })

    it('is read again when the files change; a pair that does not fit leaves the old one', async () => {
      for (const name of ['first', 'second']) authority.sign(name, `/CN=${name}`)
      const [certFile, keyFile] = [authority.file('live.pem'), authority.file('live.key')]
      const put = (name: string) => {
        authority.copy(`${name}.pem`, 'live.pem')
        authority.copy(`${name}.key`, 'live.key')
      }
      put('first')
      const { port } = await serve(files({ certFile, keyFile }))
      const shown = async () => (await handshake(port)).getPeerCertificate().subject.CN
      const shows = async (name: string) => {
        while ((await shown()) !== name) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      const running = await connect(port)
      expect(await shown()).to.equal('first')
      put('second')
      await shows('second')
      authority.copy('first.key', 'live.key')
      while (!world.logged.some(({ level }) => level === 'warn'))
        await new Promise((resolve) => setTimeout(resolve, 20))
      expect(await shown()).to.equal('second')
      expect(world.logged.find(({ level }) => level === 'warn')?.fields).to.deep.equal({
        reason: 'server.tls.key_file is not the key of server.tls.cert_file',
      })
      rmSync(certFile)
      authority.copy('first.pem', 'live.pem')
      await shows('first')
      expect((await running.call('ping')).result).to.equal('pong')
      expect(JSON.stringify(world.logged)).not.to.include(authority.dir)
    })

    it('that is no good is told of once, however often it is looked at', async () => {
      authority.copy('server.pem', 'bad.pem')
      authority.copy('server.key', 'bad.key')
      const { log } = world.options()
      const tls = openTls({
        files: files({ certFile: authority.file('bad.pem'), keyFile: authority.file('bad.key') }),
        log,
        settle: 5,
      })
      stage.ends.push(tls.watch(() => {}))
      authority.copy('gate.pem', 'bad.pem')
      while (world.logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      for (let touch = 0; touch < 10; touch++) {
        writeFileSync(authority.file('other'), String(touch))
        await new Promise((resolve) => setTimeout(resolve, 15))
      }
      expect(world.logged).to.have.length(1)
    })

    it('is watched until that is over', async () => {
      authority.copy('server.pem', 'watched.pem')
      authority.copy('server.key', 'watched.key')
      const { log } = world.options()
      const tls = openTls({
        files: files({ certFile: authority.file('watched.pem'), keyFile: authority.file('watched.key') }),
        log,
        settle: 10,
      })
      let changes = 0
      tls.watch(() => {
        changes += 1
      })()
      authority.copy('gate.pem', 'watched.pem')
      authority.copy('gate.key', 'watched.key')
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(changes).to.equal(0)
    })
  })
})
