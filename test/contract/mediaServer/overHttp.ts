import { expect } from 'chai'
import { until } from './client.js'
import type { RunningMediaServer } from './servers.js'

const fingerprint = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0').toUpperCase()).join(':')

/** The SDP offer of a browser that wants to receive H.264. No media follows. */
const whepOffer = [
  'v=0',
  'o=- 1 1 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  `a=fingerprint:sha-256 ${fingerprint}`,
  'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=setup:actpass',
  'a=mid:0',
  'a=ice-ufrag:abcdefgh',
  'a=ice-pwd:abcdefghabcdefghabcdefgh',
  'a=rtcp-mux',
  'a=recvonly',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  '',
].join('\r\n')

interface OverHttp {
  server: () => RunningMediaServer
  hlsPort: () => number
  webrtcPort: () => number
  /** Returns the query of a URL for a camera that is signed for this time, in ms. */
  query: (camera: string, expiresIn: number) => string
  /** Keeps the stream of a camera alive until the returned function is called. */
  hold: (camera: string) => Promise<() => void>
  /** Resolves with the time at which the session with this query was kicked, in ms since 1970. */
  kickTime: (query: string) => Promise<number>
}

/** The access tests for HLS and WebRTC, which only a real MediaMTX serves. */
export const overHttp = ({ server, hlsPort, webrtcPort, query, hold, kickTime }: OverHttp) => ({
  'opens HLS to a signed URL, and refuses segments after its expiry': async () => {
    const release = await hold('camera0')
    const hls = (file: string) => `http://127.0.0.1:${hlsPort()}/camera0/${file}`
    const signed = query('camera0', 8_000)
    const expiresAt = Date.now() + 8_000
    const index = hls(`index.m3u8?${signed}`)
    expect((await fetch(hls('index.m3u8'))).status).to.equal(401)
    const variants = await fetch(index)
    expect(variants.status).to.equal(200)
    const [playlist = ''] = (await variants.text()).split('\n').filter((line) => line.includes('.m3u8'))
    const segment = async () => {
      const list = await fetch(hls(playlist))
      if (list.status !== 200) return list.status
      const [last = ''] = (await list.text())
        .split('\n')
        .filter((line) => line.includes('_seg') && !line.startsWith('#'))
        .slice(-1)
      const media = await fetch(hls(last))
      await media.arrayBuffer()
      return media.status
    }
    expect(await segment()).to.equal(200)
    await until('a segment is refused', async () => (await segment()) === 401)
    expect((await kickTime(signed)) - expiresAt).to.be.within(-100, 10_000)
    expect((await fetch(index)).status, 'a new session').to.equal(401)
    release()
  },

  'opens the page and WHEP of WebRTC to a signed URL until its expiry': async () => {
    const release = await hold('camera0')
    const at = (path: string, sig = '') =>
      `http://127.0.0.1:${webrtcPort()}/camera0${path}${sig === '' ? '' : `?${sig}`}`
    const good = query('camera0', 6_000)
    const offer = (sig: string) =>
      fetch(at('/whep', sig), { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: whepOffer })
    expect((await fetch(at('', good))).status, 'after a redirect').to.equal(200)
    expect((await fetch(at(''))).status).to.equal(401)
    expect((await fetch(at('/whep', good), { method: 'OPTIONS' })).status).to.equal(204)
    expect((await offer('')).status).to.equal(401)
    expect((await offer(good)).status).to.equal(201)
    const sessions = async () =>
      ((await server().api('GET', 'webrtcsessions/list')).body as { items: { query: string }[] }).items
    expect((await sessions()).map((session) => session.query)).to.deep.equal([good])
    await until('the session is kicked', async () => (await sessions()).length === 0)
    expect((await offer(good)).status).to.equal(401)
    release()
  },
})
