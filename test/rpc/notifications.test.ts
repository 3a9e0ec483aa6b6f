import { expect } from 'chai'
import type { By, EndedRecording, Fact } from '../../machines/domain/facts.js'
import type { SnapshotView } from '../../machines/domain/views.js'
import { dottedTopics, legacyTopics, topics } from '../../rpc/topics.js'
import { type Client, cameraView, createStage, createWorld, noon, type World } from './fakes.js'

const by: By = { user: 'ann', request: 'r', session: 's' }
const outcome: EndedRecording = {
  reason: 'device removed',
  files: ['camera0_1.mp4', 'camera0_2.mp4'],
  startedAt: noon - 5_000,
  endedAt: noon,
  recorded: 4_980,
  bytes: 9_000,
  format: 'fmp4',
}
const snapshot: SnapshotView = {
  camera: 'camera0',
  filename: 'camera0_x.jpg',
  path: '/secret/camera0_x.jpg',
  bytes: 4_000,
  width: 640,
  height: 480,
  tier: 1,
  capturedAt: noon,
  age: 12.3,
  passedOver: [],
}

const everything: Fact[] = [
  { type: 'system.started' },
  { type: 'camera.connected', camera: 'camera0', name: 'Front door' },
  { type: 'camera.statusChanged', camera: 'camera0', name: 'Front door', from: 'DISCONNECTED', to: 'CONNECTED' },
  { type: 'camera.probed', camera: 'camera0', formats: ['MJPG'] },
  { type: 'camera.probeFailed', camera: 'camera0', reason: 'timed out' },
  { type: 'camera.identityAmbiguous', camera: 'camera0', reason: 'camera1 has the same serial' },
  { type: 'recording.started', camera: 'camera0', by, filename: 'camera0_1.mp4', startedAt: noon, format: 'fmp4' },
  { type: 'recording.interrupted', camera: 'camera0', by, filename: 'camera0_1.mp4', reason: 'the media server is away' },
  { type: 'recording.resumed', camera: 'camera0', by, filename: 'camera0_2.mp4' },
  { type: 'recording.ended', camera: 'camera0', by, outcome: { ...outcome, reason: 'requested' } },
  { type: 'recording.failed', camera: 'camera0', by, outcome },
  { type: 'snapshot.taken', by, ...snapshot },
  { type: 'snapshot.failed', camera: 'camera0', by, reason: 'no tier worked', passedOver: [{ tier: 0, reason: 'device busy' }] },
  { type: 'stream.started', camera: 'camera0' },
  { type: 'stream.stalled', camera: 'camera0', silentFor: 3_000 },
  { type: 'stream.ended', camera: 'camera0', reason: 'nobody watches' },
  { type: 'link.degraded', reason: 'slow' },
  { type: 'link.down', reason: 'connection refused' },
  { type: 'link.up', version: 'v1.20.1', paths: 1 },
  { type: 'storage.warning', percent: 85, available: 100 },
  { type: 'storage.critical', percent: 95, available: 50 },
  { type: 'storage.ok', percent: 40, available: 500 },
  { type: 'camera.disconnected', camera: 'camera0', reason: 'unplugged' },
  { type: 'camera.retired', camera: 'camera0' },
  { type: 'system.stopping', reason: 'SIGTERM' },
]

describe('the notifications', () => {
  const stage = createStage()
  let world: World
  let client: Client
  let port: number

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
    client = await stage.connect(port, { role: 'viewer' })
  })
  afterEach(() => stage.end())

  const subscribe = (who: Client, wanted: readonly string[], filters?: object) =>
    who.call('subscribe_events', { topics: wanted, ...(filters === undefined ? {} : { filters }) })
  /** What has come in once everything sent so far must have. */
  const heard = async (who: Client) => {
    await who.call('ping')
    return who.notices.map(({ method, params }) => [method, params.device ?? params.component ?? params.status, params.seq])
  }

  it('reach those who have subscribed and nobody else', async () => {
    const other = await stage.connect(port, { role: 'viewer' })
    await subscribe(client, ['camera.connected'])
    for (const fact of everything) world.tell(fact)
    expect(await heard(client)).to.deep.equal([['camera.connected', 'camera0', 2]])
    expect(await heard(other)).to.deep.equal([])
  })

  it('have a topic for every fact, and a fact for every topic', async () => {
    await subscribe(client, topics)
    for (const fact of everything) {
      const before = client.notices.length
      world.tell(fact)
      await client.call('ping')
      expect(client.notices.length, fact.type).to.be.greaterThan(before)
    }
    expect(new Set(client.notices.map(({ method }) => method))).to.deep.equal(new Set(topics))
    for (const notice of client.notices) {
      expect(notice).to.have.all.keys('jsonrpc', 'method', 'params')
      expect(notice.params).to.include({ at: '2025-06-01T12:00:00.000Z', timestamp: '2025-06-01T12:00:00.000Z' })
    }
    expect(JSON.stringify(client.notices)).not.to.match(/secret|SECRET/)
  })

  it('carry what the documents say', async () => {
    await subscribe(client, dottedTopics)
    for (const fact of everything) world.tell(fact)
    await client.call('ping')
    const of = (topic: string) => client.notices.find(({ method }) => method === topic)?.params
    expect(of('camera.connected')).to.include({ device: 'camera0', name: 'Front door', status: 'CONNECTED' })
    expect(of('camera.disconnected')).to.include({ device: 'camera0', status: 'DISCONNECTED', reason: 'unplugged' })
    expect(of('camera.status_change')).to.include({ old_status: 'DISCONNECTED', new_status: 'CONNECTED' })
    expect(of('recording.start')).to.include({ device: 'camera0', status: 'RECORDING', filename: 'camera0_1.mp4', duration: 0 })
    expect(of('recording.stop')).to.deep.include({ status: 'STOPPED', filename: 'camera0_1.mp4', duration: 5, file_size: 9_000, files: outcome.files })
    expect(client.notices.filter(({ method }) => method === 'recording.error').map(({ params }) => params.status)).to.deep.equal(['INTERRUPTED', 'ERROR'])
    expect(of('snapshot.taken')).to.include({ device: 'camera0', filename: 'camera0_x.jpg', resolution: '640x480', tier: 1, age_ms: 12 })
    expect(of('mediamtx.stream_started')).to.include({ name: 'camera0', ready: true, readers: 0, device: 'camera0', stream_id: 'camera0' })
    expect(of('system.shutdown')).to.include({ reason: 'SIGTERM' })
    expect(of('system.startup')).to.include({ version: '0.1.0' })
    expect(of('system.health')).to.include({ status: 'HEALTHY' })
  })

  it('end a recording that was refused before any file when that was told', async () => {
    await subscribe(client, ['recording.error', 'mediamtx.recording_failed'])
    const { startedAt: _, ...never } = { ...outcome, files: [], endedAt: 0, recorded: 0, bytes: 0 }
    world.tell({ type: 'recording.failed', camera: 'camera0', by, outcome: never })
    await client.call('ping')
    expect(client.notices.map(({ params }) => params.end_time)).to.deep.equal(Array(2).fill('2025-06-01T12:00:00.000Z'))
  })

  it('give the web client whole objects by the names it knows, and no dotted ones', async () => {
    await subscribe(client, legacyTopics)
    for (const fact of everything.slice(0, 12)) world.tell(fact)
    await client.call('ping')
    expect(new Set(client.notices.map(({ method }) => method))).to.deep.equal(new Set(legacyTopics))
    const listed = (await client.call('get_camera_list')).result.cameras[0]
    const camera = client.notices.find(({ method }) => method === 'camera_status_update')
    expect(camera?.params).to.deep.include(listed)
    const statuses = client.notices.filter(({ method }) => method === 'recording_status_update').map(({ params }) => params.status)
    expect(statuses).to.deep.equal(['RECORDING', 'STARTING', 'RECORDING', 'STOPPED', 'ERROR'])
    expect(client.notices.find(({ method }) => method === 'system_health_update')?.params).to.include.all.keys('status', 'uptime', 'version', 'components')
  })

  it('tell one change of a camera once by its legacy name', async () => {
    await subscribe(client, ['camera_status_update'])
    const [, connected, changed] = everything
    if (connected === undefined || changed === undefined) throw new Error('two facts are needed')
    world.tell(connected)
    world.tell(changed)
    expect((await heard(client)).length).to.equal(1)
    world.cameras = [cameraView({ mode: { width: 640, height: 480, fps: 15 } })]
    world.tell({ type: 'camera.probed', camera: 'camera0', formats: ['MJPG'] })
    expect((await heard(client)).length).to.equal(2)
    expect(client.notices[1]?.params).to.include({ resolution: '640x480' })
  })

  it('use the address that each client came in by', async () => {
    const far = await stage.connect(port, { role: 'viewer', headers: { Host: 'far.example:8002' } })
    await subscribe(client, ['camera_status_update'])
    await subscribe(far, ['camera_status_update'])
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'Front door' })
    await Promise.all([heard(client), heard(far)])
    expect(client.notices[0]?.params.streams).to.include({ rtsp: 'rtsp://127.0.0.1:8554/camera0' })
    expect(far.notices[0]?.params.streams).to.include({ rtsp: 'rtsp://far.example:8554/camera0' })
  })

  it('add topics to those before, and take them away again', async () => {
    await subscribe(client, ['camera.connected'])
    await subscribe(client, ['camera.disconnected', 'camera.connected'])
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: 'x' })
    expect((await heard(client)).length).to.equal(2)
    expect((await client.call('unsubscribe_events', { topics: ['camera.connected'] })).result).to.deep.equal({
      unsubscribed: true,
      topics: ['camera.connected'],
    })
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: 'x' })
    expect((await heard(client)).length).to.equal(3)
    expect((await client.call('unsubscribe_events')).result).to.deep.equal({ unsubscribed: true, topics: [] })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: 'x' })
    expect((await heard(client)).length).to.equal(3)
  })

  it('keep to the filter by device', async () => {
    await subscribe(client, ['camera.connected', 'system.shutdown'], { device: ['camera1', 'camera2'] })
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.connected', camera: 'camera1', name: 'x' })
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect((await heard(client)).map(([method, device]) => [method, device])).to.deep.equal([
      ['camera.connected', 'camera1'],
      ['system.shutdown', undefined],
    ])
  })

  it('are silent for an expired caller until it has authenticated again', async () => {
    const brief = await stage.connect(port, { role: `viewer/ann/${noon + 1_000}` })
    await subscribe(brief, ['system.shutdown'])
    world.now += 1_000
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect(await heard(brief)).to.deep.equal([])
    await brief.call('authenticate', { auth_token: `viewer/ann/${noon + 9_000}` })
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect((await heard(brief)).length).to.equal(1)
  })

  it('reach the others while one does not read, until that one is dropped', async () => {
    const { port } = await stage.serve(world.options({ maxBuffered: 100_000 }))
    const [deaf, other] = await Promise.all([stage.connect(port, { role: 'viewer' }), stage.connect(port, { role: 'viewer' })])
    await subscribe(deaf, ['recording.stop'])
    await subscribe(other, ['recording.stop'])
    deaf.socket.pause()
    const files = Array.from({ length: 1_000 }, (_, number) => `camera0_${number}.mp4`)
    const wasDropped = () => world.logged.some(({ message }) => message === 'a client was dropped because it does not read')
    let told = 0
    while (told < 5_000 && !wasDropped()) {
      for (let count = 0; count < 10; count++) world.tell({ type: 'recording.ended', camera: 'camera0', by, outcome: { ...outcome, files } })
      told += 10
      await other.call('ping')
      expect(other.notices.length).to.equal(told)
    }
    expect(wasDropped()).to.equal(true)
  })

  it('are not made for clients that have gone', async () => {
    const gone = await stage.connect(port, { role: 'viewer' })
    await subscribe(gone, ['system.health'])
    const { link } = world.directory
    let made = 0
    world.directory.link = () => {
      made += 1
      return link()
    }
    world.tell({ type: 'storage.ok', percent: 1, available: 1 })
    expect(made).to.equal(1)
    gone.socket.close()
    await gone.closed
    while (world.released.length === 0) await client.call('ping')
    world.tell({ type: 'storage.ok', percent: 1, available: 1 })
    expect(made).to.equal(1)
  })

  it('survive a view that cannot be told', async () => {
    await subscribe(client, ['system.health'])
    const { link } = world.directory
    world.directory.link = () => {
      throw new Error('no link')
    }
    world.tell({ type: 'storage.ok', percent: 1, available: 1 })
    world.directory.link = link
    expect(await heard(client)).to.deep.equal([])
    expect(world.logged.map(({ message }) => message)).to.include('a fact could not be told to subscribers')
  })
})
