import { expect } from 'chai'
import { play } from './media.js'
import { describeKinds, refusal, type Service, sideBySide, startService, virtual } from './service.js'

interface StreamStatus {
  status: string
  ffmpeg_process: { running: boolean; pid: number }
  mediamtx_path: { readers: number }
  metrics: { frames_sent: number }
}

interface Snapshot {
  tier: number
  passed_over: { tier: number; reason: string }[]
}

describeKinds('streaming', (kind) => {
  let service: Service

  before(async () => {
    service = await startService({ kind, cameras: ['played', 'held', 'left', 'stalled', 'busy'].map(virtual) })
    expect(await service.pipelines(), 'pipelines before anybody asked').to.deep.equal([])
  })
  after(() => service?.end())

  const status = (device: string) => service.call<StreamStatus>('get_stream_status', { device })
  const running = async (camera: string) => (await service.pipelines()).some((pipeline) => pipeline.camera === camera)
  const asleep = (camera: string) =>
    service.until(`the pipeline of ${camera} ends`, async () => !(await running(camera)))

  sideBySide({
    'plays over RTSP, and nothing runs after the last use': async () => {
      const device = 'camera0'
      expect(await play(service.stream(device), 30)).to.equal(30)
      const started = await service.told('mediamtx.stream_started', { device })
      await asleep(device)
      await service.told('mediamtx.stream_stopped', { device }, { from: started.index })
      expect(await status(device)).to.include({ status: 'INACTIVE' })
    },

    'is held by start_streaming until stop_streaming, recordings apart': async () => {
      const device = 'camera1'
      const caller = await service.client('operator')
      const started = await caller.call<{ status: string; stream_url: string }>('start_streaming', { device })
      expect(started.status).to.equal('STARTED')
      expect(started.stream_url.split('?')[0]).to.equal(service.stream(device).split('?')[0])
      // Longer than the second after which an unused one is closed.
      await service.until(
        '2 s of frames that nobody reads',
        async () => (await status(device)).metrics.frames_sent >= 30,
      )
      expect((await status(device)).ffmpeg_process.running).to.equal(true)

      await caller.call('start_recording', { device })
      expect(await caller.call('stop_streaming', { device })).to.include({ status: 'STOPPED', stream_continues: true })
      expect((await refusal(caller.call('stop_streaming', { device }))).code).to.equal(-32010)
      const frames = (await status(device)).metrics.frames_sent
      await service.until(
        '2 s of frames for the recording',
        async () => (await status(device)).metrics.frames_sent >= frames + 30,
      )
      const stopped = await caller.call<{ duration_ms: number; files: string[] }>('stop_recording', { device })
      expect(stopped).to.include({ status: 'STOPPED', reason: 'requested' })
      expect(stopped.files).to.have.length(1)
      expect(stopped.duration_ms).to.be.greaterThan(1_500)
      await asleep(device)
    },

    'is let go when the connection that holds it closes': async () => {
      const device = 'camera2'
      const caller = await service.client('operator')
      await caller.call('start_streaming', { device })
      expect(await running(device)).to.equal(true)
      caller.close()
      await asleep(device)
    },

    'is reported and restarted when it stalls, and then gives frames again': async () => {
      const device = 'camera3'
      await service.call('start_streaming', { device })
      await service.until('the first frames', async () => (await status(device)).metrics.frames_sent > 0)
      const before = (await status(device)).ffmpeg_process.pid
      await service.call('simulate', { device, action: 'stall' })
      const stalled = await service.told('mediamtx.error', { device })
      expect(stalled.params).to.include({ reason: 'no_frames', details: 'the camera delivers no frames' })
      await service.told('mediamtx.stream_started', { device }, { from: stalled.index })
      const { ffmpeg_process } = await service.until('the stream is active again', async () => {
        const now = await status(device)
        return now.status === 'ACTIVE' && now
      })
      expect(ffmpeg_process.pid).not.to.equal(before)
      expect(await play(service.stream(device), 5)).to.equal(5)
      await service.call('stop_streaming', { device })
    },

    'is photographed by a later way, with the reason, while something else has the device': async () => {
      const device = 'camera4'
      await service.call('simulate', { device, action: 'busy' })
      const { tier, passed_over } = await service.call<Snapshot>('take_snapshot', { device })
      expect(tier).to.be.greaterThan(1)
      expect(passed_over).to.deep.include.members([
        { tier: 0, reason: 'not_a_usb_camera', details: 'this is not a USB camera' },
        { tier: 1, reason: 'device_busy', details: 'the device is busy: another program uses it' },
      ])
    },
  })
})
