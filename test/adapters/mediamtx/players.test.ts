import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { rename, symlink } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import type { ServerProcessOptions } from '../../../adapters/mediamtx/serverProcess.js'
import { createAuthority, hasOpenssl } from '../../rpc/certificates.js'
import { until } from '../../support/until.js'
import { fakeServer, never } from './fakeServer.js'
import { arrangeProcess, hasMediamtx } from './real.js'

const managed = { kind: 'managed', why: '' } as const
const publisher = (port: number) =>
  'ffmpeg -nostdin -v error -re -f lavfi -i testsrc=size=160x120:rate=10 -c:v libx264 -preset ultrafast ' +
  `-tune zerolatency -g 10 -pix_fmt yuv420p -f rtsp -rtsp_transport tcp rtsp://127.0.0.1:${port}/camera0`

/** A session description with one H.264 track, as a browser sends it. */
const sdpOffer = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => '00').join(':')}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=recvonly',
  'a=rtcp-mux',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  '',
].join('\r\n')

describe('what players get from a real MediaMTX', () => {
  before(async function () {
    if (!(await hasMediamtx())) this.skip()
  })
  const cleaners: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const clean of cleaners.splice(0).reverse()) await clean()
  })

  /** Starts a server that only admits readers with `sig=good`. Returns what the questions about readers were. */
  const arrange = async (options: Partial<ServerProcessOptions> = {}) => {
    const questions: { protocol: string; query: string; ip: string }[] = []
    const callback = await fakeServer(({ body }) => {
      const question = body as { action: string; protocol: string; query: string; ip: string }
      if (question.action !== 'read') return {}
      questions.push(question)
      return new URLSearchParams(question.query).get('sig') === 'good' ? {} : { status: 401 }
    })
    cleaners.push(callback.close)
    const arranged = await arrangeProcess({
      auth: () => ({ address: `${callback.url}/x`, apiUser: 'a', apiPass: 'b' }),
      ...options,
    })
    cleaners.push(arranged.clean)
    const { options: all, apiUrl, log, server } = arranged
    const { pathDefaults, ports } = all
    const media = createMediaServer({ apiUrl: () => apiUrl, timeout: 2_000, threshold: 3, pathDefaults, log })
    cleaners.push(media.close)
    await server.start(managed, () => {}, never())
    media.publish({ name: 'camera0', source: { command: publisher(ports.rtsp) } }, () => {})
    await media.settled(never())
    return { ...arranged, ports, questions }
  }

  type Reply = { status: number; text: string; location?: string | undefined }
  const send = (
    url: string,
    { method = 'GET', body = '', headers = {} }: { method?: string; body?: string; headers?: object } = {},
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const make = url.startsWith('https:') ? httpsRequest : httpRequest
      const request = make(url, { method, headers: { ...headers }, rejectUnauthorized: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, location: response.headers.location }),
        )
      })
      request.on('error', reject)
      request.end(body)
    })

  /** Follows the redirect with which MediaMTX looks for cookies. */
  const get = async (url: string, headers = {}): Promise<Reply & { url: string }> => {
    const reply = await send(url, { headers })
    if (reply.status !== 302 || reply.location === undefined) return { ...reply, url }
    return get(new URL(reply.location, url).href, headers)
  }

  /** The playlist of media, with its address. */
  const mediaPlaylist = async (index: string, headers = {}) => {
    const main = await until('the stream', async () => {
      const reply = await get(index, headers)
      return reply.status === 200 && reply
    })
    const [variant = ''] = main.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const url = new URL(variant, main.url).href
    return until('a playlist with media', async () => {
      const reply = await get(url, headers)
      return reply.status === 200 && reply.text.includes('#EXTINF') && { ...reply, url }
    })
  }
  const namesIn = (playlist: string) =>
    playlist.split('\n').flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line]))

  it('is HLS in which every file is named with the signature', async () => {
    const { ports } = await arrange()
    const { text, url } = await mediaPlaylist(`http://127.0.0.1:${ports.hls}/camera0/index.m3u8?sig=good`)
    // Low-latency HLS would begin with six gap.mp4 without a signature: VLC and GStreamer load them and get 401.
    expect(text).not.to.contain('gap.mp4')
    const names = namesIn(text)
    expect(names).to.have.length.greaterThan(0)
    for (const name of names) {
      expect(new URL(name, url).searchParams.get('sig'), name).to.equal('good')
      expect((await get(new URL(name, url).href)).status, name).to.equal(200)
    }
  })

  it('is another kind of HLS if it is configured', async () => {
    const { ports } = await arrange({ media: { hlsVariant: 'lowLatency', webrtcHosts: [], trustedProxies: [] } })
    const { text } = await mediaPlaylist(`http://127.0.0.1:${ports.hls}/camera0/index.m3u8?sig=good`)
    expect(text).to.contain('#EXT-X-PART')
  })

  it('is a session of the client that a trusted proxy names', async () => {
    const { ports, questions } = await arrange({
      media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: ['127.0.0.1'] },
    })
    const headers = { 'X-Forwarded-For': '198.51.100.7' }
    await mediaPlaylist(`http://127.0.0.1:${ports.hls}/camera0/index.m3u8?sig=good`, headers)
    expect(questions.at(-1)).to.include({ protocol: 'hls', ip: '198.51.100.7' })
    await send(`http://127.0.0.1:${ports.webrtc}/camera0/whep?sig=good`, { method: 'OPTIONS', headers })
    expect(questions.at(-1)).to.include({ protocol: 'webrtc', ip: '198.51.100.7' })
  })

  it('tells browsers the configured hosts, so that media come through NAT', async () => {
    const { ports } = await arrange({
      media: { hlsVariant: 'fmp4', webrtcHosts: ['203.0.113.9'], trustedProxies: [] },
    })
    const { status, text } = await post(`http://127.0.0.1:${ports.webrtc}/camera0/whep?sig=good`)
    expect(status, text).to.equal(201)
    expect(text).to.match(new RegExp(`a=candidate:.* 203\\.0\\.113\\.9 ${ports.webrtcUdp} typ `))
  })

  const post = (url: string) =>
    send(url, { method: 'POST', body: sdpOffer, headers: { 'Content-Type': 'application/sdp' } })

  describe('with TLS (openssl on PATH)', () => {
    let authority: ReturnType<typeof createAuthority>
    before(function () {
      if (!hasOpenssl()) this.skip()
      authority = createAuthority()
      for (const name of ['first', 'second']) authority.selfSigned(name, 'camera host')
    })
    after(() => authority?.remove())

    const arrangeTls = () => {
      authority.copy('first.pem', 'used.pem')
      authority.copy('first.key', 'used.key')
      const tls = { certFile: authority.file('used.pem'), keyFile: authority.file('used.key') }
      return arrange({ media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: [], tls } })
    }
    const shown = async (port: number) => {
      const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const fingerprint = createHash('sha256').update(socket.getPeerCertificate().raw).digest('hex')
      socket.destroy()
      return fingerprint
    }
    const fingerprintOf = (name: string) =>
      createHash('sha256')
        .update(new X509Certificate(authority.read(`${name}.pem`)).raw)
        .digest('hex')

    it('is HLS over https, with our signature only', async () => {
      const { ports } = await arrangeTls()
      const index = `https://127.0.0.1:${ports.hls}/camera0/index.m3u8`
      const { text, url } = await mediaPlaylist(`${index}?sig=good`)
      const [name = ''] = namesIn(text)
      expect((await get(new URL(name, url).href)).status).to.equal(200)
      expect((await get(`${index}?sig=bad`)).status).to.equal(401)
      expect((await send(index.replace('https', 'http'))).status).to.equal(400)
    })

    it('is WebRTC over https, with our signature only', async () => {
      const { ports } = await arrangeTls()
      const whep = `https://127.0.0.1:${ports.webrtc}/camera0/whep`
      const answer = await post(`${whep}?sig=good`)
      expect(answer.status, answer.text).to.equal(201)
      expect(answer.text).to.match(/^v=0\r\n/)
      expect((await post(`${whep}?sig=bad`)).status).to.equal(401)
    })

    it('is shown with a renewed certificate without a restart', async () => {
      const { ports } = await arrangeTls()
      for (const port of [ports.hls, ports.webrtc]) expect(await shown(port)).to.equal(fingerprintOf('first'))
      authority.copy('second.pem', 'used.pem')
      authority.copy('second.key', 'used.key')
      for (const port of [ports.hls, ports.webrtc])
        await until('the new certificate', async () => (await shown(port)) === fingerprintOf('second'))
    })

    it('is shown with a renewed certificate behind a link, as certbot renews it', async () => {
      const link = async (name: string) => {
        for (const kind of ['pem', 'key']) {
          await symlink(authority.file(`${name}.${kind}`), authority.file(`next.${kind}`))
          await rename(authority.file(`next.${kind}`), authority.file(`live.${kind}`))
        }
      }
      await link('first')
      const tls = { certFile: authority.file('live.pem'), keyFile: authority.file('live.key') }
      const { ports } = await arrange({ media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: [], tls } })
      expect(await shown(ports.hls)).to.equal(fingerprintOf('first'))
      await link('second')
      await until('the new certificate', async () => (await shown(ports.hls)) === fingerprintOf('second'), 15_000)
    })
  })
})
