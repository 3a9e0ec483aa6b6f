import { type ChildProcess, spawn } from 'node:child_process'
import { expect } from 'chai'
import { hasProgram, type RealServer, startMediaMtx } from '../adapters/rtsp/mediamtx.js'
import { until } from '../support/until.js'
import { type Service, startService } from './service.js'

const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

suite(`a camera with a keyframe every eight seconds${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let source: RealServer
  let service: Service
  let feeder: ChildProcess | undefined

  before(async () => {
    source = await startMediaMtx('  yard: {}')
    const url = `rtsp://127.0.0.1:${source.rtspPort}/yard`
    const pattern = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10']
    const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '80', '-sc_threshold', '0']
    const output = ['-pix_fmt', 'yuv420p', '-f', 'rtsp', '-rtsp_transport', 'tcp', url]
    feeder = spawn('ffmpeg', [...pattern, ...codec, ...output], { stdio: 'ignore' })
    service = await startService({ kind: 'managed', cameras: [{ name: 'yard', source: url }], connected: 1 })
  })
  after(async () => {
    await service?.end()
    const gone = feeder && new Promise((resolve) => feeder?.once('exit', resolve))
    feeder?.kill('SIGKILL')
    await gone
    await source?.stop()
  })

  it('gives a snapshot from its last keyframe while its stream is held', async () => {
    const device = 'camera0'
    await service.call('start_streaming', { device })
    // Without the kept keyframe each picture is the next keyframe, later than the request.
    const old = await until('a picture from before the request', async () => {
      const askedAt = Date.now()
      const picture = await service.call<Taken>('take_snapshot', { device, max_age: 3_600 }).catch(() => undefined)
      return picture && Date.parse(picture.captured_at) < askedAt && picture
    })
    expect(old).to.include({ status: 'SUCCESS', tier: 2 })
    await service.call('stop_streaming', { device })
  })

  it('gives one while only another program reads its stream, and sleeps when that has left', async () => {
    const device = 'camera0'
    const isAsleep = async () => !(await service.call<Status>('get_stream_status', { device })).mediamtx_path.ready
    await until('the stream to sleep', isAsleep)
    const { stream_url: url } = await service.call<{ stream_url: string }>('get_stream_url', { device })
    const args = ['-v', 'error', '-nostdin', '-rtsp_transport', 'tcp', '-i', url, '-f', 'null', '-']
    const viewer = spawn('ffmpeg', args, { stdio: 'ignore' })
    try {
      await until('a picture from before the request', async () => {
        const askedAt = Date.now()
        const picture = await service.call<Taken>('take_snapshot', { device, max_age: 3_600 }).catch(() => undefined)
        return picture?.status === 'SUCCESS' && Date.parse(picture.captured_at) < askedAt
      })
    } finally {
      const gone = new Promise((resolve) => viewer.once('exit', resolve))
      viewer.kill('SIGKILL')
      await gone
    }
    await until('the stream to sleep again', isAsleep)
  })
})

interface Status {
  mediamtx_path: { ready: boolean }
}

interface Taken {
  status: string
  captured_at: string
  tier: number
}
