import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { connectTo, NotRunning, type Tls } from '../../commands/client/service.js'
import { transfer } from '../../commands/client/transfer.js'
import { failure } from '../../commands/outcome.js'
import { localTls } from '../../commands/ownCertificate.js'
import { parseConfiguration } from '../../config/load.js'
import { createAuthority, hasOpenssl } from '../rpc/certificates.js'
import { createStage, createWorld } from '../rpc/fakes.js'
import { fakeScreen } from './fakeClient.js'

const suite = hasOpenssl() ? describe : describe.skip

suite('a service with TLS, for the command line (with openssl on PATH)', () => {
  const stage = createStage()
  let authority: ReturnType<typeof createAuthority>
  before(() => {
    authority = createAuthority()
    authority.sign('server', '/CN=camera host')
  })
  after(() => authority.remove())
  afterEach(() => stage.end())

  /** Of a service with this certificate in its configuration. */
  const ofHost = (certificate: string) => {
    const env = {
      CAMERA_SERVICE_SERVER_TLS_CERT_FILE: authority.file(certificate),
      CAMERA_SERVICE_SERVER_TLS_KEY_FILE: authority.file('server.key'),
    }
    return localTls(parseConfiguration({ env }).config)
  }

  const serve = async () => {
    const world = createWorld()
    // The certificates are valid from today on.
    world.now = Date.now()
    const tls = {
      certFile: authority.file('server.pem'),
      keyFile: authority.file('server.key'),
      clientCertificate: 'none' as const,
      clients: [],
    }
    const { port } = await stage.serve(world.options({}, { tls }))
    return (trusted: Tls) =>
      connectTo({
        url: `wss://127.0.0.1:${port}/ws`,
        credential: `admin/ann/${world.now + 3_600_000}`,
        tls: trusted,
      })
  }

  it('is trusted by the certificate of a profile, and not without it', async () => {
    const connect = await serve()
    const { client } = await connect({ ca: authority.read('ca.pem') })
    expect(await client.call('ping')).to.equal('pong')
    client.close()
    const refused = await connect({}).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(NotRunning)
    expect((refused as Error).message).to.match(
      /: its TLS certificate is not (trusted on this host|for 127\.0\.0\.1); /,
    )
  })

  it('is trusted on its own host, although its certificate has another name', async () => {
    const { client } = await (await serve())(await ofHost('server.pem'))
    expect(await client.call('ping')).to.equal('pong')
    client.close()
  })

  describe('sends files', () => {
    let server: Server
    let dir: string
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
      const { cert, key } = authority.pair('server')
      server = createServer({ cert, key }, (_, response) => response.end('media'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    })
    afterEach(async () => {
      server.close()
      await rm(dir, { recursive: true, force: true })
    })

    const get = (tls: Tls) => {
      const address = server.address()
      const url = `wss://127.0.0.1:${typeof address === 'object' && address?.port}/ws`
      const ports = {
        screen: fakeScreen().screen,
        signal: new AbortController().signal,
        clock: { now: () => 0, monotonic: () => 0 },
        output: process.stdout,
      }
      return transfer({ url, tls }, { path: '/files/a', name: 'a', to: join(dir, 'a'), force: true }, ports)
    }

    it('to clients that trust it', async () => {
      expect(await get({ ca: authority.read('ca.pem') })).to.equal(5)
      expect(await get(await ofHost('server.pem'))).to.equal(5)
      expect(await readFile(join(dir, 'a'), 'utf8')).to.equal('media')
    })

    it('and to no others', async () => {
      const { status, err } = failure(await get({}).catch((error: unknown) => error))
      expect(status).to.equal(69)
      expect(err).to.match(/^camera-service: the download has failed: .*certificate/)
    })

    it('not to the commands of a host whose service has another certificate', async () => {
      const { err } = failure(await get(await ofHost('ca.pem')).catch((error: unknown) => error))
      expect(err).to.contain('does not have the certificate of server.tls.cert_file')
    })
  })
})
