import { join } from 'node:path'
import { expect } from 'chai'
import { createStreamAccess } from '../../../actors/streamAccess.js'
import { createPipelines } from '../../../adapters/ffmpeg/pipelines.js'
import { createMediaAuthServer, type MediaAuthServer, mediaAuthAddress } from '../../../adapters/mediamtx/authServer.js'
import { createOwnCredential } from '../../../adapters/mediamtx/ownCredential.js'
import { pathBody } from '../../../adapters/mediamtx/pathBody.js'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import { allowList } from '../../../machines/domain/address.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import { demo, encoded } from '../../adapters/ffmpeg/support.js'
import { createGate } from '../../support/gate.js'
import { pathOf, until } from './client.js'
import { none, publish } from './publish.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

const never = new AbortController().signal

describeMediaServers('media server, the publishers of this service', (kind) => {
  const own = createOwnCredential()
  const gate = createGate()
  const secret = 'only the media server knows'
  let dir: string
  let server: RunningMediaServer
  let auth: MediaAuthServer
  let access: ReturnType<typeof createStreamAccess>
  let pipelines: Awaited<ReturnType<typeof createPipelines>>
  const refusals = () => gate.audited.splice(0).map(({ subject, reason }) => ({ subject, reason }))

  before(async () => {
    dir = await temporaryFolder()
    pipelines = await createPipelines({
      ...{ runDir: dir, mark: `test-${process.pid}-${kind}`, log: gate.log, clock: gate.clock },
      publishAs: own.publisher,
    })
    access = createStreamAccess({
      ...{ ...gate, own, pipelines, isAllowed: allowList([]), open: false },
      mediaSessions: () => undefined,
    })
    auth = createMediaAuthServer({ host: '127.0.0.1', port: 0, secret, access, log: gate.log })
    const { port } = await auth.start()
    const path = (camera: CameraId) =>
      pathBody(pipelines.spec(camera, demo, encoded()), false, {
        closeAfter: 60_000,
        startTimeout: 20_000,
        partDuration: 200,
        segmentDuration: 3_600_000,
        recordPath: join(dir, 'recordings/%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
      })
    server = await startMediaServer({
      ...{ kind, dir, paths: { camera0: path('camera0'), camera1: path('camera1') } },
      global: {
        authMethod: 'http',
        authHTTPAddress: mediaAuthAddress({ host: '127.0.0.1', port, secret }),
        authHTTPExclude: [{ action: 'api' }],
      },
    })
  })
  after(async () => {
    // A stalled process would not end with its server.
    await pipelines?.recycle('camera0')
    await server?.stop()
    access?.close()
    await auth?.stop()
    pipelines?.close()
    await removeFolder(dir)
  })
  const announce = (path: string, secretOf = path) => publish(server, path, none, none, own.publisher(secretOf))
  const start = () =>
    createStreamReader({ host: '127.0.0.1', port: server.rtspPort, credentials: own.reader, log: gate.log }).hold(
      'camera0',
      () => {},
      never,
    )
  const publisher = async () => (await pathOf(server, 'camera0')).source?.id
  /** Resolves when another publisher than the one given publishes, with the time in ms since the call. */
  const another = async (before: string | undefined) => {
    const from = performance.now()
    await until('another publisher', async () => {
      const { available, source } = await pathOf(server, 'camera0')
      return available && source !== null && source.id !== before
    })
    return performance.now() - from
  }

  it('refuses a password while no ffmpeg of its camera runs', async () => {
    expect(await announce('camera0')).to.equal(401)
    expect(refusals()).to.deep.equal([{ subject: 'camera0', reason: 'no_new_pipeline' }])
  })

  it('lets nobody take over a running stream, and accepts no password of another camera', async () => {
    const release = await start()
    const before = await publisher()
    // MediaMTX delays each refusal by up to 4 s.
    const others = [announce('camera0'), announce('camera0', 'camera1'), announce('camera1', 'camera0')]
    expect(await Promise.all(others)).to.deep.equal([401, 401, 401])
    expect(refusals()).to.have.deep.members([
      { subject: 'camera0', reason: 'no_new_pipeline' },
      { subject: 'camera0', reason: 'publishing_denied' },
      { subject: 'camera1', reason: 'publishing_denied' },
    ])
    expect(await publisher()).to.equal(before)
    release()
  })

  it('admits the ffmpeg that replaces a killed one, before the media server would start it', async () => {
    const release = await start()
    const before = await publisher()
    const { pid } = await until('its process', () => pipelines.process('camera0'))
    process.kill(pid, 'SIGKILL')
    expect(await another(before)).to.be.below(4_500)
    release()
  })

  it('admits the ffmpeg that replaces a stalled one', async () => {
    const release = await start()
    const before = await publisher()
    await pipelines.simulate('camera0', 'stall')
    expect(await announce('camera0'), 'while it is stalled').to.equal(401)
    expect(await publisher()).to.equal(before)
    expect(await pipelines.recycle('camera0')).to.equal(true)
    expect(await another(before)).to.be.below(4_500)
    release()
    expect(refusals()).to.deep.equal([{ subject: 'camera0', reason: 'no_new_pipeline' }])
  })
})
