import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Role } from '../../machines/domain/access.js'
import { dependencyFailed } from '../../machines/domain/errors.js'
import type { Method } from '../../rpc/method.js'
import { methods } from '../../rpc/methods/index.js'
import { type OpenRpcDocument, openRpcOf } from '../../rpc/openrpc.js'
import { topicNames } from '../../rpc/topics/index.js'
import { type FakeServer, startFake } from '../adapters/rtsp/fake.js'
import { describeService, type Service, startService, virtual } from '../e2e/service.js'
import { type Client, createStage, createWorld } from '../rpc/fakes.js'
import { until } from '../rpc/wait.js'
import { freePort } from '../support/ports.js'
import { startAlone } from './conformanceAlone.js'
import { type Book, createBook, documentedMethods, tableOf, unformatted } from './conformanceBook.js'
import { wrongParams } from './conformanceParams.js'

type Params = Record<string, unknown>

const roles: Role[] = ['viewer', 'operator', 'admin']
const isAtLeast = (have: Role, required: string): boolean =>
  required === 'none' || roles.indexOf(have) >= roles.indexOf(required as Role)
const open = ['ping', 'authenticate']
const guarded = documentedMethods.filter(({ method }) => !open.includes(method))

const table = new Map(methods.map((method) => [method.name, method] as const))
const tableMethod = (name: string): Method => {
  const found = table.get(name)
  if (found === undefined) throw new Error(`the service has no ${name}`)
  return found
}

/** One book for each suite, by its name. */
const books = new Map<string, Book>()

const inReason = (codes: readonly string[], reason: string) => new Map(codes.map((method) => [method, reason]))

/** Documented errors that a method cannot return, with the reason. */
const excuses: Record<number, Map<string, string>> = {
  [-32002]: inReason(
    guarded.filter(({ role }) => role === 'viewer').map(({ method }) => method),
    'no role is lower than viewer',
  ),
  [-32050]: inReason(
    [
      ...[
        'list_recordings',
        'list_snapshots',
        'get_recording_info',
        'get_snapshot_info',
        'delete_recording',
        'delete_snapshot',
        'get_storage_info',
      ],
      ...['get_metrics', 'get_status', 'get_system_health', 'get_system_status', 'get_server_info'],
      ...['subscribe_events', 'unsubscribe_events', 'get_subscription_stats', 'get_external_streams'],
    ],
    'it returns what is known, or reads the disk, and depends on no other part',
  ),
  [-32603]: inReason(['ping', 'unsubscribe_events', 'get_subscription_stats'], 'it uses nothing that can fail'),
}

const sdp =
  'v=0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\na=rtpmap:96 H264/90000\r\n' +
  'a=fmtp:96 sprop-parameter-sets=Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA==\r\n'

describeService('conformance', (kind) => {
  const [rested, recorded, pulled, watched, dark] = ['camera0', 'camera1', 'camera2', 'camera3', 'camera4'] as const
  const cameras = [rested, recorded, pulled, watched, dark]
  const stage = createStage(50_000)
  let service: Service
  let source: FakeServer
  let book: Book
  const clients = new Map<Role, Client>()
  let stranger: Client
  let tokens: Record<Role, string>
  /** Camera → the last file of it. */
  const files: { recordings: Record<string, string>; snapshots: Record<string, string> } = {
    recordings: {},
    snapshots: {},
  }

  const connect = (role?: string, localAddress?: string) =>
    stage.connect(service.ports.rpc, {
      ...(role !== undefined && { role }),
      ...(localAddress !== undefined && { localAddress }),
    })
  const of = (role: Role): Client => {
    const client = clients.get(role)
    if (client === undefined) throw new Error(`there is no client with role ${role}`)
    return client
  }
  /** Calls a method with the lowest role that may call it. */
  const ask = (method: string, params?: Params) => {
    const role = documentedMethods.find((one) => one.method === method)?.role ?? 'none'
    return (role === 'none' ? stranger : of(role as Role)).call(method, params)
  }
  const nothingWrong = () => expect(book.faults(), 'differences from the documents').to.deep.equal([])
  const works = async (method: string, params: Params | undefined, state: string) => {
    const reply = await ask(method, params)
    book.result(method, `(${JSON.stringify(params ?? {})}), ${state}`, reply, { state })
    return reply
  }
  const refused = async (method: string, params: Params, code: number, state: string, data: Params = {}) => {
    const reply = await ask(method, params)
    book.refusal(method, `(${JSON.stringify(params)}), ${state}`, reply, { check: 'results', code, data, state })
  }

  const streamUrl = () => `rtsp://127.0.0.1:${source.port}/live`
  const secretUrl = () => streamUrl().replace('rtsp://', 'rtsp://viewer:unspeakable@')

  before(async () => {
    source = await startFake(({ method, url }) => {
      if (method === 'OPTIONS') return { status: 200, headers: { public: 'OPTIONS, DESCRIBE, SETUP, PLAY' } }
      return method === 'DESCRIBE' && /\/(live|subject)$/.test(url)
        ? { status: 200, headers: { 'content-type': 'application/sdp' }, body: sdp }
        : { status: 404 }
    })
    service = await startService({
      kind,
      cameras: [
        ...['rested', 'recorded', 'pulled', 'watched'].map(virtual),
        { name: 'dark', source: `rtsp://viewer:unspeakable@127.0.0.1:${await freePort()}/dark` },
      ],
      connected: 4,
      env: {
        // The bucket of an address regains one look-up in four seconds: see the test that spends it.
        CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '20000',
        CAMERA_SERVICE_SECURITY_RATE_LIMIT_ADDRESS_REQUESTS: '20000',
        CAMERA_SERVICE_SECURITY_RATE_LIMIT_WINDOW: '1d',
        CAMERA_SERVICE_SECURITY_AUTH_FAILURES: '1000',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_ENABLED: 'true',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SCAN_INTERVAL: '0',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SKYDIO_ENABLED: 'true',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SKYDIO_NETWORK_RANGES: '127.0.0.1/32',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SKYDIO_KNOWN_IPS: '127.0.0.1',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SKYDIO_ENABLE_BOTH_STREAMS: 'false',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_SKYDIO_EO_PORT: String(source.port),
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_ENABLED: 'true',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_KNOWN_IPS: '127.0.0.1',
        CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_COMMON_PORTS: String(source.port),
      },
    })
    const [viewer = '', operator = '', admin = ''] = await Promise.all(roles.map((role) => service.token(role)))
    tokens = { viewer, operator, admin }
    for (const role of roles) clients.set(role, await connect(tokens[role]))
    stranger = await connect()
    const discovered = (await stranger.call('rpc.discover')).result as OpenRpcDocument
    const dataDir = service.dataDir.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    book = createBook({ discovered, secrets: new RegExp(`${dataDir}|/dev/|unspeakable|${unformatted}`) })
    books.set(kind, book)
  })
  after(async () => {
    await stage.end()
    await service?.end()
    await source?.stop()
  })

  /** Calls every method that changes no camera, in the present situation. */
  const look = async (situation: string, stateOf: Record<string, string>) => {
    const ofCameras = ['get_camera_status', 'get_camera_capabilities', 'get_stream_url', 'get_stream_status']
    const plain = [
      ...[
        'ping',
        'get_camera_list',
        'get_streams',
        'get_metrics',
        'get_status',
        'get_system_health',
        'get_system_status',
        'get_server_info',
      ],
      ...[
        'get_storage_info',
        'get_subscription_stats',
        'get_external_streams',
        'list_recordings',
        'list_snapshots',
        'unsubscribe_events',
      ],
    ]
    const states = await Promise.all(
      cameras.map(async (device) => {
        const { result } = await ask('get_camera_status', { device })
        return [device, result?.state, result?.recording?.status ?? 'none', result?.stream_state]
      }),
    )
    await Promise.all([
      ...cameras.flatMap((device) =>
        ofCameras.map((method) => works(method, { device }, stateOf[device] ?? situation)),
      ),
      ...plain.map((method) => works(method, {}, situation)),
      ...ofCameras.map((method) =>
        refused(method, { device: 'camera99' }, -32010, situation, { resource: 'camera', id: 'camera99' }),
      ),
      works('authenticate', { auth_token: tokens.viewer }, situation),
      works('list_recordings', { limit: 1, offset: 1 }, situation),
      works('list_recordings', { limit: '1000', offset: '0' }, situation),
      works('list_snapshots', { limit: 1000 }, situation),
      works('subscribe_events', { topics: [...topicNames] }, situation),
      works(
        'subscribe_events',
        { topics: ['camera.connected'], filters: { device: [rested, dark], severity: 'warning' } },
        situation,
      ),
      works('subscribe_events', { topics: ['system_health_update'], filters: null }, situation),
      works('unsubscribe_events', { topics: ['camera.connected'] }, situation),
      works('set_discovery_interval', { scan_interval: 3600 }, situation).then(() =>
        works('set_discovery_interval', { scan_interval: 0 }, situation),
      ),
    ])
    // One after the other, because the last policy must delete nothing.
    await works('set_retention_policy', { policy_type: 'size', max_size_gb: 0.5, enabled: false }, situation)
    await works('set_retention_policy', { policy_type: 'manual', enabled: true }, situation)
    await works(
      'set_retention_policy',
      { policy_type: 'age', max_age_days: 365, max_size_gb: 1000, enabled: false },
      situation,
    )
    await works('cleanup_old_files', { dry_run: true }, situation)
    expect((await works('cleanup_old_files', {}, situation)).result).to.include({
      cleanup_executed: true,
      files_deleted: 0,
    })
    const { result: found } = await works(
      'discover_external_streams',
      { generic_enabled: true, force_rescan: true },
      situation,
    )
    expect(
      found.discovered_streams.map(({ type }: { type: string }) => type).sort(),
      JSON.stringify(found),
    ).to.deep.equal(['generic_rtsp', 'skydio_stanag4609'])
    const added = await works(
      'add_external_stream',
      { stream_url: secretUrl(), stream_name: 'Gate', stream_type: 'generic_rtsp' },
      situation,
    )
    await works('get_external_streams', {}, situation)
    await works('get_stream_url', { device: added.result?.device }, 'an external stream')
    await works('remove_external_stream', { stream_url: streamUrl() }, situation)
    await works('discover_external_streams', { skydio_enabled: false, include_offline: true }, situation)
    return states
  }

  const picture = async (device: string, params: Params, state: string) => {
    const { result } = await works('take_snapshot', { device, ...params }, state)
    files.snapshots[device] = result?.filename
  }
  const record = async (device: string, params: Params, state: string) => {
    const { result } = await works('start_recording', { device, ...params }, state)
    files.recordings[device] = result?.filename
  }

  it('returns what is documented while the cameras are idle, and one is faulty', async () => {
    expect(await look('at rest', { [dark]: 'faulty' })).to.deep.equal([
      ...[rested, recorded, pulled, watched].map((device) => [device, 'available', 'none', 'INACTIVE']),
      [dark, 'faulty', 'none', 'INACTIVE'],
    ])
    nothingWrong()
  })

  it('returns what is documented while cameras are recorded and watched', async () => {
    await Promise.all([
      record(recorded, { duration: 3600, format: 'fmp4' }, 'available').then(() =>
        picture(recorded, { quality: 0 }, 'recording'),
      ),
      record(pulled, { format: 'mp4' }, 'available').then(() =>
        picture(pulled, { format: 'jpeg', quality: 100 }, 'recording'),
      ),
      works('start_streaming', { device: watched }, 'available').then(() =>
        picture(watched, { filename: 'door.png' }, 'streaming'),
      ),
      picture(rested, {}, 'available'),
    ])
    const states = await look('in use', {
      [recorded]: 'recording',
      [pulled]: 'recording',
      [watched]: 'streaming',
      [dark]: 'faulty',
    })
    expect(states).to.deep.equal([
      [rested, 'available', 'none', states[0]?.[3]],
      [recorded, 'available', 'RECORDING', 'ACTIVE'],
      [pulled, 'available', 'RECORDING', 'ACTIVE'],
      [watched, 'available', 'none', 'ACTIVE'],
      [dark, 'faulty', 'none', 'INACTIVE'],
    ])
    const name = files.recordings[recorded] ?? ''
    expect((await works('get_recording_info', { filename: name }, 'growing')).result).to.include({
      filename: name,
      complete: false,
    })
    await refused('delete_recording', { filename: name }, -32020, 'growing', { state: 'RECORDING' })
    nothingWrong()
  })

  it('returns what is documented after an unplug, and refuses what the state forbids', async () => {
    await service.call('simulate', { device: pulled, action: 'unplug' })
    await service.told('camera.disconnected', { device: pulled })
    await service.told('recording.interrupted', { device: pulled, reason: 'unplugged' })
    const stateOf = {
      [rested]: 'available',
      [recorded]: 'recording',
      [pulled]: 'unplugged',
      [watched]: 'streaming',
      [dark]: 'faulty',
    }
    const states = await look('one pulled', stateOf)
    expect(states[2]).to.deep.equal([pulled, 'unplugged', 'INTERRUPTED', 'INACTIVE'])
    await refused('start_recording', { device: pulled }, -32020, 'interrupted', { state: 'interrupted' })
    await works('stop_recording', { device: pulled }, 'interrupted')

    const start = (device: string, state: string) => record(device, { format: 'mkv' }, state)
    const stop = (device: string, state: string) => works('stop_recording', { device }, state)
    const isAway = (device: string, state: string) =>
      Promise.all([
        ...['take_snapshot', 'start_recording', 'start_streaming', 'stop_streaming'].map((method) =>
          refused(method, { device }, -32020, state, { state, allowed_states: ['available'], allowed_methods: [] }),
        ),
        refused('stop_recording', { device }, -32020, state, {
          state: 'not recording',
          allowed_states: ['starting', 'recording', 'interrupted'],
          allowed_methods: [],
        }),
      ])
    await Promise.all([
      isAway(pulled, 'unplugged'),
      isAway(dark, 'faulty'),
      (async () => {
        await refused('stop_recording', { device: rested }, -32020, 'available', { state: 'not recording' })
        await refused('stop_streaming', { device: rested }, -32010, 'available', { resource: 'stream', id: rested })
        await works('start_streaming', { device: rested }, 'available')
        await start(rested, 'streaming')
        await works('stop_streaming', { device: rested }, 'recording')
        await stop(rested, 'recording')
        const [name] = ((await ask('list_recordings', {})).result.files as { filename: string }[]).filter(
          ({ filename }) => filename.startsWith(rested),
        )
        files.recordings[rested] = name?.filename ?? ''
      })(),
      (async () => {
        await refused('start_recording', { device: recorded }, -32020, 'recording', {
          state: 'recording',
          allowed_states: ['not recording'],
        })
        await works('start_streaming', { device: recorded }, 'recording')
        await works('stop_streaming', { device: recorded }, 'recording')
        await stop(recorded, 'recording')
      })(),
      (async () => {
        await start(watched, 'streaming')
        await stop(watched, 'streaming')
        await works('stop_streaming', { device: watched }, 'streaming')
        await refused('stop_streaming', { device: watched }, -32010, 'streaming', { resource: 'stream', id: watched })
      })(),
    ])
    nothingWrong()
  })

  it('returns the details of files and deletes them, also those of an unplugged camera', async () => {
    const states = { [rested]: 'available', [recorded]: 'recorded', [pulled]: 'unplugged' }
    for (const [device, state] of Object.entries(states)) {
      const recording = files.recordings[device] ?? ''
      const snapshot = files.snapshots[device] ?? ''
      expect([recording.slice(0, 7), snapshot.slice(0, 7)]).to.deep.equal([device, device])
      await works('get_recording_info', { filename: recording.replace(/\.\w+$/, '') }, state)
      await works('get_snapshot_info', { filename: snapshot.replace(/\.\w+$/, '') }, state)
      await works('delete_recording', { filename: recording }, state)
      await works('delete_snapshot', { filename: snapshot.replace(/\.\w+$/, '') }, state)
      for (const method of ['get_recording_info', 'delete_recording'])
        await refused(method, { filename: recording }, -32010, state, { resource: 'recording', id: recording })
      for (const method of ['get_snapshot_info', 'delete_snapshot'])
        await refused(method, { filename: snapshot }, -32010, state, { resource: 'snapshot', id: snapshot })
    }
    nothingWrong()
  })

  it('deletes the files of the policy, but not in a dry run', async () => {
    const old = new Date(Date.UTC(2024, 0, 1))
    // Files younger than a minute are never deleted.
    for (const [kind, name] of [
      ['recordings', `${watched}_2024-01-01_00-00-00-000000.mp4`],
      ['snapshots', `${watched}_2024-01-01_00-00-00-000.jpg`],
    ] as const) {
      const file = join(service.dataDir, kind, watched, name)
      await writeFile(file, Buffer.alloc(5_000))
      await utimes(file, old, old)
    }
    const listed = async () =>
      (await Promise.all(['list_recordings', 'list_snapshots'].map((method) => ask(method, {})))).map(
        ({ result }) => result.total,
      )
    expect(await listed()).to.deep.equal([2, 2])
    await works('set_retention_policy', { policy_type: 'size', max_size_gb: 1e-9, enabled: false }, 'files kept')
    expect((await works('cleanup_old_files', { dry_run: true }, 'files kept')).result).to.include({
      cleanup_executed: false,
      files_deleted: 2,
    })
    expect(await listed()).to.deep.equal([2, 2])
    const { result } = await works('cleanup_old_files', {}, 'files deleted')
    expect(result).to.include({
      cleanup_executed: true,
      files_deleted: 2,
      recordings_removed: 1,
      snapshots_removed: 1,
      space_freed: 10_000,
    })
    expect(await listed()).to.deep.equal([1, 1])
    nothingWrong()
  })

  /** Valid params that change nothing, and the code of the refusal that this may take. */
  const harmless = (): Record<string, { params: Params; code?: number }> => {
    const device = { params: { device: rested } }
    const nobody = { params: { device: 'camera99' }, code: -32010 }
    const noFile = { params: { filename: 'nothing.mp4' }, code: -32010 }
    return {
      // The token that the connection has already.
      authenticate: { params: { auth_token: tokens.admin } },
      get_camera_status: device,
      get_camera_capabilities: device,
      get_stream_url: device,
      get_stream_status: device,
      take_snapshot: nobody,
      start_recording: nobody,
      stop_recording: nobody,
      start_streaming: nobody,
      stop_streaming: nobody,
      get_recording_info: noFile,
      get_snapshot_info: noFile,
      delete_recording: noFile,
      delete_snapshot: noFile,
      set_retention_policy: { params: { policy_type: 'manual', enabled: false } },
      cleanup_old_files: { params: { dry_run: true } },
      subscribe_events: { params: { topics: ['system.health'] } },
      add_external_stream: {
        params: { stream_url: `rtsp://127.0.0.1:${service.ports.rtsp}/camera0`, stream_name: 'loop' },
        code: -32602,
      },
      remove_external_stream: { params: { stream_url: 'rtsp://127.0.0.1:9/nothing' }, code: -32010 },
      set_discovery_interval: { params: { scan_interval: 0 } },
    }
  }
  const harmlessOf = (method: string) => harmless()[method] ?? { params: {} }

  it('refuses each invalid param and names it', async () => {
    for (const { method, params } of documentedMethods) {
      await Promise.all(
        wrongParams(params, harmlessOf(method).params).map(async ({ param, what, params }) => {
          // Clients without filters send null.
          if (method === 'subscribe_events' && what === 'filters: null') return
          const reply = await ask(method, params)
          if (method === 'authenticate')
            book.refusal(method, what, reply, { check: 'params', code: -32001, data: { reason: 'auth_required' } })
          else book.refusal(method, what, reply, { check: 'params', code: -32602, data: { param } })
        }),
      )
      const list = await ask(method, [1] as unknown as Params)
      // The fault of the envelope, not of the method.
      book.refusal(method, 'params by position', list, {
        check: 'params',
        code: -32602,
        data: { param: 'params' },
        isEnvelope: true,
      })
    }
    nothingWrong()
  })

  it('ignores unknown params', async () => {
    for (const { method } of documentedMethods) {
      const { params, code } = harmlessOf(method)
      const reply = await ask(method, { ...params, unknown: 1, Unknown: { deep: [null] }, limitation: 'none' })
      if (code === undefined) book.result(method, 'with unknown params', reply, { check: 'extra' })
      else book.refusal(method, 'with unknown params', reply, { check: 'extra', code })
      if (Object.keys(params).length > 0) continue
      book.result(method, 'without params', await ask(method), { check: 'extra' })
      book.result(method, 'with params null', await ask(method, null as unknown as Params), { check: 'extra' })
    }
    // The names of an existing client.
    const params = { url: `rtsp://127.0.0.1:${service.ports.rtsp}/camera0`, name: 'loop' }
    const reply = await ask('add_external_stream', params)
    book.refusal('add_external_stream', 'by the other names', reply, {
      check: 'extra',
      code: -32602,
      data: { rule: 'must not lead back to this service' },
    })
    nothingWrong()
  })

  it('allows each role that is high enough, and no lower one', async () => {
    for (const { method, role } of documentedMethods) {
      const { params, code } = harmlessOf(method)
      for (const have of roles) {
        const reply = await of(have).call(method, method === 'authenticate' ? { auth_token: tokens[have] } : params)
        if (!isAtLeast(have, role))
          book.refusal(method, `as ${have}`, reply, {
            check: 'denied',
            code: -32002,
            data: { required_role: role, have_role: have },
          })
        else if (code === undefined) book.result(method, `as ${have}`, reply, { check: 'allowed' })
        else book.refusal(method, `as ${have}`, reply, { check: 'allowed', code })
      }
    }
    nothingWrong()
  })

  it('refuses clients that have not authenticated, failed to, or whose token has expired', async () => {
    const nobody = await connect()
    const expiring = await connect(await service.token('admin', 2_500))
    for (const [method, code] of [
      ...guarded.map(({ method }) => [method, -32001] as const),
      ['ping', undefined] as const,
    ]) {
      const { params } = harmlessOf(method)
      const reply = await nobody.call(method, params)
      if (code === undefined) book.result(method, 'as nobody', reply, { check: 'allowed' })
      else book.refusal(method, 'as nobody', reply, { check: 'unauth', code, data: { reason: 'auth_required' } })
      expect(code === undefined || /auth_required/.test(reply.error?.message ?? ''), method).to.equal(true)
    }
    for (const [what, auth_token] of Object.entries({
      'no token': 'nonsense',
      'a key': 'csk_nonsense',
      'a spoilt token': `${tokens.admin.slice(0, -6)}aaaaaa`,
    })) {
      const reply = await nobody.call('authenticate', { auth_token })
      book.refusal('authenticate', what, reply, { check: 'unauth', code: -32001, data: { reason: 'auth_failed' } })
    }
    const isExpired = () => expiring.notices.some(({ method }) => method === 'session.expired')
    await expiring.until(isExpired, 'session.expired')
    for (const { method } of guarded) {
      const reply = await expiring.call(method, harmlessOf(method).params)
      book.refusal(method, 'after the token', reply, {
        check: 'unauth',
        code: -32001,
        data: { reason: 'token_expired' },
      })
    }
    expect((await expiring.call('authenticate', { auth_token: tokens.admin })).error).to.equal(undefined)
    nothingWrong()
  })

  it('follows the envelope in each method', async () => {
    for (const { method } of documentedMethods) {
      const { params } = harmlessOf(method)
      const [old] = await stranger.answersTo({ jsonrpc: '1.0', id: 'old', method, params })
      book.refusal(method, 'as JSON-RPC 1.0', old ?? { jsonrpc: '', id: '' }, {
        check: 'envelope',
        code: -32600,
        data: { reason: 'invalid_version' },
      })
      const [text] = await stranger.answersTo({ jsonrpc: '2.0', id: 'text', method, params: 'text' })
      book.refusal(method, 'with params of text', text ?? { jsonrpc: '', id: '' }, { check: 'envelope', code: -32600 })
      for (const name of [method.toUpperCase(), `${method} `])
        book.refusal(method, name, await ask('ping').then(() => stranger.call(name, params)), {
          check: 'envelope',
          code: -32601,
        })
      const silent = await of('admin').answersTo({ jsonrpc: '2.0', method, params })
      const nulled = await of('admin').answersTo({ jsonrpc: '2.0', id: null, method, params })
      book.note(
        method,
        'envelope',
        'as a notification',
        [...silent, ...nulled].map((reply) => `the reply is ${JSON.stringify(reply).slice(0, 80)}`),
      )
      const [echo] = await of('admin').answersTo({ jsonrpc: '2.0', id: 'an id of text', method: 'ping' })
      book.note(
        method,
        'envelope',
        'with an id of text',
        echo?.id === 'an id of text' ? [] : [`the id of the reply is ${String(echo?.id)}`],
      )
    }
    nothingWrong()
  })

  it('returns retry_after_ms once the rate limit is reached', async () => {
    const greedy = await connect(undefined, '127.0.0.9')
    // The most expensive method empties the bucket fastest, also if it is refused.
    const spend = () => Promise.all(Array.from({ length: 500 }, () => greedy.call('discover_external_streams')))
    await until('an expensive call is refused', async () => (await spend()).some(({ error }) => error?.code === -32040))
    // A look-up that drips into the bucket meanwhile would let a cheap call pass the limit.
    const isEmpty = async () => Number((await greedy.call('ping')).error?.data.retry_after_ms) > 2_000
    await until('the bucket is empty for two more seconds', isEmpty)
    const calls = documentedMethods.map(({ method }) => greedy.call(method, harmlessOf(method).params))
    for (const [index, reply] of (await Promise.all(calls)).entries()) {
      book.refusal(documentedMethods[index]?.method ?? '', 'at the rate limit', reply, {
        check: 'envelope',
        code: -32040,
        data: { reason: 'rate_limited' },
      })
    }
    expect((await ask('ping')).result, 'another address').to.equal('pong')
    nothingWrong()
  })

  it('refuses a change that cannot be stored, and does not make it', async () => {
    const state = join(service.dataDir, 'state')
    for (const name of ['retention.json', 'external_streams.json']) {
      await rm(join(state, name), { force: true })
      // A file cannot replace a folder.
      await mkdir(join(state, name, 'in the way'), { recursive: true })
    }
    const storage = { dependency: 'storage' }
    await refused(
      'set_retention_policy',
      { policy_type: 'age', max_age_days: 1, enabled: true },
      -32050,
      'disk fails',
      storage,
    )
    await refused(
      'add_external_stream',
      { stream_url: streamUrl(), stream_name: 'Gate' },
      -32050,
      'disk fails',
      storage,
    )
    await refused('set_discovery_interval', { scan_interval: 5 }, -32050, 'disk fails', storage)
    expect((await ask('get_external_streams')).result).to.include({ scan_interval: 0 })
    nothingWrong()
  })

  it('was tested with each method in at least three states', () => {
    const few = [...book.pages]
      .filter(([, { states }]) => states.size < 3)
      .map(([method, { states }]) => `${method}: ${[...states]}`)
    expect(few).to.deep.equal([])
  })
})

describe('conformance, without a media server', () => {
  const stage = createStage()
  let alone: Awaited<ReturnType<typeof startAlone>>
  let admin: Client
  let book: Book
  const state = 'without a media server'
  const device = 'camera0'

  before(async () => {
    alone = await startAlone()
    admin = await stage.connect(alone.port, { role: await alone.token('admin') })
    book = createBook({
      discovered: (await admin.call('rpc.discover')).result as OpenRpcDocument,
      secrets: new RegExp(`/dev/|${unformatted}`),
    })
    books.set(state, book)
    // The service is starting until it has looked for cameras.
    const isReady = async () =>
      (await admin.call('get_system_status')).result.status !== 'starting' &&
      (await admin.call('get_camera_list')).result.connected > 0
    await until('the camera is connected', isReady, 20_000)
  })
  after(async () => {
    await stage.end()
    await alone?.end()
  })

  it('returns what is known, and names the media server in refusals', async () => {
    const known = [
      'get_camera_list',
      'get_metrics',
      'get_status',
      'get_system_health',
      'get_system_status',
      'get_server_info',
      'get_storage_info',
    ]
    for (const method of [...known, 'list_recordings', 'list_snapshots', 'get_subscription_stats'])
      book.result(method, state, await admin.call(method), { state })
    for (const method of ['get_camera_status', 'get_camera_capabilities', 'get_stream_url', 'get_stream_status'])
      book.result(method, state, await admin.call(method, { device }), { state })
    for (const method of ['get_streams', 'start_recording', 'start_streaming']) {
      const reply = await admin.call(method, { device })
      book.refusal(method, state, reply, { check: 'results', code: -32050, data: { dependency: 'mediamtx' }, state })
    }
    // The picture comes from the camera itself.
    book.result('take_snapshot', state, await admin.call('take_snapshot', { device }), { state })
    expect((await admin.call('get_status')).result).to.include({ status: 'UNHEALTHY' })
    expect((await admin.call('get_stream_url', { device })).result).to.include({
      available: false,
      stream_status: 'NOT_READY',
    })
    expect(book.faults()).to.deep.equal([])
  })

  it('has no external streams while they are disabled, whatever the params', async () => {
    const calls: [string, Params][] = [
      ['discover_external_streams', { generic_enabled: 'yes' }],
      ['add_external_stream', { url: 'rtsp://192.168.1.20/live', name: 'Gate' }],
      ['add_external_stream', {}],
      ['remove_external_stream', {}],
      ['set_discovery_interval', { scan_interval: -1 }],
    ]
    for (const [method, params] of calls) {
      const reply = await admin.call(method, params)
      book.refusal(method, 'not enabled', reply, {
        check: 'results',
        code: -32030,
        data: { feature: 'external_discovery' },
        state: 'not enabled',
      })
    }
    const { result } = await admin.call('get_external_streams')
    expect(result).to.deep.include({ external_streams: [], skydio_streams: [], generic_streams: [], total_count: 0 })
    expect(book.faults()).to.deep.equal([])
  })
})

describe('conformance, while parts of the service fail', () => {
  const stage = createStage()
  const secrets = /secret words|nowhere/
  let book: Book
  before(() => {
    book = createBook({ discovered: openRpcOf(methods), secrets })
    books.set('failing parts', book)
  })
  afterEach(() => stage.end())

  const sample = (method: string): Params => {
    const samples: Record<string, unknown> = {
      device: 'camera0',
      filename: 'camera0_x.mp4',
      policy_type: 'manual',
      enabled: false,
      topics: ['system.health'],
      stream_url: 'rtsp://10.0.0.7/live',
      stream_name: 'Gate',
      scan_interval: 0,
      auth_token: 'broken',
    }
    const { required = [] } = tableMethod(method).params as { required?: string[] }
    return Object.fromEntries(required.map((param) => [param, samples[param]]))
  }

  it('says that it is starting, in each method that waits for the start', async () => {
    const world = createWorld()
    world.system = { ...world.system, status: 'starting', message: 'cameras are being looked for' }
    const { port } = await stage.serve(world.options())
    const admin = await stage.connect(port, { role: 'admin' })
    for (const { method } of documentedMethods.filter(({ method }) => tableMethod(method).gated)) {
      const reply = await admin.call(method, sample(method))
      const data = { reason: 'service_initializing', dependency: 'camera_service' }
      book.refusal(method, 'while it starts', reply, { check: 'results', code: -32050, data, state: 'starting' })
    }
    book.result('get_system_status', 'while it starts', await admin.call('get_system_status'), { state: 'starting' })
    expect(book.faults()).to.deep.equal([])
  })

  it('returns only a request id after an unexpected failure, in each method', async () => {
    const fail = () => {
      throw new Error('secret words of /nowhere')
    }
    const broken = new Proxy({}, { get: () => fail }) as never
    const world = createWorld()
    const whole = world.options()
    const credentials = {
      ...whole.credentials,
      verify: (token: string) => (token === 'broken' ? fail() : whole.credentials.verify(token)),
    }
    const { port } = await stage.serve(
      world.options(
        {},
        {
          credentials,
          directory: broken,
          ask: broken,
          files: broken,
          retention: broken,
          external: broken,
          hostSample: fail,
        },
      ),
    )
    const admin = await stage.connect(port, { role: 'admin' })
    for (const { method } of documentedMethods.filter(({ method }) => !excuses[-32603]?.has(method))) {
      book.refusal(method, 'when it fails', await admin.call(method, sample(method)), {
        check: 'results',
        code: -32603,
      })
    }
    expect(book.faults()).to.deep.equal([])
    const failures = world.logged.filter(({ level }) => level === 'error')
    expect(failures.length, 'each is logged').to.equal(documentedMethods.length - (excuses[-32603]?.size ?? 0))
  })

  it('refuses a cleanup while the disk fails', async () => {
    const world = createWorld()
    const retention = {
      ...world.options().retention,
      cleanUp: () => Promise.reject(dependencyFailed('storage', 'the files cannot be listed')),
    }
    const { port } = await stage.serve(world.options({}, { retention }))
    const admin = await stage.connect(port, { role: 'admin' })
    const reply = await admin.call('cleanup_old_files')
    book.refusal('cleanup_old_files', 'disk fails', reply, {
      check: 'results',
      code: -32050,
      data: { dependency: 'storage' },
      state: 'disk fails',
    })
    expect(book.faults()).to.deep.equal([])
  })
})

describe('conformance, summary', () => {
  const reasonFor = (method: string, code: number) => excuses[code]?.get(method)
  const kinds = () => ['embedded', 'managed'].filter((kind) => books.has(kind))
  const reachedIn = (kind: string, method: string) =>
    new Map(
      [kind, 'without a media server', 'failing parts'].flatMap((name) => [
        ...(books.get(name)?.pages.get(method)?.codes ?? []),
      ]),
    )

  it('covers each documented error of each method, except the excused ones', function () {
    if (kinds().length === 0 || books.size < 3) return this.skip()
    const wrong = kinds().flatMap((kind) =>
      documentedMethods.flatMap(({ method, errors }) => {
        const reached = reachedIn(kind, method)
        return errors.flatMap((code) => {
          const excuse = reasonFor(method, code)
          if (reached.has(code) === (excuse === undefined)) return []
          const surplus = `was returned for ${reached.get(code)}, but is excused: ${excuse}`
          return [`${kind}, ${method}: ${code} ${excuse === undefined ? 'was never returned' : surplus}`]
        })
      }),
    )
    expect(wrong).to.deep.equal([])
  })

  after(() => {
    const excused = (method: string) =>
      (documentedMethods.find((one) => one.method === method)?.errors ?? []).filter((code) => reasonFor(method, code))
        .length
    if (books.size > 0) console.log(`\n${tableOf([...books.values()], excused)}\n`)
  })
})
