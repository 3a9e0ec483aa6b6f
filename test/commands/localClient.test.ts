import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { expect } from 'chai'
import { NotRunning } from '../../commands/client/service.js'
import { connectLocally } from '../../commands/localClient.js'
import { loadConfiguration } from '../../config/load.js'
import { neverExpires } from '../../machines/domain/access.js'
import { createAuthority, hasOpenssl } from '../rpc/certificates.js'
import { createStage, createWorld } from '../rpc/fakes.js'

describe('local commands and the certificate of the service', () => {
  const stage = createStage()
  let authority: ReturnType<typeof createAuthority>
  before(function () {
    if (!hasOpenssl()) this.skip()
    authority = createAuthority()
    authority.selfSigned('own', 'cameras.example.org')
    authority.sign('signed', '/CN=cameras.example.org')
    authority.selfSigned('stranger', 'cameras.example.org')
  })
  afterEach(() => stage.end())
  after(() => authority?.remove())

  const ask = async (port: number, cert: string, fingerprint?: string) => {
    const env = {
      CAMERA_SERVICE_SERVER_PORT: String(port),
      CAMERA_SERVICE_SERVER_TLS_CERT_FILE: authority.file(cert),
      CAMERA_SERVICE_SERVER_TLS_KEY_FILE: authority.file('own.key'),
      CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k1'.repeat(20),
    }
    const { config } = loadConfiguration({ env })
    const client = await connectLocally(
      { config, fingerprint },
      { env: {}, clock: { now: Date.now, monotonic: () => 0 } },
    )
    try {
      return await client.call('ping')
    } finally {
      client.close()
    }
  }

  for (const name of ['own', 'signed']) {
    it(`trust it: ${name}`, async () => {
      const options = createWorld().options()
      const credentials = {
        ...options.credentials,
        verify: async () => ({ user: 'local', role: 'admin' as const, expiresAt: neverExpires }),
      }
      const tls = {
        certFile: authority.file(`${name}.pem`),
        keyFile: authority.file(`${name}.key`),
        clientCertificate: 'none' as const,
        clients: [],
      }
      const { port } = await stage.serve({ ...options, credentials, tls })
      expect(await ask(port, `${name}.pem`)).to.equal('pong')
    })
  }

  it('trust the one of its start when the file is lost', async () => {
    const options = createWorld().options()
    const verify = async () => ({ user: 'local', role: 'admin' as const, expiresAt: neverExpires })
    const tls = {
      certFile: authority.file('own.pem'),
      keyFile: authority.file('own.key'),
      clientCertificate: 'none' as const,
      clients: [],
    }
    const credentials = { ...options.credentials, verify }
    const { port } = await stage.serve({ ...options, credentials, tls })
    const { fingerprint256 } = new X509Certificate(authority.read('own.pem'))
    expect(await ask(port, 'none.pem', fingerprint256)).to.equal('pong')
    const stranger = new X509Certificate(authority.read('stranger.pem')).fingerprint256
    const error = await ask(port, 'none.pem', stranger).catch((each: unknown) => each)
    expect((error as Error).message).to.include('does not have the certificate')
  })

  it('refuse another one, and send it nothing', async () => {
    let received = 0
    const [key, cert] = ['stranger.key', 'stranger.pem'].map((name) => readFileSync(authority.file(name)))
    const server = createServer({ key, cert }, (socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        received += data.length
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const error = await ask(port, 'own.pem').catch((each: unknown) => each)
      expect(error).to.be.instanceOf(Error).and.not.instanceOf(NotRunning)
      expect((error as Error).message).to.include('does not have the certificate of server.tls.cert_file')
      expect(received).to.equal(0)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('say that no service runs where none listens', async () => {
    expect(await ask(1, 'own.pem').catch((each: unknown) => each)).to.be.instanceOf(NotRunning)
  })

  it('name a certificate that cannot be read', async () => {
    const error = await ask(1, 'none.pem').catch((each: unknown) => each)
    expect((error as Error).message).to.match(/^server\.tls\.cert_file cannot be read: ENOENT/)
  })
})
