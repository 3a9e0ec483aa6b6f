import { request } from 'node:https'
import { expect } from 'chai'
import { realVersion, removeFolder, startMediaServer, temporaryFolder } from '../contract/mediaServer/servers.js'
import { createAuthority, hasOpenssl } from '../rpc/certificates.js'
import { freePorts } from '../support/ports.js'
import { type Service, startService, virtual } from './service.js'

interface Camera {
  streams: { rtsp: string; hls: string; webrtc: string }
}

const suite = realVersion !== undefined && hasOpenssl() ? describe : describe.skip

suite(`TLS of MediaMTX ${realVersion ?? ''} (with openssl on PATH)`, function () {
  this.timeout(60_000)
  let authority: ReturnType<typeof createAuthority>
  const cleaners: (() => unknown)[] = []

  before(() => {
    authority = createAuthority()
    authority.sign('server', '/CN=camera host')
  })
  after(() => authority?.remove())
  afterEach(async () => {
    for (const clean of cleaners.splice(0).reverse()) await clean()
  })

  const start = async (env: Record<string, string>): Promise<Service> => {
    const service = await startService({ kind: 'managed', cameras: [virtual('one')], env })
    cleaners.push(service.end)
    return service
  }
  const streamsOf = async (service: Service) => {
    const { cameras } = await service.call<{ cameras: Camera[] }>('get_camera_list')
    return cameras[0]?.streams ?? expect.fail('there is no camera')
  }
  const files = () => ({ certFile: authority.file('server.pem'), keyFile: authority.file('server.key') })

  /** With the authority of the certificate, as a browser that trusts it. */
  const get = (url: string): Promise<{ status: number; location: string | undefined }> =>
    new Promise((resolve, reject) => {
      request(url, { ca: authority.read('ca.pem') }, (response) => {
        response.resume()
        resolve({ status: response.statusCode ?? 0, location: response.headers.location })
      })
        .on('error', reject)
        .end()
    })
  const follow = async (url: string): Promise<number> => {
    const { status, location } = await get(url)
    return status === 302 && location !== undefined ? follow(new URL(location, url).href) : status
  }

  it('gives clients signed https URLs, which open', async () => {
    const { certFile, keyFile } = files()
    const service = await start({
      CAMERA_SERVICE_MEDIAMTX_TLS: 'files',
      CAMERA_SERVICE_MEDIAMTX_TLS_CERT_FILE: certFile,
      CAMERA_SERVICE_MEDIAMTX_TLS_KEY_FILE: keyFile,
    })
    const { hls, webrtc, rtsp } = await streamsOf(service)
    expect([rtsp, hls, webrtc].map((url) => new URL(url).protocol)).to.deep.equal(['rtsp:', 'https:', 'https:'])
    await service.until('the playlist', async () => (await follow(hls)) === 200)
    expect(await follow(webrtc)).to.equal(200)
    const forged = new URL(hls)
    forged.searchParams.set('sig', 'forged')
    expect(await follow(forged.href)).to.equal(401)
  })

  it('is recognised of an external server', async () => {
    const dir = await temporaryFolder()
    cleaners.push(() => removeFolder(dir))
    const [hlsPort, webrtcPort, udpPort] = await freePorts(3)
    const { certFile, keyFile } = files()
    const external = await startMediaServer({
      kind: 'real',
      dir,
      global: {
        hls: true,
        hlsAddress: `127.0.0.1:${hlsPort}`,
        webrtc: true,
        webrtcAddress: `127.0.0.1:${webrtcPort}`,
        webrtcLocalUDPAddress: `127.0.0.1:${udpPort}`,
        webrtcEncryption: true,
        webrtcServerCert: certFile,
        webrtcServerKey: keyFile,
      },
    })
    cleaners.push(external.stop)
    const service = await start({
      CAMERA_SERVICE_MEDIAMTX_MODE: 'external',
      CAMERA_SERVICE_MEDIAMTX_API_PORT: String(external.apiPort),
      CAMERA_SERVICE_MEDIAMTX_RTSP_PORT: String(external.rtspPort),
      CAMERA_SERVICE_MEDIAMTX_HLS_PORT: String(hlsPort),
      CAMERA_SERVICE_MEDIAMTX_WEBRTC_PORT: String(webrtcPort),
      CAMERA_SERVICE_SERVER_PUBLIC_URL: 'https://localhost',
      CAMERA_SERVICE_SECURITY_STREAMS: 'open',
    })
    const { hls, webrtc } = await service.until('the encryption', async () => {
      const streams = await streamsOf(service)
      return streams.webrtc.startsWith('https:') && streams
    })
    expect(webrtc).to.equal(`https://localhost:${webrtcPort}/camera0`)
    expect(hls).to.equal(`http://localhost:${hlsPort}/camera0/index.m3u8`)
    const warnings = service.log.filter((line) => line.includes('browsers block its'))
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.contain('browsers block its HLS')
  })
})
