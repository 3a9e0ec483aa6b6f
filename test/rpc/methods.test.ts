import { expect } from 'chai'
import { dependencyFailed, ServiceError } from '../../machines/domain/errors.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { methods } from '../../rpc/methods/index.js'
import { topicNames } from '../../rpc/topics/index.js'
import { contract, faults } from './contract.js'
import { type Client, cameraView, createStage, createWorld, noon, unplugged, type World } from './fakes.js'

const calls: [method: string, params?: object][] = [
  ['ping'],
  ['authenticate', { auth_token: 'admin' }],
  ['redeem_sign_in', { code: 'good' }],
  ['get_camera_list'],
  ['get_camera_status', { device: 'camera0' }],
  ['get_camera_status', { device: 'camera1' }],
  ['get_camera_capabilities', { device: 'camera0' }],
  ['get_camera_capabilities', { device: 'camera1' }],
  ['set_camera', { device: 'camera0', name: 'Haustür 🚪' }],
  ['take_snapshot', { device: 'camera0' }],
  ['take_snapshot', { device: 'camera0', filename: 'door.png', quality: 0, width: 320, height: 240, max_age: 0.5 }],
  ['start_recording', { device: 'camera0', duration: 5, format: 'mkv' }],
  ['start_recording', { device: 'camera0' }],
  ['stop_recording', { device: 'camera0' }],
  ['list_recordings'],
  ['list_recordings', { limit: '1', offset: '0' }],
  ['list_snapshots', { limit: 1000 }],
  ['get_recording_info', { filename: 'camera0_2025-06-01_11-00-00-000000' }],
  ['get_snapshot_info', { filename: 'camera0_2025-06-01_11-30-00-000.jpg' }],
  ['start_streaming', { device: 'camera0' }],
  ['stop_streaming', { device: 'camera0' }],
  ['get_stream_url', { device: 'camera0' }],
  ['get_stream_url', { device: 'camera1' }],
  ['get_stream_status', { device: 'camera0' }],
  ['get_stream_status', { device: 'camera1' }],
  ['get_streams'],
  ['subscribe_events', { topics: ['camera.connected', 'camera_status_update'], filters: { device: 'camera0' } }],
  ['get_subscription_stats'],
  ['unsubscribe_events'],
  ['discover_external_streams'],
  [
    'discover_external_streams',
    { skydio_enabled: false, generic_enabled: true, force_rescan: true, include_offline: true },
  ],
  ['add_external_stream', { stream_url: 'rtsp://10.0.0.7/live', stream_name: 'Gate', stream_type: 'generic_rtsp' }],
  ['remove_external_stream', { stream_url: 'rtsp://192.168.42.10:5554/subject' }],
  ['get_external_streams'],
  ['set_discovery_interval', { scan_interval: 0 }],
  ['get_actors'],
  ['get_status'],
  ['get_system_health'],
  ['get_system_status'],
  ['get_server_info'],
  ['get_storage_info'],
  ['get_metrics'],
  ['set_retention_policy', { policy_type: 'age', max_age_days: 7, enabled: true }],
  ['cleanup_old_files', { dry_run: true }],
  ['list_sessions'],
  ['create_api_key', { role: 'viewer', user: 'wall' }],
  ['list_api_keys'],
  ['revoke_token', { jti: 'one' }],
  ['get_audit_log'],
  ['get_history'],
  ['get_history', { device: 'camera1', limit: '5' }],
  ['explain', { device: 'camera1' }],
  ['explain', { recording: 'camera0' }],
  ['explain', { component: 'storage' }],
  ['get_support_bundle'],
  ['set_log_level', { level: 'debug', module: 'api' }],
  ['set_log_level', { level: 'default' }],
  ['get_config'],
  ['set_config', { patch: { logging: { level: 'debug' }, server: null } }],
  ['set_config', { patch: {}, dry_run: true }],
  ['get_config_history'],
  ['get_config_history', { limit: '1', offset: '1' }],
  ['rollback_config', { version: 1 }],
  ['rpc.discover'],
  ['simulate', { device: 'camera0', action: 'unplug' }],
  ['protect_recording', { filename: 'camera0_2025-06-01_11-00-00-000000', protected: true }],
  ['delete_recording', { filename: 'camera0_2025-06-01_11-00-00-000000.mp4' }],
  ['delete_snapshot', { filename: 'camera0_2025-06-01_11-30-00-000' }],
]

describe('methods', () => {
  const stage = createStage()
  let world: World
  let admin: Client
  let port: number

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
    admin = await stage.connect(port, { role: 'admin' })
  })
  afterEach(() => stage.end())

  it('are those of the contract, with the same roles', () => {
    const roles = new Map(contract.map(({ method, role }) => [method, role]))
    const ours = methods
      .filter(({ name, since }) => since === '1.0' && name !== 'simulate' && name !== 'get_system_health')
      .map(({ name, role }) => [name, role])
    expect(ours).to.deep.equal(ours.map(([name = '']) => [name, roles.get(name)]))
    expect(new Set(methods.map(({ name }) => name)).size).to.equal(methods.length)
    expect(calls.map(([name]) => name)).to.include.members(ours.map(([name]) => name))
  })

  for (const [name, params] of calls) {
    it(`${name}(${params === undefined ? '' : JSON.stringify(params)}) returns what is documented`, async () => {
      const { result, error } = await admin.call(name, params)
      expect(error).to.equal(undefined)
      const documented = contract.find(({ method }) => method === (name === 'get_system_health' ? 'get_status' : name))
      if (documented !== undefined) expect(faults(documented.result, result)).to.deep.equal([])
      const own = methods.find((method) => method.name === name)
      expect(faults(own?.result ?? {}, result)).to.deep.equal([])
      expect(JSON.stringify(result)).not.to.match(/SECRET01|\/dev\/video|\/nowhere/)
    })
  }

  /** A camera with URLs without signatures, which have tests of their own. */
  const unsigned = <T extends { streams: Record<string, string> }>(camera: T): T => ({
    ...camera,
    streams: Object.fromEntries(
      Object.entries(camera.streams).map(([protocol, url]) => [protocol, url.replace(/\?sig=[\w.-]+$/, '')]),
    ),
  })

  it('get_camera_list returns why each other method would be refused', async () => {
    const full = because('storage_full', 'the disk is full')
    world.cameras = [
      cameraView({ allowed: ['take_snapshot', 'start_streaming'], obstacles: { storage: full } }),
      unplugged(),
    ]
    const { result } = await admin.call('get_camera_list')
    const refused = result.cameras.map(({ refused_methods }: { refused_methods: object[] }) => refused_methods)
    expect(refused[0]).to.deep.equal([
      { method: 'start_recording', reason: 'storage_full', details: 'the disk is full' },
      {
        method: 'stop_recording',
        reason: 'invalid_state',
        details: 'camera0 is not being recorded',
      },
    ])
    expect(refused[1].map(({ method }: { method: string }) => method)).to.deep.equal([
      'take_snapshot',
      'start_recording',
      'stop_recording',
      'start_streaming',
    ])
    expect(refused[1][0].details).to.equal('camera1 is unplugged: the camera was unplugged')
  })

  it('get_actors lists no actor of a camera that the caller may not use', async () => {
    const wide = await admin.call('get_actors')
    expect(wide.result.actors).to.deep.equal([
      {
        actor: 'fleet',
        machine: 'fleet',
        states: ['serving.cameras.running', 'serving.link.on'],
        since: '2025-06-01T11:59:00.000Z',
      },
      {
        actor: 'camera:camera0',
        parent: 'fleet',
        machine: 'camera',
        states: ['online.available'],
        since: '2025-06-01T11:59:10.000Z',
      },
    ])
    const limited = await stage.connect(port, { role: `admin/eve/${noon + 60_000}/camera1` })
    const { result } = await limited.call('get_actors')
    expect(result.actors.map(({ actor }: { actor: string }) => actor)).to.deep.equal(['fleet'])
  })

  it('get_stream_status says why the path is not known while the media server is down', async () => {
    const reason = because('server_unreachable')
    world.link = { ...world.link, state: 'down', cause: { state: 'down', since: noon, reason } }
    const { result } = await admin.call('get_stream_status', { device: 'camera0' })
    expect(result).to.deep.include({ ready: false, reason: 'server_unreachable', details: reason.details })
  })

  it('start_streaming names no ffmpeg for a camera that the media server reads itself', async () => {
    world.cameras = [cameraView({ kind: 'rtsp' })]
    const { result } = await admin.call('start_streaming', { device: 'camera0' })
    expect(result.ffmpeg_command).to.equal('none (the media server reads the camera itself)')
  })

  it('get_camera_list returns each camera as a whole, with its reason', async () => {
    const { result } = await admin.call('get_camera_list', { whatever: 1 })
    expect(result.cameras.map(({ device }: { device: string }) => device)).to.deep.equal(['camera0', 'camera1'])
    expect(result).to.deep.include({ total: 2, connected: 1 })
    expect(unsigned(result.cameras[0])).to.deep.include({
      id: 'camera0',
      status: 'CONNECTED',
      resolution: '1280x720',
      fps: 30,
      state: 'available',
      streams: {
        rtsp: 'rtsp://127.0.0.1:8554/camera0',
        hls: 'http://127.0.0.1:8888/camera0/index.m3u8',
        webrtc: 'http://127.0.0.1:8889/camera0',
      },
      identity: { basis: 'serial', confidence: 'high', ambiguous: false },
      pipeline: {
        kind: 'encode',
        reason: 'the camera sends MJPEG',
        source_format: 'MJPG',
        profile: 'baseline',
        level: '3.1',
        encoder: 'h264_vaapi',
        encoder_reason: 'this host encodes with it',
      },
      allowed_methods: ['take_snapshot', 'start_recording', 'start_streaming'],
    })
    expect(result.cameras[1]).to.deep.include({
      status: 'DISCONNECTED',
      streams: {},
      state: 'unplugged',
      reason: 'unplugged',
      details: 'the camera was unplugged',
    })
  })

  it('return no URL of a protocol that the media server does not serve', async () => {
    const { port } = await stage.serve(
      world.options(
        {},
        { offers: () => ({ hls: false, webrtc: false, ports: { rtsp: 8554, hls: 8888, webrtc: 8889 } }) },
      ),
    )
    const viewer = await stage.connect(port, { role: 'viewer', headers: { Host: 'cameras.example:8002' } })
    const { result } = await viewer.call('get_camera_list')
    expect(unsigned(result.cameras[0]).streams).to.deep.equal({ rtsp: 'rtsp://cameras.example:8554/camera0' })
    expect((await viewer.call('get_server_info')).result.stream_protocols).to.deep.equal(['rtsp'])
  })

  it('simulate faults of one camera, or of the whole service for administrators of all cameras', async () => {
    const calls: [params: object, request: object][] = [
      [
        { device: 'camera0', action: 'plug', port: '1.2' },
        { action: 'plug', camera: 'camera0', port: '1.2' },
      ],
      [
        { action: 'jump_clock', seconds: -90 },
        { action: 'jump_clock', by: -90_000 },
      ],
      [{ action: 'kill_server' }, { action: 'kill_server' }],
    ]
    for (const [params, request] of calls) {
      const { result } = await admin.call('simulate', params)
      expect(result).to.deep.include({ action: (params as { action: string }).action, status: 'DONE' })
      expect(world.asked.at(-1)).to.deep.include({ what: 'simulate', request })
    }
    await admin.call('simulate', { action: 'start' })
    expect(world.asked.at(-1)?.what).to.equal('startScenario')

    const before = world.asked.length
    const limited = await stage.connect(port, { role: `admin/ann/${world.now + 60_000}/camera0` })
    for (const action of ['kill_server', 'disk_full', 'jump_clock', 'start'])
      expect((await limited.call('simulate', { action, seconds: 5 })).error?.data).to.deep.include({
        reason: 'limited_to_cameras',
      })
    expect((await limited.call('simulate', { action: 'unplug', device: 'camera1' })).error?.code).to.equal(-32010)
    expect(world.asked).to.have.length(before)
    await limited.call('simulate', { action: 'unplug', device: 'camera0' })
    expect(world.asked).to.have.length(before + 1)
  })

  it('request a snapshot in the units of the actors', async () => {
    await admin.call('take_snapshot', { device: 'camera0', filename: 'door.png', quality: 0, max_age: 0.5 })
    await admin.call('take_snapshot', { device: 'camera0', format: 'jpeg', quality: 40, width: 320 })
    const [first, second] = world.asked.map(({ request }) => request as Record<string, unknown>)
    expect(first).to.deep.include({ filename: 'door', format: 'png', quality: 90, maxAge: 500 })
    expect(second).to.deep.include({ format: 'jpg', quality: 40, width: 320, maxAge: 1_000 })
    expect(second).not.to.have.any.keys('filename', 'height', 'fit')
    expect(first?.by).to.deep.include({ user: 'a-admin' })
    await admin.call('take_snapshot', { device: 'camera0', width: 320, height: 320, fit: 'fill' })
    expect(world.asked.pop()?.request).to.deep.include({ width: 320, height: 320, fit: 'fill' })
    const third = await admin.call('take_snapshot', { device: 'camera0', filename: 'Haustür (2), 100%.jpeg' })
    expect(third.error).to.equal(undefined)
    expect(world.asked[2]?.request).to.deep.include({ filename: 'Haustür (2), 100%', format: 'jpg' })
  })

  it('request a recording in milliseconds and return seconds', async () => {
    await admin.call('start_recording', { device: 'camera0', duration: 5 })
    expect(world.asked[0]?.request).to.deep.include({ duration: 5_000, format: 'fmp4' })
    const { result } = await admin.call('stop_recording', { device: 'camera0' })
    expect(result).to.deep.include({
      duration: 5,
      duration_ms: 5_020,
      file_size: 99_000,
      status: 'STOPPED',
      reason: 'requested',
    })
  })

  it('list recordings with their durations, also if one of them is gone', async () => {
    const [file] = world.recordings
    if (file === undefined) throw new Error('the world has no recording')
    world.recordings = [file, { ...file, name: 'camera0_older.mp4' }]
    const { port } = await stage.serve(
      world.options(
        {},
        {
          files: {
            ...world.options().files,
            described: async ({ name }) => (name === file.name ? file : Promise.reject(new Error('gone'))),
          },
        },
      ),
    )
    const { result } = await (await stage.connect(port, { role: 'viewer' })).call('list_recordings')
    expect(
      result.files.map(({ filename, duration }: { filename: string; duration?: number }) => [filename, duration]),
    ).to.deep.equal([
      [file.name, 10],
      ['camera0_older.mp4', undefined],
    ])
    expect(result.files[0].download_url.split('?')[0]).to.equal(`/files/recordings/${file.name}`)
  })

  it('mark a recording that was cut off, but none that is being written', async () => {
    const [file] = world.recordings
    if (!file) throw new Error('there is no recording')
    const cutOff = { ...file, complete: false, modifiedAt: noon - 10_000 }
    const growing = { ...cutOff, name: 'camera0_growing.mp4', modifiedAt: noon }
    world.recordings.splice(0, 1, cutOff, growing)
    const gap = { from: noon - 9_000, to: noon - 8_000, reason: because('unplugged') }
    const view = { camera: 'camera0', growing: true, format: 'fmp4', by: 'ann' } as const
    world.cameras = [
      cameraView({ recording: { ...view, gaps: [gap], status: 'RECORDING', files: [cutOff.name, growing.name] } }),
    ]
    const of = async (filename: string) => (await admin.call('get_recording_info', { filename })).result
    expect(await of(cutOff.name)).to.deep.include({ complete: false, truncated: true })
    expect((await of(cutOff.name)).gaps).to.have.length(1)
    expect(await of(growing.name))
      .to.include({ complete: false })
      .and.not.have.property('truncated')
    const { files } = (await admin.call('list_recordings')).result
    expect(files.map(({ truncated }: { truncated?: true }) => truncated)).to.deep.equal([true, undefined])
  })

  it('lists the newest 100 files and gaps of a recording that has run for months', async () => {
    const files = Array.from({ length: 4_000 }, (_, index) => `camera0_${index}.mp4`)
    const gaps = files.map((_, at) => ({ from: at, to: at + 1, reason: because('unplugged') }))
    const recording = { camera: 'camera0', growing: true, format: 'fmp4', by: 'ann', status: 'RECORDING' } as const
    world.cameras = [cameraView({ recording: { ...recording, files, gaps } })]
    const { result } = await admin.call('get_camera_status', { device: 'camera0' })
    expect(result.recording).to.deep.include({ files: files.slice(-100), file_count: 4_000 })
    expect(result.recording.gaps).to.have.length(100)
    expect(result.recording.gaps.at(-1)).to.deep.include({ to: new Date(4_000).toISOString() })
  })

  it('show whether a recording has its index', async () => {
    const [file] = world.recordings
    if (!file) throw new Error('there is no recording')
    world.recordings.splice(0, 1, { ...file, indexed: false }, { ...file, name: 'camera0_b.mp4', indexed: true })
    const of = async (filename: string) => (await admin.call('get_recording_info', { filename })).result.indexed
    expect([await of(file.name), await of('camera0_b.mp4')]).to.deep.equal([false, true])
    const { files } = (await admin.call('list_recordings')).result
    expect(files.slice(0, 2).map(({ indexed }: { indexed?: boolean }) => indexed)).to.deep.equal([false, true])
    const snapshots = (await admin.call('list_snapshots')).result.files
    expect(snapshots[0]).not.to.have.property('indexed')
  })

  it('return the gaps of an ended recording', async () => {
    const [file] = world.recordings
    const filename = file?.name ?? ''
    expect((await admin.call('get_recording_info', { filename })).result).not.to.have.property('gaps')
    world.gaps[filename] = [{ from: noon - 9_000, to: noon - 8_000, reason: because('unplugged') }]
    const { gaps } = (await admin.call('get_recording_info', { filename })).result
    expect(gaps).to.deep.equal([
      {
        from: '2025-06-01T11:59:51.000Z',
        to: '2025-06-01T11:59:52.000Z',
        reason: 'unplugged',
        details: 'the camera was unplugged',
      },
    ])
  })

  it('refuse to delete a file that is being recorded', async () => {
    const [file] = world.recordings
    const files = [file?.name ?? '']
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
        },
      }),
    ]
    const { error } = await admin.call('delete_recording', { filename: files[0] })
    expect(error).to.deep.include({ code: -32020 })
    expect(error?.data).to.deep.include({ state: 'RECORDING', allowed_methods: ['stop_recording'] })
    expect(world.recordings).to.have.length(1)
  })

  it('refuse to delete a file that is being remuxed, whatever its extension', async () => {
    const name = world.recordings[0]?.name ?? ''
    const files = [name.replace('.mp4', '.mkv'), 'camera0_later.mkv']
    world.cameras = [
      cameraView({
        recording: { camera: 'camera0', status: 'STOPPING', growing: true, gaps: [], format: 'mkv', by: 'ann', files },
      }),
    ]
    const { error } = await admin.call('delete_recording', { filename: name })
    expect(error?.data).to.deep.include({ reason: 'recording_in_progress', state: 'STOPPING' })
    expect(world.recordings).to.have.length(1)
  })

  describe('protect_recording', () => {
    const name = 'camera0_2025-06-01_11-00-00-000000.mp4'
    const protect = (isProtected: boolean) =>
      admin.call('protect_recording', { filename: name.replace('.mp4', ''), protected: isProtected })

    it('protects a recording from delete_recording, which says what to do, until it is ended', async () => {
      expect((await protect(true)).result).to.deep.equal({
        filename: name,
        protected: true,
        message: 'Recording protected',
      })
      const { error } = await admin.call('delete_recording', { filename: name })
      expect(error).to.deep.include({ code: -32020 })
      expect(error?.data).to.deep.include({
        reason: 'recording_protected',
        details: 'the recording is protected',
        allowed_methods: ['protect_recording'],
        suggestion: 'Call protect_recording with protected: false first',
      })
      expect(world.recordings).to.have.length(1)
      expect((await protect(false)).result).to.deep.include({ protected: false })
      expect((await admin.call('delete_recording', { filename: name })).result).to.deep.include({ deleted: true })
    })

    it('is visible in list_recordings, get_recording_info and get_storage_info', async () => {
      const shown = async () => [
        (await admin.call('list_recordings')).result.files[0].protected,
        (await admin.call('get_recording_info', { filename: name })).result.protected,
        (await admin.call('get_storage_info')).result.protected_files,
        (await admin.call('get_storage_info')).result.protected_size,
      ]
      expect(await shown()).to.deep.equal([false, false, 0, 0])
      await protect(true)
      expect(await shown()).to.deep.equal([true, true, 1, 123_456])
      expect((await admin.call('list_snapshots')).result.files[0]).not.to.have.property('protected')
    })

    it('is for administrators of the camera, and in the audit log', async () => {
      const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
      const params = { filename: name, protected: true }
      expect((await limited.call('protect_recording', params)).error).to.deep.include({ code: -32010 })
      const operator = await stage.connect(port, { role: 'operator' })
      expect((await operator.call('protect_recording', params)).error).to.deep.include({ code: -32002 })
      expect(world.protected).to.deep.equal([])
      await protect(true)
      const written = world.audited.filter(({ action, result }) => action === 'protect_recording' && result === 'ok')
      expect(written.map(({ event, subject }) => [event, subject])).to.deep.equal([
        ['change', name.replace('.mp4', '')],
      ])
    })

    it('says that the limit is reached, or that the change cannot be saved', async () => {
      for (const [code, key, reason] of [
        ['limit_reached', -32020, 'limit_reached'],
        ['not_written', -32050, 'not_written'],
      ] as const) {
        const protection = {
          ...world.options().protection,
          has: () => false,
          set: async () => {
            throw new Failure(code)
          },
        }
        const { port: other } = await stage.serve(world.options({}, { protection }))
        const client = await stage.connect(other, { role: 'admin' })
        const { error } = await client.call('protect_recording', { filename: name, protected: true })
        expect([error?.code, error?.data.reason]).to.deep.equal([key, reason])
      }
    })
  })

  describe('a folder that cannot be read', () => {
    const gone = async () => {
      throw new Failure('storage_missing')
    }
    let client: Client
    beforeEach(async () => {
      const files = { ...world.options().files, list: gone, find: gone, all: gone, sizes: gone, remove: gone }
      const { port: other } = await stage.serve(world.options({}, { files }))
      client = await stage.connect(other, { role: 'admin' })
    })

    for (const [method, params] of [
      ['list_recordings', {}],
      ['list_snapshots', {}],
      ['get_recording_info', { filename: 'x.mp4' }],
      ['delete_recording', { filename: 'x.mp4' }],
    ] as const)
      it(`is an error of ${method}, not an empty list or a missing file`, async () => {
        const { error } = await client.call(method, params)
        expect(error).to.deep.include({ code: -32050 })
        expect(error?.data).to.deep.include({
          reason: 'storage_missing',
          dependency: 'storage',
          details: 'the folder of the recordings is missing: its disk may not be mounted',
        })
      })

    it('is named by get_storage_info, which still returns the state of the disk', async () => {
      const { result } = await client.call('get_storage_info')
      expect(result).to.deep.include({ state: 'ok', recordings_size: 0 })
      expect(result.files_unreadable).to.deep.include({ reason: 'storage_missing' })
    })
  })

  describe('two folders of recordings, one of which cannot be read', () => {
    let client: Client
    beforeEach(async () => {
      const unreadable = because('storage_missing')
      const list = async () => ({ files: [], total: 0, unreadable })
      const { port: other } = await stage.serve(world.options({}, { files: { ...world.options().files, list } }))
      client = await stage.connect(other, { role: 'admin' })
    })

    it('list_recordings says that files are missing, and why', async () => {
      const { result } = await client.call('list_recordings')
      expect(result).to.deep.include({ total: 0 })
      expect(result.files_unreadable).to.deep.include({ reason: 'storage_missing' })
    })

    it('get_storage_info says it too, and which folder is used since when', async () => {
      const folder = { inUse: 'fallback', since: noon, reason: because('storage_missing') } as const
      world.storage = { ...world.storage, folder }
      const { result } = await client.call('get_storage_info')
      expect(result.files_unreadable).to.deep.include({ reason: 'storage_missing' })
      expect(result.folder).to.deep.include({
        in_use: 'fallback',
        since: new Date(noon).toISOString(),
        reason: 'storage_missing',
      })
    })
  })

  it('get_storage_info returns when the disk will be full', async () => {
    const [file] = world.recordings
    world.storage = { ...world.storage, room: 1_000_000 }
    const hour = 3_600_000
    if (file) world.recordings = [{ ...file, bytes: 250_000, createdAt: noon - 12 * hour, modifiedAt: noon }]
    const { result } = await admin.call('get_storage_info')
    expect(result.forecast).to.deep.equal({
      bytes_per_day: 500_000,
      from: '2025-06-01T00:00:00.000Z',
      days_left: 2,
    })
    world.storage = { ...world.storage, state: 'unknown', total: 0, room: 0 }
    expect((await admin.call('get_storage_info')).result).not.to.have.property('forecast')
  })

  it('get_camera_status tells the rate and size that come, and whether the host is too slow', async () => {
    const idle = (await admin.call('get_camera_status', { device: 'camera0' })).result
    expect(idle).not.to.have.any.keys('measured', 'overloaded')
    const overload = because('overloaded', 'it encodes at 0.4 of real time', { speed: 0.4 })
    const measured = { fps: 12, speed: 0.4, size: { width: 640, height: 480 }, overload }
    const { stream } = cameraView()
    world.cameras = [cameraView({ stream: { ...stream, status: 'ACTIVE', frames: 90, ...measured } })]
    const { result } = await admin.call('get_camera_status', { device: 'camera0' })
    expect([result.fps, result.resolution]).to.deep.equal([30, '1280x720'])
    expect(result.measured).to.deep.equal({ fps: 12, resolution: '640x480', speed: 0.4 })
    expect(result.overloaded).to.deep.equal({ reason: 'overloaded', details: 'it encodes at 0.4 of real time' })
  })

  it('get_streams lists only streams of our cameras', async () => {
    const { result } = await admin.call('get_streams')
    expect(result).to.deep.equal([{ name: 'camera0', source: 'rtspSession', ready: true, readers: 2, bytes_sent: 20 }])
  })

  it('do not report a media server as running whose process has ended, before the second check', async () => {
    const cause = { state: 'degraded', since: noon - 100, reason: because('server_unreachable') }
    const mediamtx = async () => (await admin.call('get_status')).result.components.mediamtx
    world.link = { ...world.link, state: 'degraded', cause }
    expect(await mediamtx()).to.equal('RUNNING')
    world.link = { ...world.link, ended: true }
    expect(await mediamtx()).to.equal('STARTING')
  })

  it('report a media server that is down', async () => {
    world.link = {
      ...world.link,
      state: 'down',
      cause: { state: 'down', since: noon - 1_000, reason: because('server_unreachable') },
    }
    const { result } = await admin.call('get_status')
    expect(result).to.deep.include({
      status: 'UNHEALTHY',
      components: { websocket_server: 'RUNNING', camera_monitor: 'RUNNING', mediamtx: 'ERROR' },
    })
    expect(result.reasons.mediamtx).to.deep.include({
      state: 'down',
      reason: 'server_unreachable',
      details: 'the media server does not answer',
    })
    expect((await admin.call('get_camera_status', { device: 'camera0' })).result).not.to.have.property('metrics')
    expect((await admin.call('get_stream_url', { device: 'camera0' })).result).to.deep.include({
      available: false,
      stream_status: 'NOT_READY',
      reason: 'server_unreachable',
      details: 'the media server does not answer',
    })
  })

  it('release the streams of a connection that has ended', async () => {
    const operator = await stage.connect(port, { role: 'operator' })
    const { result } = await operator.call('authenticate', { auth_token: 'operator' })
    operator.socket.close()
    await operator.closed
    await admin.call('ping')
    expect(world.released).to.deep.equal([result.session_id])
  })
})

describe('errors of methods', () => {
  const stage = createStage()
  let world: World
  let port: number
  const as = (role: string) => stage.connect(port, { role })

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
  })
  afterEach(() => stage.end())

  const bad: [method: string, params: unknown, param: string][] = [
    ['get_camera_status', {}, 'device'],
    ['get_camera_status', { device: '/dev/video0' }, 'device'],
    ['get_camera_status', { device: 7 }, 'device'],
    ['get_camera_status', { device: `camera${'1'.repeat(2_000)}` }, 'device'],
    ['get_camera_status', ['camera0'], 'params'],
    ['start_recording', { device: 'camera0', duration: '5' }, 'duration'],
    ['start_recording', { device: 'camera0', duration: 0 }, 'duration'],
    ['start_recording', { device: 'camera0', duration: 86_401 }, 'duration'],
    ['start_recording', { device: 'camera0', duration: 1.5 }, 'duration'],
    ['start_recording', { device: 'camera0', format: 'avi' }, 'format'],
    ['set_camera', { device: 'camera0', name: ' x' }, 'name'],
    ['set_camera', { device: 'camera0', name: 'a\u0007b' }, 'name'],
    ['set_camera', { device: 'camera0', name: 'x'.repeat(65) }, 'name'],
    ['take_snapshot', { device: 'camera0', filename: '../x' }, 'filename'],
    ['take_snapshot', { device: 'camera0', width: 100, fit: 'fill' }, 'fit'],
    ['take_snapshot', { device: 'camera0', width: 100, height: 100, fit: 'cover' }, 'fit'],
    ['take_snapshot', { device: 'camera0', filename: 'a\u0000b' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: '.jpg' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: ' front door' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: 'front door .jpg' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: '-rf' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: 'a\u202eb' }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: 'x'.repeat(252) }, 'filename'],
    ['take_snapshot', { device: 'camera0', filename: 'ä'.repeat(126) }, 'filename'],
    ['get_recording_info', { filename: 'ä'.repeat(128) }, 'filename'],
    ['take_snapshot', { device: 'camera0', quality: 101 }, 'quality'],
    ['take_snapshot', { device: 'camera0', max_age: -1 }, 'max_age'],
    ['list_recordings', { limit: 0 }, 'limit'],
    ['list_recordings', { limit: '1001' }, 'limit'],
    ['list_recordings', { limit: 'ten' }, 'limit'],
    ['list_snapshots', { offset: -1 }, 'offset'],
    ['get_recording_info', { filename: '' }, 'filename'],
    ['delete_recording', { filename: '../../etc/passwd' }, 'filename'],
    ['delete_snapshot', { filename: 'a/b.jpg' }, 'filename'],
    ['subscribe_events', {}, 'topics'],
    ['subscribe_events', { topics: [] }, 'topics'],
    ['subscribe_events', { topics: ['recording.started'] }, 'topics'],
    ['subscribe_events', { topics: ['camera.connected'], filters: { device: { deep: 1 } } }, 'filters.device'],
    ['simulate', { device: 'camera0', action: 'explode' }, 'action'],
    ['simulate', { action: 'stall' }, 'device'],
    ['simulate', { action: 'kill_server', device: 'camera0' }, 'device'],
    ['simulate', { action: 'replug', device: 'camera0' }, 'port'],
    ['simulate', { action: 'replug', device: 'camera0', port: '../1' }, 'port'],
    ['simulate', { action: 'stall', device: 'camera0', port: '1' }, 'port'],
    ['simulate', { action: 'jump_clock' }, 'seconds'],
    ['simulate', { action: 'jump_clock', seconds: 0 }, 'seconds'],
    ['simulate', { action: 'disk_full', seconds: 5 }, 'seconds'],
  ]
  for (const [method, params, param] of bad) {
    it(`${method}(${JSON.stringify(params)?.slice(0, 60)}) is -32602 and names ${param}`, async () => {
      const { error } = await (await as('admin')).call(method, params)
      expect(error).to.deep.include({ code: -32602, message: 'Invalid parameters' })
      expect(error?.data).to.have.property('param', param)
      expect(error?.data.rule).to.be.a('string')
    })
  }

  it('name the ids of the cameras whose name was given instead', async () => {
    const [first, second] = world.cameras.map(({ id }) => id)
    world.cameras = world.cameras.map((view) => ({ ...view, name: 'Haustür' }))
    const named = await (await as('viewer')).call('get_camera_status', { device: 'HAUSTU\u0308R' })
    expect(named.error).to.deep.include({ code: -32602 })
    expect(named.error?.data).to.deep.include({ param: 'device', cameras: [first, second] })
    expect(named.error?.data.details).to.contain(`${first}, ${second}`)
    const limited = await stage.connect(port)
    await limited.call('authenticate', { auth_token: `viewer/bob/${noon + 9_000}/${second}` })
    const one = await limited.call('take_snapshot', { device: 'Haustür' })
    expect(one.error?.data.cameras).to.deep.equal(undefined)
    const status = await limited.call('get_camera_status', { device: 'Haustür' })
    expect([status.error?.data.cameras, status.error?.data.suggestion]).to.deep.equal([
      [second],
      `Use the id ${second}`,
    ])
    const unknown = await limited.call('get_camera_status', { device: 'Gartentor' })
    expect(unknown.error?.data).not.to.have.property('cameras')
  })

  it('list entries of the configuration without a device, to callers with a right to all cameras', async () => {
    world.absent = [{ name: 'gate', reason: because('entry_unmatched') }]
    const { result } = await (await as('viewer')).call('get_camera_list')
    expect(result).to.deep.include({
      absent: [{ name: 'gate', reason: 'entry_unmatched', details: because('entry_unmatched').details }],
    })
    world.absent = []
    expect((await (await as('viewer')).call('get_camera_list')).result).not.to.have.property('absent')
  })

  it('refuse keys of prototypes', async () => {
    const admin = await as('admin')
    const [reply] = await admin.answersTo(
      '{"jsonrpc":"2.0","id":"p","method":"get_camera_list","params":{"__proto__":{"polluted":1}}}',
    )
    expect(reply?.error).to.deep.include({ code: -32602 })
    expect({}).not.to.have.property('polluted')
  })

  it('say that a caller has not authenticated, or has too low a role', async () => {
    const nobody = await stage.connect(port)
    const refused = await nobody.call('get_camera_list')
    expect(refused.error).to.deep.include({
      code: -32001,
      message: 'Authentication failed or token expired (auth_required)',
    })
    expect(refused.error?.data).to.deep.include({ reason: 'auth_required' })
    const low = await (await as('viewer')).call('start_recording', { device: 'camera0' })
    expect(low.error).to.deep.include({ code: -32002, message: 'Permission denied' })
    expect(low.error?.data).to.deep.include({ required_role: 'operator', have_role: 'viewer' })
    expect((await (await as('operator')).call('delete_recording', { filename: 'x' })).error).to.deep.include({
      code: -32002,
    })
  })

  for (const token of [undefined, {}, { auth_token: '' }, { auth_token: 5 }]) {
    it(`authenticate(${JSON.stringify(token)}) is auth_required`, async () => {
      const { error } = await (await stage.connect(port)).call('authenticate', token)
      expect(error).to.deep.include({ code: -32001 })
      expect(error?.data).to.deep.include({ reason: 'auth_required' })
    })
  }

  it('keep the caller when a later token is refused', async () => {
    const viewer = await as('viewer')
    const { error } = await viewer.call('authenticate', { auth_token: 'forged' })
    expect(error?.data).to.deep.include({ reason: 'auth_failed' })
    expect((await viewer.call('get_camera_list')).error).to.equal(undefined)
    const refusals = world.logged.filter(({ message, fields }) =>
      `${message} ${fields?.reason}`.includes('auth_failed'),
    )
    expect(refusals.map(({ level, message }) => `${level}: ${message}`)).to.deep.equal(['warn: authenticate refused'])
  })

  it('refuse a caller whose token has expired', async () => {
    const viewer = await as(`viewer/ann/${noon + 1_000}`)
    expect((await viewer.call('get_camera_list')).error).to.equal(undefined)
    world.now += 1_000
    const { error } = await viewer.call('get_camera_list')
    expect(error).to.deep.include({ code: -32001 })
    expect(error?.data).to.deep.include({ reason: 'token_expired' })
    await viewer.call('authenticate', { auth_token: `viewer/ann/${noon + 9_000}` })
    expect((await viewer.call('get_camera_list')).error).to.equal(undefined)
  })

  for (const [method, params, message] of [
    ['get_camera_status', { device: 'camera9' }, 'Camera not found'],
    ['take_snapshot', { device: 'camera9' }, 'Camera not found'],
    ['start_streaming', { device: 'camera9' }, 'Camera not found'],
    ['get_recording_info', { filename: 'nonexistent' }, 'Recording not found'],
    ['delete_recording', { filename: 'nonexistent_recording' }, 'Recording not found'],
    ['delete_snapshot', { filename: 'nonexistent' }, 'Snapshot not found'],
  ] as const) {
    it(`${method} of something that does not exist: ${message}`, async () => {
      const { error } = await (await as('admin')).call(method, params)
      expect(error).to.deep.include({ code: -32010, message })
      expect(error?.data).to.include.all.keys('resource', 'id', 'reason', 'details', 'suggestion')
    })
  }

  it('contain the refusals of the actors', async () => {
    const admin = await as('admin')
    world.ask.startRecording = async () => {
      throw new ServiceError('invalidState', {
        reason: 'invalid_state',
        state: 'recording',
        allowed_states: ['not recording'],
        allowed_methods: ['stop_recording'],
      })
    }
    const { error } = await admin.call('start_recording', { device: 'camera0' })
    expect(error).to.deep.include({ code: -32020, message: 'Invalid state' })
    expect(error?.data).to.deep.include({
      state: 'recording',
      allowed_states: ['not recording'],
      allowed_methods: ['stop_recording'],
    })
    world.ask.takeSnapshot = async () => {
      throw dependencyFailed('camera', 'no tier worked')
    }
    const failed = await admin.call('take_snapshot', { device: 'camera0' })
    expect(failed.error).to.deep.include({ code: -32050, message: 'Dependency failed' })
    expect(failed.error?.data).to.deep.include({ dependency: 'camera', detail: 'no tier worked' })
  })

  it('get_streams returns -32050 without a media server', async () => {
    const { port } = await stage.serve(
      world.options(
        {},
        {
          mediaServer: {
            streams: async () => Promise.reject(new Error('the media server does not answer')),
            stream: async () => undefined,
          },
        },
      ),
    )
    const { error } = await (await stage.connect(port, { role: 'viewer' })).call('get_streams')
    expect(error).to.deep.include({ code: -32050 })
    expect(error?.data).to.deep.include({ dependency: 'mediamtx', detail: 'the media server does not answer' })
  })

  it('keep the details of an unexpected failure for the log', async () => {
    const admin = await as('admin')
    world.ask.startRecording = async () => {
      throw new TypeError('cannot read /etc/secret of undefined')
    }
    const { error } = await admin.call('start_recording', { device: 'camera0' })
    expect(error).to.deep.include({ code: -32603, message: 'Internal server error' })
    expect(JSON.stringify(error)).not.to.include('secret')
    const entry = world.logged.find(({ level }) => level === 'error')
    expect(entry?.fields?.request).to.equal(error?.data.request_id)
    expect(entry?.fields?.error).to.be.instanceOf(TypeError)
  })

  it('say that the service is starting, except of methods that report the progress', async () => {
    world.system = { ...world.system, status: 'starting', message: 'waiting for the media server' }
    const admin = await as('admin')
    const { error } = await admin.call('get_camera_list')
    expect(error).to.deep.include({ code: -32050 })
    expect(error?.data).to.deep.include({ reason: 'service_initializing', detail: 'waiting for the media server' })
    for (const method of ['ping', 'get_system_status', 'get_status', 'get_server_info'])
      expect((await admin.call(method)).error).to.equal(undefined)
  })

  it('follow the order of checks of the contract', async () => {
    const { port } = await stage.serve(world.options({ rate: { requests: 40, window: 60_000 } }))
    world.system = { ...world.system, status: 'starting' }
    const client = await stage.connect(port)
    // An unknown method is checked before the caller, the caller before role and shape.
    expect((await client.call('no_such_method')).error?.code).to.equal(-32601)
    expect((await client.call('start_recording', { device: 5 })).error?.code).to.equal(-32001)
    await client.call('authenticate', { auth_token: 'viewer' })
    expect((await client.call('start_recording', { device: 5 })).error?.code).to.equal(-32002)
    await client.call('authenticate', { auth_token: `operator/bob/${noon + 3_600_000}/camera0` })
    expect((await client.call('start_recording', { device: 5 })).error?.code).to.equal(-32602)
    expect((await client.call('start_recording', { device: 'camera1' })).error?.code).to.equal(-32010)
    expect((await client.call('start_recording', { device: 'camera0' })).error?.code).to.equal(-32050)
    let limited = await client.call('ping')
    for (let more = 0; more < 40 && limited.error === undefined; more++) limited = await client.call('ping')
    expect(limited.error).to.deep.include({ code: -32040, message: 'Rate limited' })
    expect(limited.error?.data.retry_after_ms).to.be.within(1, 60_000)
    // The rate limit is checked before everything else.
    expect((await client.call('no_such_method')).error?.code).to.equal(-32040)
    expect((await client.answersTo('nonsense')).map(({ error }) => error?.code)).to.deep.equal([-32040])
  })

  it('count the requests of a user over all connections, also after a reconnect', async () => {
    const { port } = await stage.serve(world.options({ rate: { requests: 3, window: 60_000, addressRequests: 1_000 } }))
    const first = await stage.connect(port, { role: 'viewer/ann' })
    for (let call = 0; call < 3; call++) expect((await first.call('ping')).error).to.equal(undefined)
    first.socket.close()
    const again = await stage.connect(port, { role: 'viewer/ann' })
    expect((await again.call('ping')).error?.code).to.equal(-32040)
    const other = await stage.connect(port, { role: 'viewer/bob' })
    expect((await other.call('ping')).error).to.equal(undefined)
  })

  it('say that topics are not methods', async () => {
    const admin = await as('admin')
    for (const name of [...topicNames, 'toString', '__proto__', 'constructor'])
      expect((await admin.call(name)).error?.message).to.equal('Method not found')
  })
})
