import { join } from 'node:path'
import { expect } from 'chai'
import { play, probe } from './media.js'
import { describeKinds, refusal, type Service, startService } from './service.js'
import { startSource } from './source.js'

interface Stream {
  url: string
  name: string
  status: string
  device?: string
}
interface Camera {
  device: string
  name: string
  status: string
  kind: string
  reason?: string
}

describeKinds('external streams', (kind) => {
  let sources: Awaited<ReturnType<typeof startSource>>[] = []
  let service: Service
  let env: Record<string, string>

  before(async () => {
    sources = await Promise.all([startSource(kind, 'live'), startSource(kind, 'video')])
    env = {
      CAMERA_SERVICE_CAMERA_POLL_INTERVAL: '1s',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_ENABLED: 'true',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_SCAN_INTERVAL: '0',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_ENABLED: 'true',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_KNOWN_IPS: '127.0.0.1',
      CAMERA_SERVICE_EXTERNAL_DISCOVERY_GENERIC_UAV_COMMON_PORTS: sources.map(({ url }) => new URL(url).port).join(),
    }
    service = await startService({ kind, cameras: [], env })
  })
  after(async () => {
    await service?.end()
    for (const source of sources) await source.end()
  })

  const cameras = async (): Promise<Camera[]> => (await service.call<{ cameras: Camera[] }>('get_camera_list')).cameras
  const connected = (device: string) =>
    service.until(`${device} is connected`, async () =>
      (await cameras()).some((camera) => camera.device === device && camera.status === 'CONNECTED'),
    )
  const file = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''), name)

  it('are found on configured addresses, and become cameras like any other', async () => {
    const { discovered_streams, errors } = await service.call<{ discovered_streams: Stream[]; errors: string[] }>(
      'discover_external_streams',
      {
        skydio_enabled: false,
        generic_enabled: true,
      },
    )
    expect(errors).to.deep.equal([])
    expect(discovered_streams.map(({ url }) => url).sort()).to.deep.equal(sources.map(({ url }) => url).sort())

    const [first = '', second = ''] = sources.map(({ url }) => url)
    const withPassword = first.replace('rtsp://', 'rtsp://viewer:unspeakable@')
    const added = await service.call<{ device: string; stream_url: string }>('add_external_stream', {
      stream_url: withPassword,
      stream_name: 'Drone',
    })
    expect(added).to.include({ device: 'camera0', stream_url: first })
    expect(await service.call('add_external_stream', { stream_url: second, stream_name: 'Other' })).to.include({
      device: 'camera1',
    })
    await connected('camera0')
    expect((await cameras())[0]).to.include({ device: 'camera0', name: 'Drone', kind: 'rtsp', status: 'CONNECTED' })

    const device = 'camera0'
    expect(await service.call('take_snapshot', { device })).to.include({ tier: 3, width: 320 })
    // The URL that clients get is signed: it opens the stream.
    const { stream_url } = await service.call<{ stream_url: string }>('get_stream_url', { device })
    expect(await play(stream_url, 5)).to.be.at.least(5)
    const { filename } = await service.call<{ filename: string }>('start_recording', { device })
    await service.until('2 s of the recording', async () => (await probe(file(filename))).duration > 2)
    expect(await service.call('stop_recording', { device })).to.include({ status: 'STOPPED' })
    expect(await probe(file(filename))).to.include({ codec: 'h264', width: 320, height: 240 })
    expect(service.log.join('\n'), 'the log').not.to.contain('unspeakable')
  })

  it('must not lead back to the service', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433']) {
      const { code, data } = await refusal(
        service.call('add_external_stream', {
          stream_url: `rtsp://${host}:${service.ports.rtsp}/camera0`,
          stream_name: 'loop',
        }),
      )
      expect([code, data.rule], host).to.deep.equal([-32602, 'must not lead back to this service'])
    }
  })

  it('become DISCONNECTED with a reason when the source stops, and come back under the same id', async () => {
    const from = service.notifications.length
    await sources[0]?.stop()
    const gone = await service.told('camera.disconnected', { device: 'camera0' }, { from })
    expect(gone.params).to.include({
      reason: 'stream_not_found',
      details: 'there is no stream at this path (404): check the path of its URL',
    })
    expect((await cameras())[0]).to.include({ device: 'camera0', status: 'DISCONNECTED' })
    await sources[0]?.start()
    await service.told('camera.connected', { device: 'camera0' }, { from: gone.index })
  })

  it('are removed at once, after their recording is closed', async () => {
    const { filename } = await service.call<{ filename: string }>('start_recording', { device: 'camera1' })
    const stream_url = sources[1]?.url
    expect(await service.call('remove_external_stream', { stream_url })).to.include({ status: 'REMOVED' })
    expect((await cameras()).map(({ device }) => device)).to.deep.equal(['camera0'])
    expect((await probe(file(filename))).codec).to.equal('h264')
    expect((await refusal(service.call('remove_external_stream', { stream_url }))).code).to.equal(-32010)
  })

  it('are kept over a restart, and a removed one gets its id back when it is added again', async () => {
    const { dataDir } = service
    await service.stop()
    service = await startService({ kind, cameras: [], connected: 1, env, dataDir })
    expect((await cameras()).map(({ device, name }) => [device, name])).to.deep.equal([['camera0', 'Drone']])
    const stream_url = sources[1]?.url
    expect(await service.call('add_external_stream', { stream_url, stream_name: 'Other' })).to.include({
      device: 'camera1',
    })
    await connected('camera1')
  })
})
