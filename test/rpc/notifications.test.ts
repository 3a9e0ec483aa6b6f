import { expect } from 'chai'
import { dependencyFailed } from '../../machines/domain/errors.js'
import type { By, EndedRecording, Fact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'
import type { SnapshotView } from '../../machines/domain/views.js'
import { isLegacy, type TopicName, topics as table, topicNames } from '../../rpc/topics/index.js'
import { faults } from './contract.js'
import { type Client, cameraView, createStage, createWorld, noon, unplugged, type World } from './fakes.js'
import { until } from './wait.js'

const by: By = { user: 'ann', request: 'r', session: 's' }
const gap = { from: noon, to: noon + 2_000, reason: because('unplugged') }
const outcome: EndedRecording = {
  reason: because('unplugged'),
  gaps: [],
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
  { type: 'camera.probeFailed', camera: 'camera0', reason: because('timed_out') },
  { type: 'camera.identityAmbiguous', camera: 'camera0', reason: because('identity_ambiguous') },
  {
    type: 'camera.mediaChanged',
    camera: 'camera0',
    from: { codec: 'H264' },
    to: { codec: 'H265' },
    reason: because('stream_changed'),
  },
  { type: 'recording.started', camera: 'camera0', by, filename: 'camera0_1.mp4', startedAt: noon, format: 'fmp4' },
  {
    type: 'recording.interrupted',
    camera: 'camera0',
    by,
    filename: 'camera0_1.mp4',
    reason: because('server_unreachable'),
    closes: false,
  },
  { type: 'recording.suspended', camera: 'camera0', by, outcome: { ...outcome, reason: because('unplugged') } },
  { type: 'recording.resumed', camera: 'camera0', by, filename: 'camera0_2.mp4', gap },
  { type: 'recording.ended', camera: 'camera0', by, outcome: { ...outcome, reason: because('requested') } },
  { type: 'recording.failed', camera: 'camera0', by, outcome },
  { type: 'snapshot.taken', by, ...snapshot },
  {
    type: 'snapshot.failed',
    camera: 'camera0',
    by,
    reason: because('no_picture'),
    passedOver: [{ tier: 0, reason: because('device_busy') }],
  },
  { type: 'stream.started', camera: 'camera0' },
  { type: 'stream.stalled', camera: 'camera0', reason: because('no_frames') },
  { type: 'stream.overloaded', camera: 'camera0', reason: because('overloaded') },
  { type: 'stream.relieved', camera: 'camera0' },
  { type: 'stream.ended', camera: 'camera0', reason: because('no_longer_used') },
  { type: 'link.degraded', reason: because('server_unreachable') },
  { type: 'link.down', reason: because('server_unreachable') },
  { type: 'link.up', version: 'v1.20.1', paths: 1 },
  { type: 'storage.warning', percent: 85, available: 100, reason: because('storage_warning') },
  { type: 'storage.critical', percent: 95, available: 50, reason: because('storage_full') },
  { type: 'storage.ok', percent: 40, available: 500 },
  { type: 'storage.switched', to: 'fallback', reason: because('storage_read_only') },
  { type: 'discovery.started', skydio: true, generic: false },
  { type: 'discovery.progress', done: 10, total: 254 },
  { type: 'discovery.found', url: 'rtsp://192.168.42.10:5554/subject', name: 'Skydio' },
  { type: 'discovery.ended', found: 1, took: 2_500, errors: [] },
  {
    type: 'file.deleted',
    kind: 'recordings',
    name: 'camera0_1.mp4',
    camera: 'camera0',
    bytes: 9_000,
    reason: 'older than 7 days',
  },
  {
    type: 'file.deleted',
    kind: 'snapshots',
    name: 'camera0_x.jpg',
    camera: 'camera0',
    bytes: 4_000,
    reason: 'older than 7 days',
  },
  { type: 'retention.swept', files: 2, freed: 13_000, kept: [] },
  { type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') },
  { type: 'camera.retired', camera: 'camera0' },
  { type: 'system.stopping', reason: 'SIGTERM' },
  {
    type: 'config.changed',
    origin: 'client',
    by,
    version: 3,
    changes: [{ key: 'server.host', from: 'secret-host', to: '::1', applies: 'restart' }],
    needsRestart: ['server.host'],
    warnings: [],
  },
  {
    type: 'config.rolledBack',
    origin: 'file',
    changes: [{ key: 'cameras', from: [], to: [], applies: 'reconnects', cameras: [] }],
    reason: because('config_unhealthy'),
    fileDiffers: true,
  },
  {
    type: 'config.refused',
    origin: 'file',
    reason: because('config_invalid', 'server.host = "secret-host": must be an address'),
    faults: [{ key: 'server.host', value: '"secret-host"', rule: 'must be an address', origin: 'line 3' }],
  },
  { type: 'file.quarantined', camera: 'camera0', filename: 'camera0_3.mp4', reason: because('file_empty') },
  { type: 'path.drifted', camera: 'camera0', reason: because('path_changed') },
  { type: 'retention.suspended', reason: because('protections_lost') },
  { type: 'retention.resumed' },
  { type: 'system.clock_jumped', from: noon, to: noon + 86_400_000, by: 86_400_000 },
  { type: 'simulation.step', act: { action: 'unplug', camera: 'front' }, step: 2, camera: 'camera0' },
  { type: 'simulation.step', act: { action: 'kill_server' }, by, reason: because('not_simulated') },
]

const [dottedTopics, legacyTopics] = [topicNames.filter((name) => !isLegacy(name)), topicNames.filter(isLegacy)]

/** The same shape without room for other members. */
const closed = (shape: { anyOf?: object[]; properties?: object }): object =>
  shape.anyOf === undefined ? { ...shape, additionalProperties: false } : { anyOf: shape.anyOf.map(closed) }
const shapes = new Map<string, object>(table.map(({ name, params }) => [name, closed(params)]))
const wrongWith = ({ method, params }: { method: string; params: object }) =>
  faults(shapes.get(method) ?? { not: {} }, params)

describe('notifications', () => {
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
  /** All notifications that the server has sent so far, in short form. */
  const received = async (who: Client) => {
    await who.call('ping')
    return who.notices.map(({ method, params }) => [
      method,
      params.device ?? params.component ?? params.status,
      params.seq,
    ])
  }

  it('reach the subscribers and no other session', async () => {
    const other = await stage.connect(port, { role: 'viewer' })
    await subscribe(client, ['camera.connected'])
    for (const fact of everything) world.tell(fact)
    expect(await received(client)).to.deep.equal([['camera.connected', 'camera0', 2]])
    expect(await received(other)).to.deep.equal([])
  })

  it('say which step was simulated, with the name of its camera in the file, or why it could not be', async () => {
    await subscribe(client, ['simulation.step'])
    const act = { action: 'stall', camera: 'front' } as const
    world.tell({ type: 'simulation.step', act, step: 2, camera: 'camera0' })
    world.tell({ type: 'simulation.step', act: { action: 'stall', camera: 'camera0' }, by, camera: 'camera0' })
    world.tell({ type: 'simulation.step', act, step: 3, camera: 'camera0', reason: because('stream_asleep') })
    await client.call('ping')
    const shown = client.notices.map(({ params: { seq, at, timestamp, ...rest } }) => rest)
    const done = { device: 'camera0', action: 'stall', status: 'DONE', severity: 'info' }
    expect(shown).to.deep.equal([
      { ...done, step: 2, name: 'front' },
      done,
      {
        ...{ ...done, step: 3, name: 'front', status: 'FAILED', severity: 'warning' },
        ...{ reason: 'stream_asleep', details: 'the stream is not running' },
      },
    ])
  })

  it('tell the new name of a camera', async () => {
    const client = await stage.connect(port, { role: 'viewer' })
    await subscribe(client, ['camera_status_update'])
    world.cameras = world.cameras.map((view) => ({ ...view, name: 'Back door' }))
    world.tell({ type: 'camera.renamed', camera: 'camera0', name: 'Back door' })
    await client.call('ping')
    expect(client.notices.map(({ params }) => [params.device, params.name])).to.deep.equal([['camera0', 'Back door']])
  })

  it('exist for every fact and for every topic', async () => {
    const client = await stage.connect(port, { role: 'admin' })
    await subscribe(client, topicNames)
    for (const fact of everything) {
      const before = client.notices.length
      world.tell(fact)
      await client.call('ping')
      expect(client.notices.length, fact.type).to.be.greaterThan(before)
    }
    expect(new Set(client.notices.map(({ method }) => method))).to.deep.equal(new Set(topicNames))
    for (const notice of client.notices) {
      expect(notice).to.have.all.keys('jsonrpc', 'method', 'params')
      expect(notice.params).to.include({ at: '2025-06-01T12:00:00.000Z', timestamp: '2025-06-01T12:00:00.000Z' })
      expect(wrongWith(notice), notice.method).to.deep.equal([])
    }
    expect(JSON.stringify(client.notices)).not.to.match(/secret|SECRET/)
  })

  it('tell admins that an edit of the configuration file was refused, and why, without its values', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    const limited = await stage.connect(port, { role: `admin/ann/${noon + 9_000}/camera1` })
    const operator = await stage.connect(port, { role: 'operator' })
    for (const who of [admin, limited, operator]) await subscribe(who, ['system.config_refused'])
    const faults = ['server.host', 'cameras[0].source'].map((key) => ({
      key,
      value: 'secret',
      rule: 'must be an address',
      origin: '',
    }))
    const invalid = because('config_invalid', 'server.host = secret: must be an address; …')
    world.tell({ type: 'config.refused', origin: 'file', reason: invalid, faults })
    world.tell({ type: 'config.refused', origin: 'signal', reason: because('config_unreadable'), faults: [] })
    // The client that asked has got the reply.
    world.tell({ type: 'config.refused', origin: 'client', by, reason: invalid, faults })
    await admin.call('ping')
    const at = '2025-06-01T12:00:00.000Z'
    expect(admin.notices.map(({ params }) => params)).to.deep.equal([
      {
        origin: 'file',
        reason: 'config_invalid',
        details: 'server.host: must be an address; cameras[0].source: must be an address',
        faults: faults.map(({ key, rule }) => ({ key, rule })),
        ...{ severity: 'warning', seq: 1, at, timestamp: at },
      },
      {
        origin: 'signal',
        reason: 'config_unreadable',
        details: because('config_unreadable').details,
        faults: [],
        ...{ severity: 'warning', seq: 2, at, timestamp: at },
      },
    ])
    for (const who of [limited, operator]) expect(await received(who)).to.deep.equal([])
  })

  it('tell of a file that was moved aside, and of a path that somebody changed', async () => {
    await subscribe(client, ['recording.quarantined', 'mediamtx.path_drifted'])
    for (const fact of everything) world.tell(fact)
    await client.call('ping')
    expect(client.notices.map(({ method, params }) => [method, params.device, params.severity])).to.deep.equal([
      ['recording.quarantined', 'camera0', 'warning'],
      ['mediamtx.path_drifted', 'camera0', 'warning'],
    ])
    expect(client.notices[0]?.params).to.include({ filename: 'camera0_3.mp4', reason: 'file_empty' })
    expect(client.notices[1]?.params).to.include({ name: 'camera0', reason: 'path_changed' })
  })

  it('contain what the API documents', async () => {
    await subscribe(client, dottedTopics)
    for (const fact of everything) world.tell(fact)
    await client.call('ping')
    const of = (topic: string) => client.notices.find(({ method }) => method === topic)?.params
    expect(of('camera.connected')).to.include({ device: 'camera0', name: 'Front door', status: 'CONNECTED' })
    expect(of('camera.disconnected')).to.include({ device: 'camera0', status: 'DISCONNECTED', reason: 'unplugged' })
    expect(of('camera.status_change')).to.include({ old_status: 'DISCONNECTED', new_status: 'CONNECTED' })
    expect(of('recording.start')).to.include({
      device: 'camera0',
      status: 'RECORDING',
      filename: 'camera0_1.mp4',
      duration: 0,
    })
    expect(of('recording.stop')).to.deep.include({
      status: 'STOPPED',
      filename: 'camera0_1.mp4',
      duration: 5,
      file_size: 9_000,
      files: outcome.files,
    })
    expect(
      client.notices.filter(({ method }) => method === 'recording.error').map(({ params }) => params.status),
    ).to.deep.equal(['INTERRUPTED', 'ERROR'])
    expect(of('snapshot.taken')).to.include({
      device: 'camera0',
      filename: 'camera0_x.jpg',
      resolution: '640x480',
      tier: 1,
      age_ms: 12,
    })
    expect(of('mediamtx.stream_started')).to.include({
      name: 'camera0',
      ready: true,
      readers: 0,
      device: 'camera0',
      stream_id: 'camera0',
    })
    expect(of('system.shutdown')).to.include({
      reason: 'service_stopping',
      details: 'the service is stopping: SIGTERM',
    })
    expect(of('system.startup')).to.include({ version: '0.1.0' })
    expect(of('system.health')).to.include({ status: 'HEALTHY' })
  })

  it('give a recording that wrote no file the time of its failure as its end', async () => {
    await subscribe(client, ['recording.error', 'mediamtx.recording_failed'])
    const { startedAt: _, ...never } = { ...outcome, files: [], endedAt: 0, recorded: 0, bytes: 0 }
    world.tell({ type: 'recording.failed', camera: 'camera0', by, outcome: never })
    await client.call('ping')
    expect(client.notices.map(({ params }) => params.end_time)).to.deep.equal(Array(2).fill('2025-06-01T12:00:00.000Z'))
    for (const { params } of client.notices) expect(params).not.to.have.property('filename')
  })

  it('name the first file of a recording also after it was removed', async () => {
    await subscribe(client, ['recording.stop', 'recording_status_update'])
    const removed = { ...outcome, filename: 'camera0_1.mp4', files: [] }
    world.tell({ type: 'recording.ended', camera: 'camera0', by, outcome: removed })
    await client.call('ping')
    expect(client.notices.map(({ params }) => params.filename)).to.deep.equal(Array(2).fill('camera0_1.mp4'))
  })

  it('carry whole objects under the topics of the web client', async () => {
    await subscribe(client, legacyTopics)
    for (const fact of everything) world.tell(fact)
    await client.call('ping')
    expect(new Set(client.notices.map(({ method }) => method))).to.deep.equal(new Set(legacyTopics))
    const listed = (await client.call('get_camera_list')).result.cameras[0]
    const camera = client.notices.find(({ method }) => method === 'camera_status_update')
    expect(camera?.params).to.deep.include(listed)
    const statuses = client.notices
      .filter(({ method }) => method === 'recording_status_update')
      .map(({ params }) => params.status)
    expect(statuses).to.deep.equal(['RECORDING', 'STARTING', 'RECORDING', 'STOPPED', 'ERROR'])
    expect(client.notices.find(({ method }) => method === 'system_health_update')?.params).to.include.all.keys(
      'status',
      'uptime',
      'version',
      'components',
    )
  })

  it('explain a failure by a code and a sentence', async () => {
    await subscribe(client, ['camera.disconnected', 'mediamtx.error', 'system.error'])
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
    world.tell({ type: 'stream.stalled', camera: 'camera0', reason: because('no_frames') })
    world.tell({ type: 'storage.critical', percent: 50, available: 50, reason: because('storage_read_only') })
    await client.call('ping')
    expect(client.notices.map(({ params }) => [params.reason, params.details])).to.deep.equal([
      ['unplugged', 'the camera was unplugged'],
      ['no_frames', 'the camera delivers no frames'],
      ['storage_read_only', 'the disk is read-only'],
    ])
    for (const notification of client.notices) expect(wrongWith(notification)).to.deep.equal([])
  })

  it('are not sent for a refused call, whose reply has the reason', async () => {
    const operator = await stage.connect(port, { role: 'operator' })
    await subscribe(client, topicNames)
    world.ask.startRecording = () => Promise.reject(dependencyFailed('storage', because('storage_full')))
    const { error } = await operator.call('start_recording', { device: 'camera0' })
    expect([error?.code, error?.data.reason, error?.data.details]).to.deep.equal([
      -32050,
      'storage_full',
      'the disk is full',
    ])
    expect(await received(client)).to.deep.equal([])
  })

  it('report one change of a camera once under the topic of the web client', async () => {
    await subscribe(client, ['camera_status_update'])
    const [connected, changed] = ['camera.connected', 'camera.statusChanged'].map((type) =>
      everything.find((fact) => fact.type === type),
    )
    if (connected === undefined || changed === undefined) throw new Error('two facts are needed')
    world.tell(connected)
    world.tell(changed)
    expect((await received(client)).length).to.equal(1)
    world.cameras = [cameraView({ mode: { width: 640, height: 480, fps: 15 } })]
    world.tell({ type: 'camera.probed', camera: 'camera0', formats: ['MJPG'] })
    expect((await received(client)).length).to.equal(2)
    expect(client.notices[1]?.params).to.include({ resolution: '640x480' })
  })

  it('use the host that each client connected to, and sign URLs for that client alone', async () => {
    const far = await stage.connect(port, { role: 'viewer/bob', headers: { Host: 'far.example:8002' } })
    await subscribe(client, ['camera_status_update'])
    await subscribe(far, ['camera_status_update'])
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'Front door' })
    await Promise.all([received(client), received(far)])
    const told = [client, far].map(({ notices: [notice] }) => {
      const { rtsp } = (notice?.params.streams ?? { rtsp: '' }) as { rtsp: string }
      const [address, sig = ''] = rtsp.split('?sig=')
      return [
        address,
        world.options().links.verify(decodeURIComponent(sig), { subject: 'stream:camera0', address: '127.0.0.1' }).user,
      ]
    })
    expect(told).to.deep.equal([
      ['rtsp://127.0.0.1:8554/camera0', 'a-viewer'],
      ['rtsp://far.example:8554/camera0', 'bob'],
    ])
  })

  it('add topics to earlier ones, and remove them again', async () => {
    await subscribe(client, ['camera.connected'])
    await subscribe(client, ['camera.disconnected', 'camera.connected'])
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
    expect((await received(client)).length).to.equal(2)
    expect((await client.call('unsubscribe_events', { topics: ['camera.connected'] })).result).to.deep.equal({
      unsubscribed: true,
      topics: ['camera.connected'],
    })
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
    expect((await received(client)).length).to.equal(3)
    expect((await client.call('unsubscribe_events')).result).to.deep.equal({ unsubscribed: true, topics: [] })
    world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
    expect((await received(client)).length).to.equal(3)
  })

  it('obey the filter by device', async () => {
    await subscribe(client, ['camera.connected', 'system.shutdown'], { device: ['camera1', 'camera2'] })
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    world.tell({ type: 'camera.connected', camera: 'camera1', name: 'x' })
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect((await received(client)).map(([method, device]) => [method, device])).to.deep.equal([
      ['camera.connected', 'camera1'],
      ['system.shutdown', undefined],
    ])
  })

  it('are not sent to an expired caller until it authenticates again', async () => {
    const brief = await stage.connect(port, { role: `viewer/ann/${noon + 1_000}` })
    await subscribe(brief, ['system.shutdown'])
    world.now += 1_000
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect((await received(brief)).map(([method]) => method)).not.to.include('system.shutdown')
    await brief.call('authenticate', { auth_token: `viewer/ann/${noon + 9_000}` })
    world.tell({ type: 'system.stopping', reason: 'x' })
    expect((await received(brief)).filter(([method]) => method === 'system.shutdown')).to.have.length(1)
  })

  it('reach the other subscribers while one does not read, which is dropped', async () => {
    const { port } = await stage.serve(world.options({ maxBuffered: 100_000 }))
    const [deaf, other] = await Promise.all([
      stage.connect(port, { role: 'viewer' }),
      stage.connect(port, { role: 'viewer' }),
    ])
    await subscribe(deaf, ['recording.stop'])
    await subscribe(other, ['recording.stop'])
    deaf.socket.pause()
    const files = Array.from({ length: 1_000 }, (_, number) => `camera0_${number}.mp4`)
    const wasDropped = () =>
      world.logged.some(({ message }) => message === 'a client was dropped because it does not read')
    let sent = 0
    while (sent < 5_000 && !wasDropped()) {
      for (let count = 0; count < 10; count++)
        world.tell({ type: 'recording.ended', camera: 'camera0', by, outcome: { ...outcome, files } })
      sent += 10
      await other.call('ping')
      expect(other.notices.length).to.equal(sent)
    }
    expect(wasDropped()).to.equal(true)
  })

  it('are not made after the last subscriber has left', async () => {
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
    await until('the service notices the end of the connection', () => world.released.length > 0)
    world.tell({ type: 'storage.ok', percent: 1, available: 1 })
    expect(made).to.equal(1)
  })

  it('survive a payload that cannot be made', async () => {
    await subscribe(client, ['system.health'])
    const { link } = world.directory
    world.directory.link = () => {
      throw new Error('no link')
    }
    world.tell({ type: 'storage.ok', percent: 1, available: 1 })
    world.directory.link = link
    expect(await received(client)).to.deep.equal([])
    expect(world.logged.map(({ message }) => message)).to.include('a fact could not be sent to subscribers')
  })

  it('never concern cameras that the caller may not use, whatever the filter', async () => {
    const limited = await stage.connect(port, { role: `viewer/ann/${noon + 9_000}/camera1` })
    await subscribe(limited, topicNames, { device: ['camera0', 'camera1'] })
    limited.notices.splice(0)
    for (const fact of everything) world.tell(fact)
    world.tell({ type: 'camera.connected', camera: 'camera1', name: 'Yard' })
    await received(limited)
    const told = limited.notices.filter(({ params }) => params.device !== undefined)
    expect(told.map(({ method, params }) => [method, params.device])).to.deep.include(['camera.connected', 'camera1'])
    expect(JSON.stringify(limited.notices)).not.to.match(/camera0|discovery/)
  })

  it('obey the filter by severity', async () => {
    await subscribe(client, dottedTopics, { severity: 'error' })
    for (const fact of everything) world.tell(fact)
    await received(client)
    expect(client.notices.map(({ method, params }) => `${method} ${params.severity}`)).to.deep.equal([
      'camera.capability_error error',
      'recording.error error',
      'mediamtx.recording_failed error',
      'snapshot.error error',
      'mediamtx.error error',
      'system.error critical',
      'system.config_changed error',
    ])
  })

  it('refuse filters with an unknown member or form, and say what is allowed', async () => {
    const refused = async (filters: object) => (await subscribe(client, ['camera.connected'], filters)).error
    const unknown = await refused({ color: 'red' })
    expect(unknown).to.deep.include({ code: -32602 })
    expect(unknown?.data).to.include({ param: 'filters.color', details: 'filters may hold device, severity' })
    for (const device of [5, '/dev/video0', [], ['camera0', 7], {}]) {
      const error = await refused({ device })
      expect([error?.code, error?.data.param], JSON.stringify(device)).to.deep.equal([-32602, 'filters.device'])
    }
    expect((await refused({ severity: 'loud' }))?.data).to.include({
      param: 'filters.severity',
      rule: 'must be one of info, warning, error, critical',
    })
    expect((await client.call('get_subscription_stats')).result.client_topics).to.deep.equal([])
  })

  it('begin with the present state in the reply', async () => {
    const files = ['camera0_1.mp4']
    world.cameras = [
      cameraView({
        recording: {
          camera: 'camera0',
          status: 'RECORDING',
          growing: true,
          gaps: [],
          format: 'fmp4',
          by: 'ann',
          files,
          filename: 'camera0_1.mp4',
          startedAt: noon - 2_000,
        },
      }),
      unplugged(),
    ]
    world.tell({ type: 'system.started' })
    const { result } = await subscribe(client, topicNames)
    expect(result).to.include({ seq: 1, subscribed: true }).and.not.to.have.any.keys('resumed', 'reason')
    const state = result.state as { method: TopicName; params: Record<string, unknown> }[]
    for (const told of state) {
      expect(wrongWith(told), told.method).to.deep.equal([])
      expect(told.params.seq).to.equal(1)
    }
    const of = (topic: TopicName) => state.filter(({ method }) => method === topic).map(({ params }) => params)
    expect(of('camera.connected').map(({ device }) => device)).to.deep.equal(['camera0'])
    expect(of('camera.disconnected')).to.deep.include({
      device: 'camera1',
      status: 'DISCONNECTED',
      reason: 'unplugged',
      details: 'the camera was unplugged',
      severity: 'warning',
      seq: 1,
      at: '2025-06-01T11:59:55.000Z',
      timestamp: '2025-06-01T11:59:55.000Z',
    })
    expect(of('recording.start')).to.have.length(1)
    expect(of('recording.start')[0]).to.include({
      device: 'camera0',
      filename: 'camera0_1.mp4',
      start_time: '2025-06-01T11:59:58.000Z',
    })
    expect(of('camera_status_update').map(({ device, status }) => [device, status])).to.deep.equal([
      ['camera0', 'CONNECTED'],
      ['camera1', 'DISCONNECTED'],
    ])
    expect(of('mediamtx.path').map(({ device, ready }) => [device, ready])).to.deep.equal([
      ['camera0', false],
      ['camera1', false],
    ])
    for (const topic of ['system.health', 'system_health_update', 'system.startup'] as const)
      expect(of(topic), topic).to.have.length(1)
    expect(client.notices).to.deep.equal([])
    const limited = await stage.connect(port, { role: `viewer/ann/${noon + 9_000}/camera1` })
    expect(JSON.stringify((await subscribe(limited, topicNames)).result.state)).not.to.include('camera0')
  })

  it('describe faults in the present state too', async () => {
    world.link = {
      ...world.link,
      state: 'down',
      cause: { state: 'down', since: noon - 1_000, reason: because('server_unreachable') },
    }
    const folder = { inUse: 'fallback', since: noon, reason: because('storage_read_only') } as const
    world.storage = { ...world.storage, state: 'critical', percent: 95, folder }
    world.cameras = [
      cameraView({
        status: 'ERROR',
        cause: { state: 'faulty', since: noon, reason: because('no_picture') },
        stream: {
          status: 'ERROR',
          since: noon,
          holders: {},
          frames: 0,
          fps: 0,
          bitrate: 0,
          reason: because('device_busy'),
        },
        identity: { key: 'port:x', basis: 'port', confidence: 'medium', ambiguous: true },
        recording: {
          camera: 'camera0',
          status: 'INTERRUPTED',
          growing: false,
          gaps: [],
          format: 'fmp4',
          by: 'ann',
          files: ['a.mp4'],
          filename: 'a.mp4',
          startedAt: noon,
          reason: because('no_data'),
        },
      }),
    ]
    const { result } = await subscribe(client, topicNames, { severity: 'warning' })
    const told = (result.state as { method: string; params: Record<string, unknown> }[]).map(
      ({ method, params }) => `${method} ${params.details ?? params.reason ?? params.status}`,
    )
    expect(told).to.include.members([
      'system.error the disk is full',
      'system.error another camera reports the same serial: both are identified by their USB port',
      'mediamtx.error the media server does not answer',
      'system.health UNHEALTHY',
      'camera.status_change no picture could be taken',
      'camera_status_update no picture could be taken',
      'recording.error no data is written',
      'recording_status_update no data is written',
    ])
  })

  const resume = (who: Client, since: number, also: object = {}) =>
    who.call('subscribe_events', { topics: ['recording.stop', 'camera_status_update'], since, ...also })
  const end = (filename: string): Fact => ({
    type: 'recording.ended',
    camera: 'camera0',
    by,
    outcome: { ...outcome, files: [filename] },
  })

  it('send what a client missed right after the reply, in order and before newer facts', async () => {
    const { epoch } = (await subscribe(client, ['recording.stop'])).result
    for (const name of ['a', 'b', 'c']) world.tell(end(name))
    world.tell({ type: 'camera.probed', camera: 'camera0', formats: [] })
    world.tell({ type: 'camera.connected', camera: 'camera0', name: 'x' })
    const back = await stage.connect(port, { role: 'viewer' })
    const frames: string[] = []
    back.socket.on('message', (data) => {
      const { method, params, result } = JSON.parse(data.toString())
      frames.push(
        method === undefined ? (result === 'pong' ? 'pong' : 'reply') : `${params.seq} ${params.filename ?? method}`,
      )
      // A new fact while the missed ones are still on their way.
      if (result?.resumed) world.tell(end('d'))
    })
    const { result } = await resume(back, 1, { epoch })
    expect(result).to.deep.include({ seq: 5, epoch, resumed: true, state: [] })
    await back.call('ping')
    // Of the missed ones the whole camera is sent once, in its present state.
    const live = ['6 camera_status_update', '6 d']
    expect(frames).to.deep.equal(['reply', '2 b', '3 c', '5 camera_status_update', ...live, 'pong'])
    expect((await resume(back, 6)).result).to.include({ resumed: true, seq: 6 })
  })

  it('send a fact of the same instant as a resumption after the missed facts', async () => {
    for (const name of ['a', 'b']) world.tell(end(name))
    const back = await stage.connect(port, { role: 'operator' })
    world.ask.simulate = async () => world.tell(end('c'))
    // Both requests arrive together, so that the second is carried out in the same turn as the first.
    back.socket.send(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 'x',
        method: 'subscribe_events',
        params: { topics: ['recording.stop'], since: 0 },
      }),
    )
    world.ask.releaseStream = async (camera) => {
      world.tell(end('c'))
      return { camera: camera as 'camera0', since: noon, continues: false }
    }
    back.socket.send(
      JSON.stringify({ jsonrpc: '2.0', id: 'y', method: 'stop_streaming', params: { device: 'camera0' } }),
    )
    await back.until(() => back.notices.length === 3, 'three notifications')
    expect(back.notices.map(({ params }) => params.filename)).to.deep.equal(['a', 'b', 'c'])
  })

  it('give the reason why they cannot resume, and the present state instead', async () => {
    const { port } = await stage.serve(world.options({ eventBuffer: 2 }))
    const back = await stage.connect(port, { role: 'viewer' })
    for (const name of ['a', 'b', 'c']) world.tell(end(name))
    const { epoch } = (await subscribe(back, ['system.health'])).result
    expect((await resume(back, 1, { epoch })).result).to.include({ resumed: true })
    await back.call('ping')
    const stops = back.notices.filter(({ method }) => method === 'recording.stop')
    expect(stops.map(({ params }) => params.filename)).to.deep.equal(['b', 'c'])
    for (const [since, also, reason] of [
      [0, { epoch }, 'buffer_exceeded'],
      [4, { epoch }, 'in_the_future'],
      [3, { epoch: 'another' }, 'other_epoch'],
    ] as const) {
      const { result } = await resume(back, since, also)
      expect(result).to.include({ resumed: false, reason, seq: 3 })
      expect(result.state.map(({ method }: { method: string }) => method)).to.deep.equal([
        'camera_status_update',
        'camera_status_update',
      ])
    }
    expect((await resume(back, -1)).error?.data).to.include({ param: 'since' })
  })

  it('do not resume with more than a client can read at once', async () => {
    const { port } = await stage.serve(world.options({ maxBuffered: 10_000 }))
    const back = await stage.connect(port, { role: 'viewer' })
    for (let count = 0; count < 40; count++) world.tell(end('x'.repeat(100)))
    expect((await resume(back, 0)).result).to.include({ resumed: false, reason: 'buffer_exceeded' })
    expect((await resume(back, 39)).result).to.include({ resumed: true })
  })

  it('resume only with what the caller may get', async () => {
    for (const fact of everything) world.tell(fact)
    const limited = await stage.connect(port, { role: `viewer/ann/${noon + 9_000}/camera1` })
    await limited.call('subscribe_events', { topics: topicNames, since: 0, filters: { severity: 'warning' } })
    await limited.call('ping')
    expect(limited.notices.map(({ method }) => method)).to.include('system.error')
    expect(JSON.stringify(limited.notices)).not.to.match(/camera0|discovery|"info"/)
  })

  it('are counted by topic and by client', async () => {
    const other = await stage.connect(port, { role: 'viewer' })
    await subscribe(client, ['camera.connected', 'camera.disconnected'])
    await subscribe(client, ['camera.connected'])
    await subscribe(other, ['camera.connected'])
    const stats = async () => (await client.call('get_subscription_stats')).result
    const { global_stats, client_topics, client_id } = await stats()
    expect(global_stats).to.deep.equal({
      total_subscriptions: 3,
      active_clients: 2,
      topic_counts: { 'camera.connected': 2, 'camera.disconnected': 1 },
    })
    expect(client_topics).to.deep.equal(['camera.connected', 'camera.disconnected'])
    expect(client_id).to.match(/^[0-9a-f-]{36}$/)
    await other.call('unsubscribe_events')
    await client.call('unsubscribe_events', { topics: ['camera.connected'] })
    expect((await stats()).global_stats).to.deep.equal({
      total_subscriptions: 1,
      active_clients: 1,
      topic_counts: { 'camera.disconnected': 1 },
    })
  })

  it('count those that a client without reading did not get', async () => {
    let dropped = 0
    const count = () => {
      dropped += 1
    }
    const { port } = await stage.serve({
      ...world.options({ maxBuffered: 1_000 }),
      metrics: { ...world.options().metrics, dropped: count },
    })
    const deaf = await stage.connect(port, { role: 'viewer' })
    await subscribe(deaf, ['recording.stop'])
    deaf.socket.pause()
    await until('the client is dropped', async () => {
      for (let sent = 0; sent < 100; sent++) world.tell(end('x'.repeat(10_000)))
      await client.call('ping')
      return dropped > 0
    })
    expect(dropped).to.equal(1)
  })
})
