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
import { camera, connect, ffmpeg, inTime, leave, pathOf, readFrames, until } from './client.js'
import { overHttp } from './overHttp.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

const never = new AbortController().signal

describeMediaServers('media server, access to streams', (kind) => {
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
  /** The sessions that the service has asked the media server to end, and when, in ms since 1970. */
  const kicks: { id: string; query?: string; at: number }[] = []
  const kickTime = async (is: (kick: (typeof kicks)[number]) => boolean): Promise<number> =>
    (await until('the kick', () => kicks.find(is))).at
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
    const { sessions, kick } = mediaServer
    const observed: Pick<typeof mediaServer, 'sessions' | 'kick'> = {
      sessions,
      kick: (session, signal) => {
        kicks.push({ ...session, at: Date.now() })
        return kick(session, signal)
      },
    }
    mediaSessions = createActor(
      mediaSessionsMachine.provide({ actors: mediaSessionsEffects({ ...gate, mediaServer: observed }) }),
      { input: { startLimit: 30_000 } },
    ).start()
    access = createStreamAccess({
      ...gate,
      mediaSessions: () => mediaSessions,
      own,
      pipelines: { admit: () => true },
      isAllowed: allowList([]),
      open: false,
    })
    await openAuth()
    // A stream that ends between two tests would take its new readers along.
    const demand = (name: string) => {
      const { user, password } = own.publisher(name)
      const runOnDemand = camera.replace('rtsp://', `rtsp://${user}:${password}@`)
      return { runOnDemand, runOnDemandStartTimeout: '20s', runOnDemandCloseAfter: '60s' }
    }
    server = await startMediaServer({
      kind,
      dir,
      paths: { camera0: demand('camera0'), camera1: demand('camera1'), camera2: {} },
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
    // Only the service may use the API, so the test needs its credentials.
    const { api } = server
    const headers = { authorization: `Basic ${Buffer.from(`${own.api.user}:${own.api.password}`).toString('base64')}` }
    server.api = async (method, path) => {
      const response = await fetch(`http://127.0.0.1:${server.apiPort}/v3/${path}`, { method, headers })
      return { status: response.status, type: '', body: await response.json() }
    }
    expect((await api('GET', 'paths/list')).status, 'the API without credentials').to.equal(401)
  })
  after(async () => {
    await server?.stop()
    access?.close()
    mediaSessions?.stop()
    await auth?.stop()
    await removeFolder(dir)
  })

  const query = (name: string, expiresIn: number, credential?: Credential) => {
    const expiresAt = Date.now() + expiresIn
    const signature = sign({ subject: `stream:${name}`, expiresAt, ...(credential && { credential }) })
    return `sig=${encodeURIComponent(signature)}`
  }
  const url = (name: string, expiresIn = 60_000, credential?: Credential) =>
    `${server.url(name)}?${query(name, expiresIn, credential)}`
  const describeStatus = async (at: string): Promise<number> => {
    const client = connect(server)
    const { status } = await client.request({ method: 'DESCRIBE', url: at })
    leave(client)
    return status
  }
  /** Starts a viewer and waits until it plays. `ended` resolves when it ends by itself or is stopped. */
  const view = async (at: string) => {
    const own = at.split('?')[1]
    const { done, stop } = ffmpeg('-rtsp_transport', 'tcp', '-i', at, '-c', 'copy', '-f', 'null', '-')
    let over = false
    const ended = done.then(() => {
      over = true
    })
    const { id } = await until('the viewer plays', async () => {
      const { items } = (await server.api('GET', 'rtspsessions/list')).body as {
        items: { id: string; state: string; query: string }[]
      }
      const known = new Set(access.sessions().map((session) => session.id))
      expect(over, 'the viewer has ended').to.equal(false)
      return items.find((item) => item.state === 'read' && item.query === own && known.has(item.id))
    })
    return { id, ended: () => inTime('the end of the viewer', ended), stop, isOver: () => over }
  }
  const reader = () =>
    createStreamReader({ host: '127.0.0.1', port: server.rtspPort, credentials: own.reader, log: gate.log })

  describe('admission', () => {
    sideBySide({
      'opens a stream to a signed URL and to a token, and refuses all else': async () => {
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
        await readFrames(basic, 3)
      },

      'admits its own reader by a password that no URL contains': async () => {
        const release = await reader().hold('camera0', () => {}, never)
        expect((await pathOf(server, 'camera0')).readers).to.have.length.at.least(1)
        expect((await reader().keyframe('camera0', never)).length).to.be.greaterThan(500)
        release()
        const stranger = createStreamReader({
          host: '127.0.0.1',
          port: server.rtspPort,
          credentials: own.publisher('camera0'),
          log: gate.log,
        })
        const failure = await stranger.hold('camera0', () => {}, never).catch((error: Error) => error.message)
        expect(failure).to.equal('the media server refuses access (401)')
      },

      'accepts a stream only from its own pipelines': async () => {
        const announce = async (userinfo: string) => {
          const pattern =
            '-re -f lavfi -i testsrc=size=160x120:rate=15 -t 5 -c:v libx264 -preset ultrafast -pix_fmt yuv420p'.split(
              ' ',
            )
          const at = server.url('camera2').replace('rtsp://', `rtsp://${userinfo}`)
          const { done, stop } = ffmpeg(...pattern, '-f', 'rtsp', '-rtsp_transport', 'tcp', at)
          const { code, output } = await done.finally(stop)
          return code !== 0 && /401/.test(output)
        }
        callers.set('key-of-root', { user: 'root', role: 'admin', expiresAt: Date.now() + 600_000 })
        const outcomes = [
          '',
          `${own.reader.user}:${own.reader.password}@`,
          `${own.api.user}:${own.api.password}@`,
          'root:key-of-root@',
        ].map(announce)
        expect(await Promise.all(outcomes)).to.deep.equal([true, true, true, true])
        expect((await pathOf(server, 'camera2')).available).to.equal(false)
      },

      'opens its API only to its own credentials': async () => {
        const request = async ({ user, password }: { user: string; password: string }) => {
          const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
          return (await fetch(`http://127.0.0.1:${server.apiPort}/v3/config/global/get`, { headers })).status
        }
        callers.set('key-of-root', { user: 'root', role: 'admin', expiresAt: Date.now() + 600_000 })
        const statuses = [own.api, own.publisher('camera0'), own.reader, { user: 'root', password: 'key-of-root' }].map(
          request,
        )
        expect(await Promise.all(statuses)).to.deep.equal([200, 401, 401, 401])
      },
    })
  })

  describe('expiry', () => {
    sideBySide({
      'ends a reader within a second of the expiry of its credential, refuses it from then on, and leaves others':
        async () => {
          const release = await reader().hold('camera0', () => {}, never)
          callers.set('short-token', {
            user: 'bob',
            role: 'viewer',
            expiresAt: Date.now() + 10_000,
            credential: { kind: 'token', id: 'short' },
          })
          const expiresAt = Date.now() + 10_000
          const short = url('camera0', 10_000)
          const [byUrl, byToken, other] = await Promise.all([
            view(short),
            view(`${server.url('camera0')}?token=short-token`),
            view(url('camera0')),
          ])
          for (const viewer of [byUrl, byToken])
            expect((await kickTime(({ id }) => id === viewer.id)) - expiresAt).to.be.within(-20, 10_000)
          await Promise.all([byUrl.ended(), byToken.ended()])
          expect(await describeStatus(short)).to.equal(401)
          expect(other.isOver()).to.equal(false)
          other.stop()
          release()
        },
      ...(kind === 'real' &&
        overHttp({
          server: () => server,
          hlsPort: () => hlsPort,
          webrtcPort: () => webrtcPort,
          query,
          hold: (camera) => reader().hold(camera, () => {}, never),
          kickTime: (wanted) => kickTime((kick) => kick.query === wanted),
        })),
    })
  })

  it('ends the readers of a revoked credential at once, and no others', async () => {
    const one: Credential = { kind: 'key', id: 'one' }
    const two: Credential = { kind: 'key', id: 'two' }
    const viewer = await view(url('camera0', 60_000, one))
    const other = await view(url('camera0', 60_000, two))
    await credentials.revoke(one, 0)
    await kickTime(({ id }) => id === viewer.id)
    await viewer.ended()
    await until('only the other viewer is left', async () => (await pathOf(server, 'camera0')).readers.length === 1)
    other.stop()
    await other.ended()
  })

  it('refuses new readers while the service is away, and keeps those that play', async () => {
    const viewer = await view(url('camera1'))
    await auth.stop()
    expect(await describeStatus(url('camera1'))).to.equal(401)
    expect((await server.api('GET', 'info')).status, 'the API with the credentials of the service').to.equal(401)
    expect(viewer.isOver()).to.equal(false)
    await openAuth()
    expect(await describeStatus(url('camera1'))).to.equal(200)
    const { outboundBytes } = await pathOf(server, 'camera1')
    await until('media continues', async () => (await pathOf(server, 'camera1')).outboundBytes > outboundBytes)
    viewer.stop()
    await viewer.ended()
  })
})
