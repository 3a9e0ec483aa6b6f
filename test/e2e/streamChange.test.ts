import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { hasProgram, type RealServer, startMediaMtx } from '../adapters/rtsp/mediamtx.js'
import { probe } from './media.js'
import { type Service, startService } from './service.js'

const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

/** A second of H.264, which begins with a keyframe. */
const clip = (size: string): Buffer =>
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=15`, '-t', '1'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-bf', '0', '-pix_fmt', 'yuv420p', '-f', 'h264', '-'],
  ])

suite(`a camera that changes its size${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let size: 'small' | 'large' = 'small'
  let source: RealServer
  let service: Service
  let feeder: ChildProcess | undefined

  before(async () => {
    source = await startMediaMtx('  yard: {}')
    const url = `rtsp://127.0.0.1:${source.rtspPort}/yard`
    const clips = { small: clip('320x240'), large: clip('640x480') }
    const input = ['-v', 'error', '-nostdin', '-re', '-r', '15', '-f', 'h264', '-i', 'pipe:0']
    const output = ['-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', url]
    feeder = spawn('ffmpeg', [...input, ...output], { stdio: ['pipe', 'ignore', 'ignore'] })
    const { stdin } = feeder
    // ffmpeg reads as fast as it shows.
    const feed = (): void => void stdin?.write(clips[size], (error) => error ?? feed())
    stdin?.on('error', () => {})
    feed()
    service = await startService({ kind: 'managed', cameras: [{ name: 'yard', source: url }], connected: 1 })
  })
  after(async () => {
    await service?.end()
    const gone = feeder && new Promise((resolve) => feeder?.once('exit', resolve))
    feeder?.kill('SIGKILL')
    await gone
    await source?.stop()
  })

  it('goes on in a new file, says so, and shows the new size', async () => {
    const device = 'camera0'
    const { filename } = await service.call<{ filename: string }>('start_recording', { device })
    size = 'large'
    const resumed = await service.told('recording.resumed', { device })
    expect(resumed.params).to.have.nested.property('gap.reason', 'stream_changed')
    const large = String(resumed.params.filename)
    const file = (name: string) => join(service.dataDir, 'recordings', device, name)
    const sizeOf = async (name: string) => {
      const { width, height } = await probe(file(name))
      return `${width}x${height}`
    }
    const { media } = await service.call<{ media: { video: { resolution: string } } }>('get_camera_status', { device })
    expect(media.video.resolution).to.equal('640x480')
    expect(await service.call('stop_recording', { device })).to.deep.include({ files: [filename, large] })
    expect([await sizeOf(filename), await sizeOf(large)]).to.deep.equal(['320x240', '640x480'])
  })
})
