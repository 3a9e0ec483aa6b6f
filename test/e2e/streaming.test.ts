import { expect } from 'chai'
import { play } from './media.js'
import { describeKinds, type Service, startService, virtual } from './service.js'

interface StreamStatus {
  status: string
  ffmpeg_process: { running: boolean; pid: number }
  mediamtx_path: { readers: number }
  metrics: { frames_sent: number }
}

describeKinds('streaming', (kind) => {
  let service: Service

  before(async () => {
    service = await startService({ kind, cameras: [virtual('one'), virtual('two')] })
  })
  after(() => service?.end())

  const status = (device: string) => service.call<StreamStatus>('get_stream_status', { device })
  const running = (camera: string) => async () => (await service.pipelines()).find((pipeline) => pipeline.camera === camera)
  const asleep = (camera: string) => async () => (await running(camera)()) === undefined

  it('plays over RTSP, and nothing runs after the last use', async () => {
    expect(await service.pipelines()).to.deep.equal([])
    expect(await play(service.stream('camera0'), 30)).to.equal(30)
    const started = await service.told('mediamtx.stream_started', { device: 'camera0' })
    await service.until('the pipeline of camera0 ends', asleep('camera0'), 6_000)
    await service.told('mediamtx.stream_stopped', { device: 'camera0' }, { from: started.index })
    expect(await service.pipelines()).to.deep.equal([])
    expect(await status('camera0')).to.deep.include({ status: 'INACTIVE' })
  })

  it('is held by start_streaming until stop_streaming or the end of the connection, recordings apart', async () => {
    const [caller, other] = await Promise.all([service.client('operator'), service.client('operator')])
    const held = await Promise.all([caller.call('start_streaming', { device: 'camera0' }), other.call('start_streaming', { device: 'camera1' })])
    for (const { status } of held) expect(status).to.equal('STARTED')

    // Longer than the two seconds after which an unused one is closed.
    await service.until(
      '3 s of frames that nobody reads',
      async () => (await status('camera0')).metrics.frames_sent >= 45 && (await status('camera1')).metrics.frames_sent >= 45,
    )
    expect((await status('camera0')).ffmpeg_process.running).to.equal(true)

    await caller.call('start_recording', { device: 'camera0' })
    const let_go = await caller.call('stop_streaming', { device: 'camera0' })
    expect(let_go).to.include({ status: 'STOPPED', stream_continues: true })
    other.close()
    await service.until('the pipeline of camera1 ends', asleep('camera1'), 6_000)
    expect(await running('camera0')()).to.include({ camera: 'camera0' })
    const stopped = await caller.call<{ duration_ms: number; files: string[]; reason: string }>('stop_recording', { device: 'camera0' })
    expect(stopped).to.include({ status: 'STOPPED', reason: 'requested' })
    expect(stopped.files).to.have.length(1)
    expect(stopped.duration_ms).to.be.greaterThan(1_500)
    await service.until('the pipeline of camera0 ends', asleep('camera0'), 6_000)
    caller.close()
  })

  it('is told of when it stalls, recycled, and gives frames again', async () => {
    await service.call('start_streaming', { device: 'camera0' })
    const before = (await status('camera0')).ffmpeg_process.pid
    const from = service.notifications.length
    await service.call('simulate', { device: 'camera0', action: 'stall' })
    const stalled = await service.told('mediamtx.error', { device: 'camera0' }, { from })
    expect(stalled.params.reason).to.match(/^no frame for \d+\.\d s$/)
    await service.told('mediamtx.stream_started', { device: 'camera0' }, { from: stalled.index, limit: 15_000 })
    const { status: now, ffmpeg_process } = await status('camera0')
    expect(now).to.equal('ACTIVE')
    expect(ffmpeg_process.pid).not.to.equal(before)
    expect(await play(service.stream('camera0'), 5)).to.equal(5)
    await service.call('stop_streaming', { device: 'camera0' })
  })
})
