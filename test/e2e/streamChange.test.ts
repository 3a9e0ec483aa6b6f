import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { hasProgram, type RealServer, startMediaMtx } from '../adapters/rtsp/mediamtx.js'
import { probe } from './media.js'
import { type Service, startService } from './service.js'

const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

/** H.264 of one size, a keyframe each second. */
const clip = (file: string, size: string, seconds: number) =>
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=15`, '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-bf', '0', '-pix_fmt', 'yuv420p', '-f', 'h264', file],
  ])

suite(`a camera that changes its size${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let dir = ''
  let source: RealServer
  let service: Service
  let feeder: ChildProcess | undefined

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'change-'))
    source = await startMediaMtx('  yard: {}')
    const url = `rtsp://127.0.0.1:${source.rtspPort}/yard`
    clip(join(dir, 'small'), '320x240', 12)
    clip(join(dir, 'large'), '640x480', 40)
    await writeFile(
      join(dir, 'both'),
      Buffer.concat([await readFile(join(dir, 'small')), await readFile(join(dir, 'large'))]),
    )
    const input = ['-v', 'error', '-nostdin', '-re', '-r', '15', '-f', 'h264', '-i', join(dir, 'both')]
    feeder = spawn('ffmpeg', [...input, '-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', url], { stdio: 'ignore' })
    service = await startService({ kind: 'managed', cameras: [{ name: 'yard', source: url }], connected: 1 })
  })
  after(async () => {
    await service?.end()
    const gone = feeder && new Promise((resolve) => feeder?.once('exit', resolve))
    feeder?.kill('SIGKILL')
    await gone
    await source?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('is recorded in a new file, which is told, and its status follows', async () => {
    const device = 'camera0'
    const { filename } = await service.call<{ filename: string }>('start_recording', { device })
    const resumed = await service.told('recording.resumed', { device })
    expect(resumed.params).to.have.property('reason', 'stream_changed')
    const large = String(resumed.params.filename)
    const file = (name: string) => join(service.dataDir, 'recordings', device, name)
    const size = async (name: string) => {
      const { width, height } = await probe(file(name))
      return `${width}x${height}`
    }
    const { media } = await service.call<{ media: { video: { resolution: string } } }>('get_camera_status', { device })
    expect(media.video.resolution).to.equal('640x480')
    expect(await service.call('stop_recording', { device })).to.deep.include({ files: [filename, large] })
    expect([await size(filename), await size(large)]).to.deep.equal(['320x240', '640x480'])
  })
})
