import { expect } from 'chai'
import type { ExternalStream } from '../../machines/domain/external.js'
import { because } from '../../machines/domain/reason.js'
import { externalMethods } from '../../rpc/methods/external.js'
import { contract, faults } from './contract.js'
import { createStage, createWorld, noon, type World } from './fakes.js'

const limited = 'operator/lim/9999999999999/camera1*'
const stream = (changes: Partial<ExternalStream>): ExternalStream => ({
  url: 'rtsp://10.0.0.9:554/live',
  type: 'generic_rtsp',
  name: 'Yard',
  status: 'DISCOVERED',
  discoveredAt: noon - 5_000,
  lastSeen: noon,
  ...changes,
})

describe('methods of external streams', () => {
  const stage = createStage()
  let world: World
  let port: number
  const as = (role: string) => stage.connect(port, { role })

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
  })
  afterEach(() => stage.end())

  it('return streams by type, found and lost ones, as documented', async () => {
    world.external.streams.push(
      stream({ camera: 'camera3', codec: 'H265', width: 640, height: 480 }),
      stream({ url: 'rtsps://[fd00::1]/x?y=1', status: 'ERROR', reason: because('unreachable', 'timed out') }),
    )
    const admin = await as('admin')
    const { result } = await admin.call('discover_external_streams', { generic_enabled: true })
    expect(
      faults(contract.find(({ method }) => method === 'discover_external_streams')?.result ?? {}, result),
    ).to.deep.equal([])
    expect(result).to.deep.include({
      total_found: 3,
      scan_duration: '2.5s',
      scan_timestamp: '2025-06-01T12:00:00.000Z',
      discovery_options: { skydio_enabled: true, generic_enabled: true, force_rescan: false, include_offline: false },
    })
    expect([result.skydio_streams.length, result.generic_streams.length]).to.deep.equal([1, 2])
    expect(result.discovered_streams[0].capabilities).to.deep.equal({
      protocol: 'rtsp',
      format: 'stanag4609',
      source: 'skydio_uav',
      stream_type: 'eo',
      port: 5554,
      stream_path: '/subject',
      codec: 'H264',
      metadata: { width: 1280, height: 720 },
    })
    expect(result.generic_streams[0]).to.include({ device: 'camera3', last_seen: '2025-06-01T12:00:00.000Z' })
    expect(result.generic_streams[1]).to.deep.include({
      status: 'ERROR',
      reason: 'unreachable',
      details: 'timed out',
    })
    expect(result.generic_streams[1].capabilities).to.deep.include({
      protocol: 'rtsps',
      port: 322,
      stream_path: '/x?y=1',
      codec: '',
      metadata: {},
    })
    expect((await admin.call('get_external_streams')).result).to.deep.include({
      total_count: 3,
      scanning: false,
      scan_interval: 0,
    })
  })

  it('never return credentials', async () => {
    world.external.streams.push(stream({ url: 'rtsp://ann:secret@10.0.0.9/user=a&password=secret&x' }))
    const admin = await as('admin')
    const replies = await Promise.all([
      admin.call('add_external_stream', { stream_url: 'rtsp://ann:secret@10.0.0.7/a', stream_name: 'Gate' }),
      admin.call('discover_external_streams'),
      admin.call('remove_external_stream', { stream_url: 'rtsp://ann:secret@10.9.9.9/a' }),
      admin.call('add_external_stream', { stream_url: 'http://ann:secret@10.0.0.7/a', stream_name: '' }),
    ])
    expect(JSON.stringify([...replies, await admin.call('get_external_streams')])).not.to.contain('secret')
    expect(replies[0]?.result).to.include({ stream_url: 'rtsp://10.0.0.7/a', status: 'ADDED', device: 'camera7' })
    expect(replies[2]?.error).to.deep.include({ code: -32010, message: 'Stream not found' })
  })

  it('accept other names for the parameters, and a missing type', async () => {
    const operator = await as('operator')
    const { result } = await operator.call('add_external_stream', { url: 'rtsp://10.0.0.7/a', name: 'Gate' })
    expect(result).to.deep.include({
      stream_url: 'rtsp://10.0.0.7/a',
      stream_name: 'Gate',
      stream_type: 'generic_rtsp',
    })
  })

  for (const [params, param] of [
    [{}, 'stream_url'],
    [{ stream_url: 'rtsp://h/' }, 'stream_name'],
    [{ stream_url: 5, stream_name: 'x' }, 'stream_url'],
    [{ stream_url: `rtsp://h/${'x'.repeat(2048)}`, stream_name: 'x' }, 'stream_url'],
    [{ stream_url: 'rtsp://h/', stream_name: 'x'.repeat(65) }, 'stream_name'],
    [{ stream_url: 'rtsp://h/', stream_name: 'a\u0007b' }, 'stream_name'],
    [{ stream_url: 'rtsp://h/', stream_name: '   ' }, 'stream_name'],
    [{ stream_url: 'rtsp://h/', stream_name: 'x', stream_type: 'hls' }, 'stream_type'],
  ] as const) {
    it(`add_external_stream(${JSON.stringify(params).slice(0, 60)}) names ${param}`, async () => {
      const { error } = await (await as('operator')).call('add_external_stream', params)
      expect(error?.code).to.equal(-32602)
      expect(error?.data).to.include({ param })
    })
  }

  it('accept stream names in any script', async () => {
    const operator = await as('operator')
    for (const stream_name of ['Tür ø 門', 'x'.repeat(64), '🎥'.repeat(64)]) {
      expect((await operator.call('add_external_stream', { stream_url: 'rtsp://h/', stream_name })).result).to.include({
        stream_name,
      })
    }
  })

  for (const scan_interval of [-1, 1.5, '5', null, 24 * 86_400 + 1]) {
    it(`set_discovery_interval(${JSON.stringify(scan_interval)}) is refused`, async () => {
      expect((await (await as('admin')).call('set_discovery_interval', { scan_interval })).error).to.deep.include({
        code: -32602,
      })
    })
  }

  it('set_discovery_interval takes seconds', async () => {
    expect((await (await as('admin')).call('set_discovery_interval', { scan_interval: 90 })).result).to.include({
      scan_interval: 90,
      status: 'UPDATED',
    })
    expect(world.external.interval).to.equal(90_000)
  })

  it('are unsupported while discovery is disabled, with any parameters; the list is empty', async () => {
    world.external = { enabled: false, scanning: false, interval: 0, streams: [] }
    const admin = await as('admin')
    for (const { name } of externalMethods.filter(({ name }) => name !== 'get_external_streams')) {
      for (const params of [{}, { url: 'x', name: 'y' }, { stream_url: 7, scan_interval: 'never' }]) {
        const { error } = await admin.call(name, params)
        expect(error?.code, name).to.equal(-32030)
        expect(error?.message).to.contain('Unsupported')
        expect(error?.data).to.include({ reason: 'unsupported', feature: 'external_discovery' })
      }
    }
    const { result } = await admin.call('get_external_streams')
    expect(result).to.deep.include({ external_streams: [], skydio_streams: [], generic_streams: [], total_count: 0 })
    const viewer = await as('viewer')
    expect((await viewer.call('add_external_stream', {})).error?.code, 'the role comes first').to.equal(-32002)
  })

  it('let a caller limited to some cameras list and remove only those, and add none', async () => {
    world.external.streams.push(
      stream({ camera: 'camera12', url: 'rtsp://10.0.0.12/' }),
      stream({ camera: 'camera2', url: 'rtsp://10.0.0.2/' }),
    )
    const client = await as(limited)
    const { result } = await client.call('get_external_streams')
    expect([result.total_count, result.external_streams[0].device]).to.deep.equal([1, 'camera12'])
    const discovered = (await client.call('discover_external_streams', { generic_enabled: true })).result
    expect([discovered.total_found, discovered.skydio_streams]).to.deep.equal([1, []])
    expect((await client.call('remove_external_stream', { stream_url: 'rtsp://10.0.0.2/' })).error?.code).to.equal(
      -32010,
    )
    expect((await client.call('remove_external_stream', { stream_url: 'rtsp://10.0.0.12/' })).result).to.include({
      status: 'REMOVED',
    })
    const added = await client.call('add_external_stream', { stream_url: 'rtsp://10.0.0.7/', stream_name: 'x' })
    expect(added.error).to.deep.include({ code: -32002 })
  })
})
