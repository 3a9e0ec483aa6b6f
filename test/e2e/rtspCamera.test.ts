import { join } from 'node:path'
import { expect } from 'chai'
import { freePort } from '../support/ports.js'
import { probe } from './media.js'
import { describeKinds, refusal, type Service, startService } from './service.js'
import { startSource } from './source.js'

interface Camera {
  device: string
  name: string
  status: string
  state: string
  kind: string
  resolution?: string
  reason?: string
}

describeKinds('an RTSP camera', (kind) => {
  let source: Awaited<ReturnType<typeof startSource>>
  let service: Service
  let darkPort: number

  before(async () => {
    darkPort = await freePort()
    source = await startSource(kind, 'yard')
    const yard = { name: 'yard', source: source.url.replace('rtsp://', 'rtsp://viewer:unspeakable@') }
    const dark = { name: 'dark', source: `rtsp://127.0.0.1:${darkPort}/dark` }
    service = await startService({
      kind,
      cameras: [yard, dark],
      connected: 1,
      env: { CAMERA_SERVICE_CAMERA_POLL_INTERVAL: '1s' },
    })
  })
  after(async () => {
    await service?.end()
    await source?.end()
  })

  const start = (device: string) => service.call<{ filename: string }>('start_recording', { device })
  const file = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''), name)

  it('is listed, photographed by waking it, and recorded; one that does not answer has a reason', async () => {
    const { cameras } = await service.call<{ cameras: Camera[] }>('get_camera_list')
    expect(cameras[0]).to.include({
      device: 'camera0',
      name: 'yard',
      status: 'CONNECTED',
      kind: 'rtsp',
      resolution: '320x240',
    })
    const refused =
      `the connection was refused, because no program listens on port ${darkPort} of the camera: ` +
      'check the port and the address of its URL'
    expect(cameras[1]).to.include({
      device: 'camera1',
      name: 'dark',
      status: 'DISCONNECTED',
      state: 'faulty',
      reason: 'unreachable',
      details: refused,
    })
    expect((await refusal(start('camera1'))).data).to.include({
      state: 'faulty',
      details: `camera1 is faulty: ${refused}`,
    })

    const device = 'camera0'
    const asleep = await service.call('take_snapshot', { device })
    expect(asleep).to.deep.include({
      tier: 3,
      width: 320,
      passed_over: [
        { tier: 0, reason: 'not_a_usb_camera', details: 'this is not a USB camera' },
        { tier: 1, reason: 'not_a_local_device', details: 'this is not a local device' },
        { tier: 2, reason: 'stream_asleep', details: 'the stream is not running' },
      ],
    })
    const { filename } = await start(device)
    // More than one file if the stream of the snapshot is just being closed when the recording starts.
    const probed = (names: string[]) => Promise.all(names.map((name) => probe(file(name))))
    const lengthOf = (all: { duration: number }[]) => all.reduce((sum, { duration }) => sum + duration, 0)
    await service.until('2 s of the recording', async () => {
      const { recording } = await service.call<{ recording: { files: string[] } }>('get_camera_status', { device })
      return lengthOf(await probed(recording.files)) > 2
    })
    const { status, duration_ms, files } = await service.call<{ status: string; duration_ms: number; files: string[] }>(
      'stop_recording',
      { device },
    )
    expect(status).to.equal('STOPPED')
    expect(files[0]).to.equal(filename)
    const all = await probed(files)
    for (const each of all) expect(each).to.include({ codec: 'h264', width: 320, height: 240 })
    expect(duration_ms / 1000).to.be.closeTo(lengthOf(all), 0.1 * files.length)
    expect(service.log.join('\n'), 'the log').not.to.contain('unspeakable')
  })

  it('that stops to send is DISCONNECTED with a reason, comes back by itself, and its recording continues', async () => {
    const device = 'camera0'
    const { filename } = await start(device)
    const from = service.notifications.length
    await source.stop()
    const interrupted = await service.told('recording.error', { device, status: 'INTERRUPTED' }, { from })
    const gone = await service.told('camera.disconnected', { device }, { from: interrupted.index })
    expect(gone.params).to.include({
      reason: 'stream_not_found',
      details: 'there is no stream at this path (404): check the path of its URL',
    })
    await service.told('camera.status_change', { device, status: 'DISCONNECTED' }, { from })
    await service.told('recording.interrupted', { device, reason: 'stream_not_found' }, { from })
    expect((await probe(file(filename))).codec).to.equal('h264')

    await source.start()
    const resumed = await service.told('recording.resumed', { device }, { from: gone.index })
    expect(await service.call('stop_recording', { device })).to.deep.include({
      status: 'STOPPED',
      files: [filename, resumed.params.filename],
    })
  })
})
