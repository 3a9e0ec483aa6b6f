import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
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
  // The certificates are valid from today on, so the clock of the world is today's.
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

  it('serves wss and https on one port, TLS 1.3 first, nothing below 1.2, and no plain HTTP', async () => {
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

  it('closes a connection without a handshake', async () => {
    const { port, server } = await stage.serve(world.options({ headersTimeout: 100 }, { tls: files() }))
    const silent = connectTcp(port, '127.0.0.1').on('error', () => {})
    stage.ends.push(() => silent.destroy())
    silent.resume()
    await once(silent, 'close')
    await (await connect(port)).call('ping')
    expect(server.connections()).to.equal(1)
  })

  it('counts only the connections that are open', async () => {
    const { port } = await stage.serve(
      world.options({ maxConnections: 4, maxConnectionsPerAddress: 4 }, { tls: files() }),
    )
    for (let round = 0; round < 75; round++) (await connect(port)).socket.terminate()
    expect((await (await connect(port)).call('ping')).result).to.equal('pong')
  })

  describe('a client certificate', () => {
    it('authenticates the connection from the start, with the rights of the list', async () => {
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

    it('authenticates nobody if it is signed by another authority or is not on the list', async () => {
      const { port } = await serve(mutual('optional'))
      for (const shown of [authority.pair('forged'), authority.pair('stranger'), authority.pair('twice'), {}]) {
        const client = await connect(port, shown)
        expect((await client.call('get_camera_list')).error?.data.reason).to.equal('auth_required')
        expect((await client.call('authenticate', { auth_token: `viewer/ann/${Date.now() + 60_000}` })).error).to.equal(
          undefined,
        )
      }
    })

    it('can be named by its fingerprint, which no common name can imitate', async () => {
      const subject = new X509Certificate(authority.read('stranger.pem')).fingerprint256
      authority.sign('ape', `/CN=${subject.slice(0, 64)}`)
      const { port } = await serve(mutual('optional', { clients: [{ subject, user: 'ann', role: 'viewer' }] }))
      expect((await (await connect(port, authority.pair('stranger'))).call('get_camera_list')).error).to.equal(
        undefined,
      )
      for (const name of ['gate', 'ape'])
        expect((await (await connect(port, authority.pair(name))).call('get_camera_list')).error?.code).to.equal(-32001)
    })

    it('is required if the configuration says so', async () => {
      const { port } = await serve(mutual('required'))
      expect((await (await connect(port, authority.pair('gate'))).call('get_camera_list')).error).to.equal(undefined)
      for (const name of ['forged', 'stranger']) {
        expect(await refused(connect(port, authority.pair(name))), name).to.equal(true)
      }
      expect(await refused(connect(port))).to.equal(true)
      expect(await refused(status(port, '/ws'))).to.equal(true)
      expect(await status(port, '/ws', authority.pair('gate'))).to.equal(426)
    })

    it('admits nobody after its end or its revocation', async () => {
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

  describe('the server certificate', () => {
    const reasonFor = async (tls: TlsFiles) =>
      stage.serve(world.options({}, { tls })).then(
        () => 'none',
        (error: Error) => error.message,
      )

    it('stops the start with one sentence if it is missing, no certificate, or not of the key', async () => {
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

    describe('in files that change', () => {
      /** Every change is noticed within this time (ms). */
      const notice = 10_000
      const [certFile, keyFile] = ['live.pem', 'live.key']
      let timers: SinonFakeTimers

      before(() => {
        for (const name of ['first', 'second']) authority.sign(name, `/CN=${name}`)
      })
      beforeEach(() => {
        put('first')
        timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      })
      afterEach(() => timers.restore())

      const put = (name: string) => {
        authority.copy(`${name}.pem`, certFile)
        authority.copy(`${name}.key`, keyFile)
      }
      const live = () => files({ certFile: authority.file(certFile), keyFile: authority.file(keyFile) })
      const messages = () =>
        world.logged.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level}: ${message}`)
      const readAgain = 'info: the certificate of the server was read again'
      const unusable = 'warn: the new certificate of the server cannot be used; the old one stays'

      it('is used for new connections, if certificate and key fit together', async () => {
        const { port, server } = await serve(live())
        const shown = async () => (await handshake(port)).getPeerCertificate().subject.CN
        const running = await connect(port)
        expect(await shown()).to.equal('first')
        put('second')
        timers.tick(notice)
        expect(await shown()).to.equal('second')
        authority.copy('first.key', keyFile)
        timers.tick(notice)
        expect(await shown()).to.equal('second')
        rmSync(authority.file(certFile))
        timers.tick(notice)
        expect(await shown()).to.equal('second')
        authority.copy('first.pem', certFile)
        timers.tick(notice)
        expect(await shown()).to.equal('first')
        expect((await running.call('ping')).result).to.equal('pong')
        await server.stop('the test is over')
        put('second')
        timers.tick(notice)
        expect(messages()).to.deep.equal([readAgain, unusable, unusable, readAgain])
        expect(world.logged.filter(({ level }) => level === 'warn').map(({ fields }) => fields?.reason)).to.deep.equal([
          'server.tls.key_file is not the key of server.tls.cert_file',
          'server.tls.cert_file cannot be read: it does not exist',
        ])
        expect(JSON.stringify(world.logged)).not.to.include(authority.dir)
      })

      it('is logged once if it cannot be used, however often it is read', () => {
        const changes: unknown[] = []
        stage.ends.push(openTls({ files: live(), log: world.options().log }).watch((context) => changes.push(context)))
        authority.copy('second.pem', certFile)
        timers.tick(10 * notice)
        expect(messages()).to.deep.equal([unusable])
        expect(changes).to.deep.equal([])
        authority.copy('second.key', keyFile)
        timers.tick(10 * notice)
        expect(messages()).to.deep.equal([unusable, readAgain])
        expect(changes).to.have.length(1)
      })

      it('is watched until the watch is ended', () => {
        const { log } = world.options()
        const changes: string[] = []
        const endOne = openTls({ files: live(), log }).watch(() => changes.push('one'))
        stage.ends.push(openTls({ files: live(), log }).watch(() => changes.push('other')))
        put('second')
        timers.tick(notice)
        expect(changes).to.deep.equal(['one', 'other'])
        endOne()
        put('first')
        timers.tick(notice)
        expect(changes).to.deep.equal(['one', 'other', 'other'])
      })
    })
  })
})
