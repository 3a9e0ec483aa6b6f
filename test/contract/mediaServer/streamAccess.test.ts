import { expect } from 'chai'
import { type ActorRefFrom, createActor } from 'xstate'
import { mediaSessionsEffects } from '../../../actors/effects/mediaSessions.js'
import { createStreamAccess } from '../../../actors/streamAccess.js'
import { createMediaAuthServer, type MediaAuthServer, mediaAuthAddress } from '../../../adapters/mediamtx/authServer.js'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import { createOwnCredential } from '../../../adapters/mediamtx/ownCredential.js'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import type { Credential } from '../../../machines/domain/access.js'
import { allowList } from '../../../machines/domain/address.js'
import { mediaSessionsMachine } from '../../../machines/mediaSessions.js'
import { createGate } from '../../support/gate.js'
import { freePorts } from '../../support/ports.js'
import { sideBySide } from '../../support/sideBySide.js'
import { camera, connect, ffmpeg, leave, pathOf, until } from './client.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

const never = new AbortController().signal

describeMediaServers('media server, stream access', (kind) => {
  const own = createOwnCredential()
  const gate = createGate()
  const { callers, credentials, sign } = gate
  const secret = 'only the media server knows'
  let dir: string
  let server: RunningMediaServer
  let auth: MediaAuthServer
  let access: ReturnType<typeof createStreamAccess>
  let mediaSessions: ActorRefFrom<typeof mediaSessionsMachine>
  let authPort: number
  let hlsPort: number
  let webrtcPort: number
  const openAuth = async () => {
    auth = createMediaAuthServer({ host: '127.0.0.1', port: authPort, secret, access, log: gate.log })
    await auth.start()
  }

  before(async () => {
    dir = await temporaryFolder()
    const [first = 0, second = 0, third = 0, udp = 0] = await freePorts(4)
    ;[authPort, hlsPort, webrtcPort] = [first, second, third]
    const apiUrl = () => `http://${own.api.user}:${own.api.password}@127.0.0.1:${server.apiPort}`
    const pathDefaults = {
      closeAfter: 1_000,
      startTimeout: 10_000,
      partDuration: 200,
      segmentDuration: 3_600_000,
      recordPath: '',
    }
    const mediaServer = createMediaServer({
      apiUrl,
      timeout: 5_000,
      threshold: 100,
      pathDefaults,
      log: gate.log,
    })
    mediaSessions = createActor(
      mediaSessionsMachine.provide({ actors: mediaSessionsEffects({ ...gate, mediaServer }) }),
      { input: { startLimit: 30_000 } },
    ).start()
    access = createStreamAccess({
      ...gate,
      mediaSessions: () => mediaSessions,
      own,
      isAllowed: allowList([]),
      open: false,
    })
    await openAuth()
    const publish = camera.replace('rtsp://', `rtsp://${own.publisher.user}:${own.publisher.password}@`)
    const demand = { runOnDemand: publish, runOnDemandStartTimeout: '10s', runOnDemandCloseAfter: '1s' }
    server = await startMediaServer({
      kind,
      dir,
      paths: { camera0: demand, camera1: demand, camera2: {} },
      global: {
        authMethod: 'http',
        authHTTPAddress: mediaAuthAddress({ host: '127.0.0.1', port: authPort, secret }),
        authHTTPExclude: [],
        ...(kind === 'real' && {
          hls: true,
          hlsAddress: `127.0.0.1:${hlsPort}`,
          webrtc: true,
          webrtcAddress: `127.0.0.1:${webrtcPort}`,
          webrtcLocalUDPAddress: `127.0.0.1:${udp}`,
        }),
      },
    })
    // The API is for the service alone, so this test shows its credential.
    const { api } = server
    const headers = { authorization: `Basic ${Buffer.from(`${own.api.user}:${own.api.password}`).toString('base64')}` }
    server.api = async (method, path) => {
      const response = await fetch(`http://127.0.0.1:${server.apiPort}/v3/${path}`, { method, headers })
      return { status: response.status, type: '', body: await response.json() }
    }
    expect((await api('GET', 'paths/list')).status, 'the API without a credential from this host').to.equal(401)
  })
  after(async () => {
    await server?.stop()
    access?.close()
    mediaSessions?.stop()
    await auth?.stop()
    await removeFolder(dir)
  })

  const query = (name: string, expiresIn: number, credential?: Credential) => {
    const grant = { subject: `stream:${name}`, expiresAt: Date.now() + expiresIn, ...(credential && { credential }) }
    return `sig=${encodeURIComponent(sign(grant))}`
  }
  const url = (name: string, expiresIn = 60_000, credential?: Credential) =>
    `${server.url(name)}?${query(name, expiresIn, credential)}`
  const describeStatus = async (at: string): Promise<number> => {
    const client = connect(server)
    const { status } = await client.request({ method: 'DESCRIBE', url: at })
    leave(client)
    return status
  }
  /** Resolves with a reader that gets media. `ended` resolves with the time of its end. */
  const view = async (at: string) => {
    const before = new Set(access.sessions().map(({ id }) => id))
    const { done, stop } = ffmpeg('-rtsp_transport', 'tcp', '-i', at, '-c', 'copy', '-f', 'null', '-')
    let over = false
    const ended = done.then(() => {
      over = true
      return Date.now()
    })
    await until('media flow', async () => {
      const { items } = (await server.api('GET', 'rtspsessions/list')).body as {
        items: { id: string; state: string }[]
      }
      return (
        over ||
        items.some(
          ({ id, state }) =>
            state === 'read' && !before.has(id) && access.sessions().some((session) => session.id === id),
        )
      )
    })
    expect(over).to.equal(false)
    return { ended, stop, isOver: () => over }
  }
  const reader = () =>
    createStreamReader({ host: '127.0.0.1', port: server.rtspPort, credentials: own.reader, log: gate.log })

  describe('lets in', () => {
    sideBySide({
      'opens a stream to a signed URL, a token and an API key only': async () => {
        callers.set('token-of-ann', {
          user: 'ann',
          role: 'viewer',
          expiresAt: Date.now() + 600_000,
          cameras: ['camera0'],
        })
        const good = url('camera0')
        const forged = `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`
        expect(await describeStatus(good)).to.equal(200)
        expect(await describeStatus(`${server.url('camera0')}?token=token-of-ann`)).to.equal(200)
        expect(await describeStatus(server.url('camera0'))).to.equal(401)
        expect(await describeStatus(forged)).to.equal(401)
        expect(await describeStatus(good.replace('camera0?', 'camera1?')), 'transplanted').to.equal(401)
        expect(await describeStatus(url('camera0', -1)), 'expired').to.equal(401)
        const basic = server.url('camera0').replace('rtsp://', 'rtsp://anybody:token-of-ann@')
        const { code, said } = await ffmpeg('-rtsp_transport', 'tcp', '-i', basic, '-frames:v', '3', '-f', 'null', '-')
          .done
        expect([code, /frame= +3/.test(said)]).to.deep.equal([0, true])
      },

      'lets the own reader of the service in': async () => {
        const release = await reader().hold('camera0', () => {}, never)
        expect((await pathOf(server, 'camera0')).readers).to.have.length.at.least(1)
        expect((await reader().keyframe('camera0', never)).length).to.be.greaterThan(500)
        release()
        const stranger = createStreamReader({
          host: '127.0.0.1',
          port: server.rtspPort,
          credentials: own.publisher,
          log: gate.log,
        })
        const failure = await stranger.hold('camera0', () => {}, never).catch((error: Error) => error.message)
        expect(failure).to.equal('the media server refuses access (401)')
      },

      'takes streams from the own pipelines only': async () => {
        const announce = async (userinfo: string) => {
          const pattern =
            '-re -f lavfi -i testsrc=size=160x120:rate=15 -t 5 -c:v libx264 -preset ultrafast -pix_fmt yuv420p'.split(
              ' ',
            )
          const at = server.url('camera2').replace('rtsp://', `rtsp://${userinfo}`)
          const { done, stop } = ffmpeg(...pattern, '-f', 'rtsp', '-rtsp_transport', 'tcp', at)
          const { code, said } = await done.finally(stop)
          return code !== 0 && /401/.test(said)
        }
        callers.set('key-of-root', { user: 'root', role: 'admin', expiresAt: Date.now() + 600_000 })
        const asked = [
          '',
          `${own.reader.user}:${own.reader.password}@`,
          `${own.api.user}:${own.api.password}@`,
          'root:key-of-root@',
        ].map(announce)
        expect(await Promise.all(asked)).to.deep.equal([true, true, true, true])
        expect((await pathOf(server, 'camera2')).available).to.equal(false)
      },

      'opens the API to the own API credential only': async () => {
        const ask = async ({ user, password }: { user: string; password: string }) => {
          const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
          return (await fetch(`http://127.0.0.1:${server.apiPort}/v3/config/global/get`, { headers })).status
        }
        callers.set('key-of-root', { user: 'root', role: 'admin', expiresAt: Date.now() + 600_000 })
        const asked = [own.api, own.publisher, own.reader, { user: 'root', password: 'key-of-root' }].map(ask)
        expect(await Promise.all(asked)).to.deep.equal([200, 401, 401, 401])
      },
    })
  })

  const hls = (file: string) => `http://127.0.0.1:${hlsPort}/camera0/${file}`
  const overHttp: Record<string, () => Promise<void>> = {
    'opens HLS to a signed URL until its end': async () => {
      const release = await reader().hold('camera0', () => {}, never)
      const began = Date.now()
      const index = hls(`index.m3u8?${query('camera0', 5_000)}`)
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
      expect(Date.now() - began).to.be.within(4_900, 6_000)
      expect((await fetch(index)).status, 'a return is refused').to.equal(401)
      release()
    },

    'opens WebRTC to a signed URL until its end, page and WHEP': async () => {
      const release = await reader().hold('camera0', () => {}, never)
      const at = (path: string, sig = '') =>
        `http://127.0.0.1:${webrtcPort}/camera0${path}${sig === '' ? '' : `?${sig}`}`
      const good = query('camera0', 4_000)
      const offer = (sig: string) =>
        fetch(at('/whep', sig), { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: whepOffer })
      expect((await fetch(at('', good))).status, 'after a redirect').to.equal(200)
      expect((await fetch(at(''))).status).to.equal(401)
      expect((await fetch(at('/whep', good), { method: 'OPTIONS' })).status).to.equal(204)
      expect((await offer('')).status).to.equal(401)
      expect((await offer(good)).status).to.equal(201)
      const sessions = async () =>
        ((await server.api('GET', 'webrtcsessions/list')).body as { items: { query: string }[] }).items
      expect((await sessions()).map((session) => session.query)).to.deep.equal([good])
      await until('it is kicked', async () => (await sessions()).length === 0, 6_000)
      expect((await offer(good)).status).to.equal(401)
      release()
    },
  }

  describe('ends', () => {
    sideBySide({
      'ends a reader within a second after its 5 s token, refuses its return and keeps the others': async () => {
        const release = await reader().hold('camera0', () => {}, never)
        callers.set('short-token', {
          user: 'bob',
          role: 'viewer',
          expiresAt: Date.now() + 5_000,
          credential: { kind: 'token', id: 'short' },
        })
        const expiresAt = Date.now() + 5_000
        const short = url('camera0', 5_000)
        const [byUrl, byToken, other] = await Promise.all([
          view(short),
          view(`${server.url('camera0')}?token=short-token`),
          view(url('camera0')),
        ])
        const ends = await Promise.all([byUrl.ended, byToken.ended])
        for (const end of ends) expect(end - expiresAt).to.be.within(-20, 1_000)
        expect(await describeStatus(short)).to.equal(401)
        expect(other.isOver()).to.equal(false)
        other.stop()
        release()
      },
      ...(kind === 'real' && overHttp),
    })
  })

  it('ends the readers of a revoked credential at once', async () => {
    const one: Credential = { kind: 'key', id: 'one' }
    const two: Credential = { kind: 'key', id: 'two' }
    const viewer = await view(url('camera0', 60_000, one))
    const other = await view(url('camera0', 60_000, two))
    const revoked = Date.now()
    await credentials.revoke(one, 0)
    expect((await viewer.ended) - revoked).to.be.lessThan(500)
    await until('only the other is left', async () => (await pathOf(server, 'camera0')).readers.length === 1)
    other.stop()
    await other.ended
  })

  it('refuses new readers without the callback server, and keeps the present ones', async () => {
    const viewer = await view(url('camera1'))
    await auth.stop()
    expect(await describeStatus(url('camera1'))).to.equal(401)
    expect((await server.api('GET', 'info')).status, 'the service may not use the API either').to.equal(401)
    expect(viewer.isOver()).to.equal(false)
    await openAuth()
    expect(await describeStatus(url('camera1'))).to.equal(200)
    const { outboundBytes } = await pathOf(server, 'camera1')
    await until('media go on', async () => (await pathOf(server, 'camera1')).outboundBytes > outboundBytes)
    viewer.stop()
    await viewer.ended
  })
})

const fingerprint = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0').toUpperCase()).join(':')

/** The offer of a browser that can show H.264. No media follow. */
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
