import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { call } from '../../commands/client/call.js'
import { camera, cameras } from '../../commands/client/cameras.js'
import { completionWords } from '../../commands/client/completion.js'
import { download, recordings, snapshot } from '../../commands/client/files.js'
import { type ClientPorts, withService } from '../../commands/client/open.js'
import { clockText, durationText, screenOf, table } from '../../commands/client/screen.js'
import { askService, refusalOf, type Service } from '../../commands/client/service.js'
import { status } from '../../commands/client/status.js'
import { eventText, topicNames, watch } from '../../commands/client/watch.js'
import { failure } from '../../commands/outcome.js'
import { bytesText, count, rounded } from '../../machines/domain/amounts.js'
import { CallTimedOut, ConnectionLost, RpcError, SessionEnded } from '../../rpc/client/index.js'
import { topicNames as allTopics } from '../../rpc/topics/index.js'
import { createGate } from '../support/gate.js'
import { fakeClient, fakeScreen } from './fakeClient.js'

const esc = '\u001b'
const front = {
  id: 'camera0',
  device: 'camera0',
  name: 'Front door',
  status: 'CONNECTED',
  state: 'available',
  since: '2026-01-02T03:04:05.678Z',
  kind: 'usb',
  resolution: '1280x720',
  fps: 30,
  streams: { rtsp: 'rtsp://camera-host:8554/camera0' },
  identity: { basis: 'serial', confidence: 'high', ambiguous: false },
  stream_state: 'ACTIVE',
  recording: { status: 'RECORDING', growing: true, format: 'fmp4', files: ['a.mp4'], filename: 'a.mp4', gaps: [] },
  allowed_methods: ['take_snapshot'],
  refused_methods: [{ method: 'start_recording', reason: 'already_recording', details: 'it is being recorded' }],
}
const yard = {
  ...front,
  id: 'camera1',
  name: 'Yard',
  status: 'DISCONNECTED',
  state: 'unplugged',
  reason: 'unplugged',
  details: 'the camera was unplugged',
  resolution: undefined,
  fps: undefined,
  stream_state: 'INACTIVE',
  recording: undefined,
}
const interrupted = { ...front, recording: { ...front.recording, status: 'INTERRUPTED', growing: false } }
const list = { cameras: [front, yard], total: 2, connected: 1 }
const denied = new RpcError('get_status', { code: -32002, message: 'Permission denied' })
const notFound = (method: string) =>
  new RpcError(method, { code: -32010, message: 'File not found', data: { suggestion: 'Check the name' } })
const plain = { screen: { colours: false } }
const coloured = { screen: { colours: true } }
const json = true

describe('commands: tables', () => {
  it('show the cameras, and what is wrong with one', async () => {
    const { client } = fakeClient({ get_camera_list: list })
    expect((await cameras({ json: false }, plain, client)).out?.split('\n')).to.deep.equal([
      'ID       STATUS        STATE                                STREAM    RECORDING  MODE         KIND  NAME',
      'camera0  CONNECTED     available                            ACTIVE    RECORDING  1280x720@30  usb   Front door',
      'camera1  DISCONNECTED  unplugged: the camera was unplugged  INACTIVE  -          -            usb   Yard',
    ])
    const { out = '' } = await cameras({ json: false }, coloured, client)
    expect(out).to.contain(`${esc}[32mCONNECTED${esc}[0m     available`)
    expect(JSON.parse((await cameras({ json }, coloured, client)).out ?? '')).to.deep.equal(
      JSON.parse(JSON.stringify(list)),
    )
  })

  it('say that there is no camera, beside an empty standard output', async () => {
    const { client } = fakeClient({ get_camera_list: { cameras: [], total: 0, connected: 0 } })
    const { out, err } = await cameras({ json: false }, plain, client)
    expect([out, err]).to.deep.equal([
      undefined,
      'there are no cameras: plug one in, or add one to cameras in the configuration',
    ])
  })

  it('let no name control the terminal', async () => {
    const evil = { ...front, name: `${esc}[2J\nFront\u202e`, details: `${esc}]0;x\u0007` }
    const { client } = fakeClient({
      get_camera_list: { cameras: [evil], total: 1, connected: 1 },
      get_camera_status: { ...evil, reason: 'x' },
    })
    const all = [
      (await cameras({ json: false }, plain, client)).out,
      (await camera({ device: 'camera0', json: false }, plain, client)).out,
      (await cameras({ json }, plain, client)).out,
    ]
    for (const out of all) expect(out).not.to.contain(esc)
    expect(all[0]?.split('\n')).to.have.length(2)
  })

  it('show one camera', async () => {
    const { client } = fakeClient({ get_camera_status: { ...front, metrics: { readers: 2 } } })
    expect((await camera({ device: 'camera0', json: false }, plain, client)).out?.split('\n')).to.deep.equal([
      'camera0 (Front door) is CONNECTED',
      '  state      available, since 2026-01-02 03:04:05Z',
      '  kind       usb, identified by serial (confidence high)',
      '  mode       1280x720 at 30 frames/s',
      '  stream     ACTIVE, 2 readers',
      '  URLs       rtsp://camera-host:8554/camera0',
      '  recording  RECORDING',
      '             a.mp4',
      '  allowed    snapshot',
      '  refused    record (already_recording): it is being recorded',
    ])
  })

  it('show since when a recording is interrupted, and when it began', async () => {
    const times = { start_time: '2026-01-02T03:00:00.000Z', since: '2026-01-02T03:03:00.000Z' }
    const status = { ...interrupted, recording: { ...interrupted.recording, ...times } }
    const { client } = fakeClient({ get_camera_status: status })
    const { out } = await camera({ device: 'camera0', json: false }, plain, client)
    expect(out).to.contain('INTERRUPTED since 2026-01-02 03:03:00Z, began 2026-01-02 03:00:00Z\n')
  })

  it('count one reader, one disconnect and one day as one', async () => {
    const one = { ...front, metrics: { readers: 1 }, flapping: { disconnects: 1, window_s: 600 } }
    const { client } = fakeClient({ get_camera_status: one })
    const { out } = await camera({ device: 'camera0', json: false }, plain, client)
    expect(out).to.contain('ACTIVE, 1 reader\n').and.to.contain('1 disconnect in 10 min\n')
    expect([83.23456789, 0.0012345, 7].map(rounded)).to.deep.equal([83.23, 0.0012, 7])
    expect([0, 1, 2].map((amount) => count(amount, 'entry', 'entries'))).to.deep.equal([
      '0 entries',
      '1 entry',
      '2 entries',
    ])
  })

  it('show recordings, and that there are more', async () => {
    const file = {
      filename: 'camera0_a.mp4',
      file_size: 1_500_000,
      created_time: '2026-01-02T03:04:05.000Z',
      device: 'camera0',
      duration: 65,
      protected: true,
    }
    const { client } = fakeClient({ list_recordings: { files: [file], total: 3, limit: 1, offset: 0 } })
    expect(await recordings({ limit: 1, json: false }, plain, client)).to.deep.equal({
      status: 0,
      out: [
        'CAMERA   BEGAN                 LENGTH  SIZE    NOTES      NAME',
        'camera0  2026-01-02 03:04:05Z  1:05    1.5 MB  protected  camera0_a.mp4',
      ].join('\n'),
      err: '1 of 3 recordings: --limit N shows more',
    })
  })

  it('show the state of the service, without what a viewer may not see', async () => {
    const replies = {
      get_server_info: {
        version: '1.0.0',
        simulation: false,
        media_server: { kind: 'managed', version: 'v1.20.1', state: 'up' },
      },
      get_system_status: { status: 'ready', discovery_mode: 'udev' },
      get_camera_list: { ...list, cameras: [yard] },
    }
    const health = {
      status: 'DEGRADED',
      uptime: 7_500,
      reasons: {
        camera_monitor: { state: 'watching', since: '2026-01-02T03:04:05.000Z' },
        mediamtx: {
          state: 'down',
          since: '2026-01-02T03:04:05.000Z',
          reason: 'refused',
          details: 'it does not answer',
        },
      },
    }
    const storage = {
      state: 'ok',
      since: '2026-01-02T03:04:05.000Z',
      available_space: 5e9,
      total_space: 1e10,
      usage_percentage: 50.4,
      recordings_size: 1e9,
      forecast: { days_left: 3.2 },
    }
    const config = {
      ...{ version: 3, changing: false, values: [], needs_restart: ['server.host', 'health.port'] },
      ...{ reason: 'config_invalid', details: 'server.port: must be a port' },
    }
    const all = fakeClient({ ...replies, get_status: health, get_storage_info: storage, get_config: config })
    expect((await status({ json: false }, plain, all.client)).out?.split('\n').slice(0, 8)).to.deep.equal([
      'camera service 1.0.0 is DEGRADED, up 2 h 5 min',
      '  cameras    1 of 2 connected, 0 recording',
      '  discovery  watching since 2026-01-02 03:04:05Z',
      '  MediaMTX   down since 2026-01-02 03:04:05Z: it does not answer (managed, v1.20.1)',
      '  storage    ok since 2026-01-02 03:04:05Z',
      '             5.0 GB free of 10.0 GB (50 % used), recordings 1.0 GB; full in 3 days',
      '  config     the last change is not in force: server.port: must be a port',
      '             a restart is needed for server.host, health.port',
    ])
    const changing = fakeClient({
      ...{ ...replies, get_camera_list: { ...list, cameras: [interrupted] }, get_status: health },
      ...{ get_storage_info: storage, get_config: { ...config, changing: true, needs_restart: [] } },
    })
    const then = (await status({ json: false }, plain, changing.client)).out?.split('\n')
    expect(then?.[1], 'its file does not grow').to.equal('  cameras    1 of 2 connected, 0 recording')
    expect(then?.[6]).to.equal('  config     a change is being applied')
    const { configuration } = JSON.parse((await status({ json }, plain, all.client)).out ?? '')
    expect(configuration, 'without the values').to.have.all.keys('changing', 'needs_restart', 'reason', 'details')
    const unknown = new RpcError('get_config', { code: -32601, message: 'Method not found' })
    const few = fakeClient({ ...replies, get_status: denied, get_storage_info: denied, get_config: unknown })
    expect((await status({ json: false }, plain, few.client)).out?.split('\n').slice(0, 4)).to.deep.equal([
      'camera service 1.0.0 is ready',
      '  cameras    1 of 2 connected, 0 recording',
      '  discovery  udev',
      '  MediaMTX   up (managed, v1.20.1)',
    ])
    const broken = fakeClient({
      ...replies,
      get_status: new ConnectionLost('gone'),
      get_storage_info: denied,
      get_config: denied,
    })
    expect((await askService(broken.client, (client) => status({ json: false }, plain, client))).status).to.equal(69)
  })

  it('are as wide as their widest cell, without colours in the count', () => {
    expect(table({ colours: true }, ['A', 'B'], [[{ text: 'x', colour: 'red' }, 'y']])).to.equal(
      `${esc}[1mA${esc}[0m  ${esc}[1mB${esc}[0m\n${esc}[31mx${esc}[0m  y`,
    )
    expect([bytesText(0), bytesText(999), bytesText(123_456), bytesText(2.5e9)]).to.deep.equal([
      '0 B',
      '999 B',
      '123 KB',
      '2.5 GB',
    ])
    expect([clockText(7.9), clockText(3_723)]).to.deep.equal(['0:07', '1:02:03'])
    expect([3, 61, 7_200, 90_000].map(durationText)).to.deep.equal(['3 s', '1 min', '2 h', '1 d 1 h'])
  })
})

describe('commands: the screen', () => {
  const stream = (isTTY: boolean, columns?: number) => {
    const written: string[] = []
    return { written, isTTY, ...(columns !== undefined && { columns }), write: (text: string) => written.push(text) }
  }

  it('has colours and progress on a terminal only, and none with NO_COLOR', () => {
    const [terminal, pipe] = [stream(true), stream(false)]
    const of = (out: typeof terminal, err: typeof terminal, env = {}) => {
      const { colours, progress } = screenOf({ out, err }, env)
      return [colours, progress !== undefined]
    }
    expect(of(terminal, terminal)).to.deep.equal([true, true])
    expect(of(pipe, terminal)).to.deep.equal([false, true])
    expect(of(terminal, pipe)).to.deep.equal([true, false])
    expect(of(terminal, terminal, { NO_COLOR: '1' })).to.deep.equal([false, true])
    expect(of(terminal, terminal, { NO_COLOR: '' })).to.deep.equal([true, true])
    expect(of(terminal, terminal, { TERM: 'dumb' })).to.deep.equal([false, false])
  })

  it('keeps progress in one line of the terminal', () => {
    const terminal = stream(true, 10)
    const { progress } = screenOf({ out: terminal, err: terminal }, {})
    progress?.('a'.repeat(20))
    progress?.('')
    expect(terminal.written).to.deep.equal([`\r${esc}[K${'a'.repeat(9)}`, `\r${esc}[K`])
    const unsized = stream(true, 0)
    screenOf({ out: unsized, err: unsized }, {}).progress?.('a'.repeat(100))
    expect(unsized.written[0]).to.contain('a'.repeat(79))
  })
})

describe('commands: exit statuses', () => {
  const statusOf = (error: unknown) => refusalOf(error)?.status

  it('tell a refusal from a missing right and a missing service', () => {
    expect(statusOf(new RpcError('m', { code: -32010, message: 'Camera not found' }))).to.equal(1)
    expect(statusOf(new RpcError('m', { code: -32001, message: 'token expired' }))).to.equal(77)
    expect(statusOf(denied)).to.equal(77)
    expect(statusOf(new SessionEnded('revoked'))).to.equal(77)
    expect(statusOf(new ConnectionLost('gone'))).to.equal(69)
    expect(statusOf(new CallTimedOut('m', 1))).to.equal(69)
    expect(statusOf(new Error('a fault of the command'))).to.equal(undefined)
  })
})

describe('commands: Ctrl-C', () => {
  const stage = () => {
    const ending = new AbortController()
    const ports = { signal: ending.signal } as ClientPorts
    const { client, service } = fakeClient({})
    const run = (name: string, ask: Parameters<typeof withService>[2], open = async () => service as Service) =>
      withService({ name, flags: {}, connection: {} }, ports, ask, open).catch(failure)
    return { ending, client, run }
  }
  const never = () => new Promise<never>(() => {})
  const said = { status: 130, err: 'camera-service: interrupted' }

  it('ends an attempt to connect, and a command that waits for a reply', async () => {
    const connecting = stage()
    const first = connecting.run('record', never, never)
    connecting.ending.abort()
    expect(await first).to.deep.equal(said)
    const waiting = stage()
    const second = waiting.run('status', never)
    waiting.ending.abort()
    expect(await second).to.deep.equal(said)
    expect(await waiting.run('status', never), 'before it began').to.deep.equal(said)
  })

  it('lets commands end in order that have something to end', async () => {
    const { ending, run } = stage()
    const done = run('record', async () => {
      ending.abort()
      await new Promise((resolve) => setImmediate(resolve))
      return { status: 130, out: 'camera0_a.mp4' }
    })
    expect(await done).to.deep.equal({ status: 130, out: 'camera0_a.mp4' })
    const call = stage()
    const snapshot = call.run('snapshot', async () => {
      call.ending.abort()
      throw call.ending.signal.reason
    })
    expect(await snapshot, 'a call with the signal').to.deep.equal(said)
  })
})

describe('command snapshot, download and call', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const ports = () => ({
    ...fakeScreen(),
    signal: new AbortController().signal,
    clock: { now: () => 0, monotonic: () => 0 },
    output: process.stdout,
  })
  const sending = () => {
    const sent: unknown[] = []
    const send = async (_: unknown, file: unknown) => {
      sent.push(file)
      return 4_000
    }
    return { sent, send }
  }
  const taken = {
    device: 'camera0',
    filename: 'camera0_b.jpg',
    file_size: 4_000,
    width: 640,
    height: 480,
    age_ms: 2_100,
    download_url: '/files/snapshots/camera0_b.jpg?sig=x',
  }

  it('take a snapshot, and save it in the format of the file', async () => {
    const { client, service, calls } = fakeClient({ take_snapshot: taken })
    const { sent, send } = sending()
    const take = (output?: string) =>
      snapshot(
        { device: 'camera0', force: true, json: false, ...(output && { output }) },
        ports(),
        client,
        service,
        send,
      )
    expect(await take()).to.deep.equal({ status: 0, out: 'camera0_b.jpg  640x480, 4.0 KB, 2 s old' })
    expect(sent).to.deep.equal([])
    expect(await take('door.png')).to.deep.equal({ status: 0, out: 'door.png  640x480, 4.0 KB, 2 s old' })
    expect(await take('-'), 'standard output is for the picture').to.have.keys('status', 'err')
    expect(calls.map(({ params }) => params)).to.deep.equal([
      { device: 'camera0' },
      { device: 'camera0', format: 'png' },
      { device: 'camera0' },
    ])
    expect(sent[0]).to.deep.equal({ path: taken.download_url, name: 'camera0_b.jpg', to: 'door.png', force: true })
  })

  it('download a recording or a snapshot by its name, and replace no file without --force', async () => {
    const info = { filename: 'a.mp4', download_url: '/files/recordings/a.mp4?sig=x' }
    const { client, service } = fakeClient({
      get_recording_info: ({ filename }: { filename: string }) =>
        filename === 'a' ? info : notFound('get_recording_info'),
      get_snapshot_info: ({ filename }: { filename: string }) =>
        filename.startsWith('b') ? taken : notFound('get_snapshot_info'),
    })
    const { sent, send } = sending()
    const existing = join(dir, 'a.mp4')
    await writeFile(existing, 'old')
    const get = (file: string, output?: string, force = false) =>
      download({ file, force, json: false, ...(output && { output }) }, ports(), client, service, send)
    expect(await get('a', existing, true)).to.deep.equal({ status: 0, out: `${existing}  4.0 KB` })
    const refused = await get('a', existing).catch(failure)
    expect(refused.err).to.match(
      /a\.mp4 exists already and is not replaced: name another file with -o FILE, or use --force$/,
    )
    expect((await get('b', join(dir, 'b'))).status).to.equal(0)
    expect((await get('b.jpg', join(dir, 'b'))).status).to.equal(0)
    expect(sent).to.have.length(3)
    const missing = await get('c').catch((error: RpcError) => error.method)
    expect(missing, 'the first refusal').to.equal('get_recording_info')
    const back = process.cwd()
    process.chdir(dir)
    try {
      const { status, err } = await get('a').catch(failure)
      expect([status, err]).to.deep.equal([
        1,
        'camera-service: a.mp4 exists already and is not replaced: name another file with -o FILE, or use --force',
      ])
    } finally {
      process.chdir(back)
    }
    expect(sent).to.have.length(3)
  })

  it('do not follow a name of the service out of the folder', async () => {
    const info = { filename: '../../evil.mp4', download_url: '/x' }
    const { client, service } = fakeClient({ get_recording_info: info })
    const { sent, send } = sending()
    await download({ file: 'a', force: false, json: false }, ports(), client, service, send)
    expect(sent).to.deep.equal([{ path: '/x', name: 'evil.mp4', to: 'evil.mp4', force: false }])
  })

  it('call a method, and suggest the nearest to an unknown one', async () => {
    const { client, calls } = fakeClient({
      get_config: { a: 1 },
      get_confg: new RpcError('get_confg', { code: -32601, message: 'Method not found' }),
      'rpc.discover': { methods: [{ name: 'get_config' }, { name: 'ping' }, null] },
    })
    const warned: string[] = []
    const asking = {
      stdin: async () => '{"key": 1}',
      signal: new AbortController().signal,
      log: { ...createGate().log, warn: (text: string) => void warned.push(text) },
    }
    const run = (method: string, params?: string) =>
      call({ method, ...(params !== undefined && { params }) }, asking, client).catch(failure)
    expect(await run('get_config')).to.deep.equal({ status: 0, out: '{\n  "a": 1\n}' })
    await run('get_config', '-')
    expect(
      calls.map(({ params }) => params),
      'what it does not know is sent, too',
    ).to.deep.equal([{}, { key: 1 }])
    expect(warned.join()).to.match(/^warning: "key" is not a param of get_config and has no effect; it has /)
    expect(await run('get_confg')).to.deep.equal({
      status: 1,
      err:
        'camera-service: "get_confg" is not a method of the API; the nearest is get_config; ' +
        'camera-service call rpc.discover lists all',
    })
    for (const params of ['{device: camera0}', '[1]', 'null', '']) {
      const { status, err } = await run('get_config', params)
      expect(status, params).to.equal(78)
      expect(err).to.match(/^the params (are not JSON|must be a JSON object).*'\{"device": "camera0"\}'$/s)
    }
  })

  it('warn of params that the method does not have, with the nearest, at any depth', async () => {
    const warned: string[] = []
    const asking = {
      stdin: async () => '',
      signal: new AbortController().signal,
      log: { ...createGate().log, warn: (text: string) => void warned.push(text) },
    }
    const { client } = fakeClient({ start_recording: {}, set_config: {}, ping: 'pong', newer: {} })
    const run = (method: string, params: object) => call({ method, params: JSON.stringify(params) }, asking, client)
    await run('start_recording', { device: 'camera0', duraton: 5 })
    await run('ping', { a: 1 })
    await run('newer', { what: 1 })
    await run('start_recording', { device: 'camera0', duration: 5 })
    expect(warned).to.deep.equal([
      'warning: "duraton" is not a param of start_recording and has no effect; the nearest is duration',
      'warning: "a" is not a param of ping and has no effect; it has none',
    ])
  })

  it('complete words that the shell takes as they are', async () => {
    const { client } = fakeClient({
      get_camera_list: list,
      list_recordings: { files: [{ filename: 'a.mp4' }, { filename: '$(reboot).mp4' }, { filename: 'a b.mp4' }] },
      list_snapshots: { files: [{ filename: 'b.jpg' }] },
    })
    expect((await completionWords({ what: 'cameras' }, client)).out).to.equal('camera0\ncamera1')
    expect((await completionWords({ what: 'media' }, client)).out).to.equal('a.mp4\nb.jpg')
  })
})

describe('command watch', () => {
  const stage = (replies: Record<string, unknown> = {}, colours = false) => {
    const fake = fakeClient(replies)
    const ending = new AbortController()
    const printed: string[] = []
    const warned: string[] = []
    const ports = {
      screen: { colours },
      signal: ending.signal,
      print: (text: string) => void printed.push(text),
      log: { ...createGate().log, warn: (text: string) => void warned.push(text) },
    }
    const run = (request: Partial<Parameters<typeof watch>[0]> = {}) =>
      askService(fake.client, (client) => watch({ json: false, ...request }, ports, client, fake.service))
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    return { ...fake, ending, printed, warned, run, settled }
  }
  const unplug = {
    device: 'camera0',
    status: 'DISCONNECTED',
    reason: 'unplugged',
    details: 'the camera was unplugged',
    severity: 'warning',
    seq: 7,
    at: '2026-01-02T03:04:05.678Z',
    timestamp: '2026-01-02T03:04:05.678Z',
  }

  it('refuses a camera that does not exist, with those that do', async () => {
    const known = { get_camera_list: list }
    const { status, err } = await stage(known).run({ device: 'camera9' }).catch(failure)
    expect([status, err]).to.deep.equal([
      1,
      'camera-service: there is no camera camera9: the cameras are camera0, camera1',
    ])
    const none = await stage({ get_camera_list: { cameras: [] } })
      .run({ device: 'camera0' })
      .catch(failure)
    expect(none.err).to.equal('camera-service: there is no camera camera0: there are no cameras')
    const good = stage(known)
    const done = good.run({ device: 'camera1' })
    await good.settled()
    good.ending.abort()
    expect((await done).status).to.equal(0)
  })

  it('rounds numbers', () => {
    const params = { at: '2026-01-02T03:04:05.678Z', severity: 'info', usage_percentage: 83.23456789 }
    expect(eventText({ colours: false }, 'system.health', params)).to.match(/usage_percentage=83\.23$/)
  })

  it('knows all topics', () => expect(topicNames).to.have.members([...allTopics]))

  it('prints each fact once, until Ctrl-C', async () => {
    const { run, tell, ending, printed, listeners, settled } = stage()
    const done = run()
    await settled()
    expect(listeners.has('recording_status_update'), 'a topic that repeats others').to.equal(false)
    tell('camera.disconnected', unplug)
    ending.abort()
    expect(await done).to.deep.equal({ status: 0 })
    expect(printed).to.deep.equal([
      '2026-01-02 03:04:05.678Z  warning   camera0   camera.disconnected     the camera was unplugged  status=DISCONNECTED',
    ])
  })

  it('prints JSON, one object per line', async () => {
    const { run, tell, ending, printed, settled } = stage()
    const done = run({ json, topics: ['camera.disconnected'] })
    await settled()
    tell('camera.disconnected', unplug)
    ending.abort()
    await done
    expect(printed.map((line) => JSON.parse(line))).to.deep.equal([{ topic: 'camera.disconnected', ...unplug }])
  })

  it('says once that events were missed, and that the connection was lost', async () => {
    const { run, missed, enter, ending, printed, warned, settled } = stage()
    const done = run()
    await settled()
    enter('waiting', new ConnectionLost('the connection was closed (1006)'))
    enter('open')
    missed('camera.connected', 'restarted')
    missed('camera.disconnected', 'restarted')
    ending.abort()
    await done
    expect(printed).to.deep.equal(['events were missed (restarted)'])
    expect(warned).to.deep.equal([
      'the connection was lost (the connection was closed (1006)), connecting again',
      'connected again',
    ])
  })

  it('leaves out topics that a viewer may not have, unless they are asked for', async () => {
    const replies = { 'on system.config_refused': denied }
    const quiet = stage(replies)
    const done = quiet.run()
    await quiet.settled()
    quiet.ending.abort()
    expect(await done).to.deep.equal({ status: 0 })
    expect((await stage(replies).run({ topics: ['system.config_refused'] })).status).to.equal(77)
  })

  it('refuses a topic that does not exist, with the nearest', async () => {
    const { status, err } = await stage()
      .run({ topics: ['camera.conected'] })
      .catch(failure)
    expect([status, err]).to.deep.equal([
      78,
      '--topics: "camera.conected" is not a topic; the nearest is camera.connected; see docs/api.md',
    ])
  })

  it('ends with 77 when the session ends for good', async () => {
    const { run, enter, settled } = stage()
    const done = run()
    await settled()
    enter('closed', new SessionEnded('revoked'))
    expect((await done).status).to.equal(77)
  })
})
