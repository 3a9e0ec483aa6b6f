import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { expect } from 'chai'
import { createPipelines } from '../../../adapters/ffmpeg/pipelines.js'
import { pathBody } from '../../../adapters/mediamtx/pathBody.js'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import type { RtspAccess } from '../../../machines/domain/camera.js'
import { freePort } from '../../support/ports.js'
import { failure, log, never, systemClock } from '../ffmpeg/support.js'
import { startFake } from './fake.js'
import { hasProgram, onDemand, type RealServer, startMediaMtx } from './mediamtx.js'

const suite = hasProgram('openssl') ? describe : describe.skip
const withServer = hasProgram('mediamtx') ? it : it.skip

suite('a camera with TLS and a certificate of its own (with openssl on PATH)', () => {
  let dir = ''
  let fingerprint = ''
  const at = (name: string) => join(dir, name)
  const reader = (port = 1) => createStreamReader({ host: '127.0.0.1', port, log })
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'tls-'))
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', 'key.pem']
    const request = ['req', '-x509', '-nodes', ...key, '-out', 'cert.pem', '-subj', '/CN=camera']
    execFileSync('openssl', request, { cwd: dir, stdio: 'ignore' })
    const { fingerprint256 } = new X509Certificate(readFileSync(at('cert.pem')))
    fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
  })
  after(() => rmSync(dir, { recursive: true }))

  it('gets no request before its certificate is trusted, and the reason tells its fingerprint', async () => {
    let received = ''
    const server = createServer({ key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) }, (socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        received += chunk.toString()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `rtsps://ann:secret@127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/live`
    const refused = 'certificate_untrusted: the certificate of the camera is not trusted: its SHA-256 fingerprint is'
    expect(await failure(reader().describe(url, never))).to.equal(
      `${refused} ${fingerprint}; compare it with the camera, then set \`fingerprint\` in its entry`,
    )
    expect(await failure(reader().describe(url, never, { fingerprint: 'ab'.repeat(32) }))).to.equal(
      `${refused} ${fingerprint}; \`fingerprint\` in its entry is another one`,
    )
    expect(received).to.equal('')
    server.close()
    await once(server, 'close')
  })

  describe('is read by the media server', () => {
    const servers: RealServer[] = []
    afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())))

    /** The path that the service writes for the camera. */
    const pathOf = async (url: string, access: RtspAccess) => {
      const pipelines = await createPipelines({
        runDir: dir,
        mark: 'm',
        log,
        clock: systemClock,
        publishHost: '127.0.0.1',
        mayBeHidden: () => false,
      })
      const pipeline = { kind: 'pull', mode: { fourcc: 'H264', width: 0, height: 0, fps: 0 }, reason: '' } as const
      const spec = pipelines.spec('camera0', { kind: 'rtsp', name: 'yard', url, ...access }, pipeline)
      await pipelines.close()
      const times = { closeAfter: 1_000, startTimeout: 10_000, partDuration: 200, segmentDuration: 3_600_000 }
      const body = pathBody(spec, false, { ...times, recordPath: '/tmp/%path/%Y-%m-%d_%H-%M-%S-%f' })
      return `  camera0: ${JSON.stringify(body)}`
    }
    const camera = async (...settings: string[]) => {
      const x264 = '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 15'
      const server = await startMediaMtx(onDemand('yard', x264), ...settings)
      servers.push(server)
      return server
    }
    const serving = async (path: string) => {
      const server = await startMediaMtx(path)
      servers.push(server)
      return server
    }

    /** A camera with TLS, and its URL. With a second address its media may come by UDP. */
    const secureCamera = async (...settings: string[]) => {
      const port = await freePort()
      const server = await camera(
        'rtspEncryption: optional',
        `rtspsAddress: 127.0.0.1:${port}`,
        `rtspServerKey: ${at('key.pem')}`,
        `rtspServerCert: ${at('cert.pem')}`,
        ...settings,
      )
      // The query is what some cameras print for encrypted media.
      return { server, url: `rtsps://127.0.0.1:${port}/yard?enableSrtp` }
    }

    withServer('over TLS with the fingerprint, its media encrypted too (SRTP)', async () => {
      const { server: yard, url } = await secureCamera()
      expect(await reader().describe(url, never, { fingerprint })).to.include({ codec: 'H264', width: 322 })
      const server = await serving(await pathOf(url, { fingerprint, transport: 'tcp' }))
      expect((await reader(server.rtspPort).keyframe('camera0', never)).length).to.be.greaterThan(500)
      expect(await yard.secureReaders()).to.containSubset([{ transport: 'TCP', profile: 'SAVP' }])
    })

    withServer('over TLS, with its media encrypted by UDP', async () => {
      const port = await evenPort()
      const settings = [
        'rtspTransports: [tcp, udp]',
        ...['rtp', 'srtp'].flatMap((name, index) => addresses(name, port + 2 * index)),
      ]
      const { server: yard, url } = await secureCamera(...settings)
      const server = await serving(await pathOf(url, { fingerprint, transport: 'udp' }))
      expect((await reader(server.rtspPort).keyframe('camera0', never)).length).to.be.greaterThan(500)
      expect(await yard.secureReaders()).to.containSubset([{ transport: 'UDP', profile: 'SAVP' }])
    })

    withServer('not over TLS with another fingerprint', async () => {
      const { url } = await secureCamera()
      const other = await serving(await pathOf(url, { fingerprint: 'ab'.repeat(32) }))
      const { code = '' } = await reader(other.rtspPort)
        .keyframe('camera0', never)
        .catch((error: Error & { code?: string }) => error as { code?: string })
        .then((result) => ('code' in result ? result : {}))
      expect(code).to.be.oneOf(['stream_not_found', 'not_started_in_time'])
    })

    withServer('with the password of a file, and by the transport of its entry', async () => {
      const password = 'p@ss_w.d'
      const users = [{ user: 'ann', pass: password, permissions: [{ action: 'read' }] }]
      const publisher = { user: 'any', permissions: [{ action: 'publish' }, { action: 'api' }] }
      const { rtspPort } = await camera(`authInternalUsers: ${JSON.stringify([...users, publisher])}`)
      writeFileSync(at('password'), `${password}\n`)
      const url = `rtsp://127.0.0.1:${rtspPort}/yard`
      const access = { user: 'ann', passwordFile: at('password'), transport: 'tcp' } as const
      expect(await reader().describe(url, never, access)).to.include({ codec: 'H264' })
      const server = await serving(await pathOf(url, access))
      expect((await reader(server.rtspPort).keyframe('camera0', never)).length).to.be.greaterThan(500)
      expect(await failure(reader().describe(url, never))).to.match(
        /^source_refused: the camera demands a user and a password \(401\)/,
      )
      expect(await failure(reader().describe(url, never, { user: 'ann', passwordFile: at('nothing') }))).to.equal(
        'source_refused: the password file of the camera cannot be read (ENOENT)',
      )
    })
  })

  it('is asked by OPTIONS alone, if that is wanted', async () => {
    const { port, asked, stop } = await startFake(() => ({ status: 200 }))
    await reader().reach(`rtsp://127.0.0.1:${port}/live`, never)
    expect(asked).to.deep.equal([`OPTIONS rtsp://127.0.0.1:${port}/live`])
    await stop()
  })

  it('is reached by an IPv6 address with a zone, which is not sent', async () => {
    const server = await startFake(() => ({ status: 200 }), '::1')
    await reader().reach(`rtsp://[::1%25lo]:${server.port}/live`, never)
    expect(server.asked).to.deep.equal([`OPTIONS rtsp://[::1]:${server.port}/live`])
    await server.stop()
  })
})

/** Media by UDP needs an even port, and the next one for its reports. */
async function evenPort(): Promise<number> {
  const port = await freePort()
  return port % 2 === 0 ? port : evenPort()
}

const addresses = (name: string, port: number): string[] => [
  `${name}Address: 127.0.0.1:${port}`,
  `${name.replace('rtp', 'rtcp')}Address: 127.0.0.1:${port + 1}`,
]
