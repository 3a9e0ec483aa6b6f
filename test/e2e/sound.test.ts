import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { hasProgram, type RealServer, startMediaMtx } from '../adapters/rtsp/mediamtx.js'
import { type Service, startService } from './service.js'

const run = promisify(execFile)
const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

/** A camera with a microphone. Its media server starts it when somebody watches. */
const camera = (name: string, audio: string) => {
  const input = '-loglevel error -re -f lavfi -i testsrc2=size=320x240:rate=15 -f lavfi -i sine=frequency=440'
  // Frames in another order than they are shown.
  const video = '-c:v libx264 -preset veryfast -bf 2 -g 15 -pix_fmt yuv420p'
  const output = '-f rtsp -rtsp_transport tcp rtsp://127.0.0.1:$RTSP_PORT/$MTX_PATH'
  return `  ${name}:\n    runOnDemand: ffmpeg ${input} ${video} ${audio} ${output}\n    runOnDemandRestart: true`
}

interface Stream {
  codec_type: string
  codec_name: string
  has_b_frames: number
  sample_rate: string
  channels: number
  nb_read_packets: string
}

interface Packet {
  codec_type: string
  pts_time: string
}

suite(`a camera with sound and B-frames${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let source: RealServer
  let service: Service
  before(async () => {
    const paths = [
      camera('aac', '-c:a aac -ar 48000 -ac 2'),
      camera('alaw', '-c:a pcm_alaw -ar 8000 -ac 1'),
      camera('mulaw', '-c:a pcm_mulaw -ar 8000 -ac 1'),
    ]
    source = await startMediaMtx(paths.join('\n'))
    const cameras = ['aac', 'alaw', 'mulaw'].map((name) => ({
      name,
      source: `rtsp://127.0.0.1:${source.rtspPort}/${name}`,
    }))
    service = await startService({ kind: 'managed', cameras, connected: 3 })
  })
  after(async () => {
    await service?.end()
    await source?.stop()
  })

  /** Records two seconds and returns the streams of the file. */
  const recorded = async (device: string, format: string) => {
    const from = service.notifications.length
    await service.call('start_recording', { device, format, duration: 2 })
    const { params } = await service.told('recording.stop', { device }, { from })
    const [name = ''] = params.files as string[]
    const file = join(service.dataDir, 'recordings', device, name)
    const args = ['-v', 'error', '-count_packets', '-show_streams', '-show_packets', '-of', 'json', file]
    const { stdout, stderr } = await run('ffprobe', args)
    expect(stderr).to.equal('')
    const { streams, packets } = JSON.parse(stdout) as { streams: Stream[]; packets: Packet[] }
    const times = packets.filter(({ codec_type }) => codec_type === 'video').map(({ pts_time }) => Number(pts_time))
    // The frames before the last ones may come after them, and after the end.
    const shown = times.sort((one, other) => one - other).slice(0, -3)
    const pauses = shown.slice(1).map((time, index) => time - (shown[index] ?? 0))
    const of = (type: string) => streams.find(({ codec_type }) => codec_type === type)
    return { name, video: of('video'), audio: of('audio'), frames: shown.length, longest: Math.max(...pauses) }
  }

  /** G.711 has no place in MP4: MediaMTX writes the same samples without compression. */
  const sounds = [
    { device: 'camera0', codecs: ['aac'], sound: { sample_rate: '48000', channels: 2 } },
    { device: 'camera1', codecs: ['pcm_s16be', 'pcm_s16le'], sound: { sample_rate: '8000', channels: 1 } },
    { device: 'camera2', codecs: ['pcm_s16be', 'pcm_s16le'], sound: { sample_rate: '8000', channels: 1 } },
  ]
  for (const format of ['fmp4', 'mp4', 'mkv'])
    it(`is recorded as ${format} with all frames, and its AAC, A-law or mu-law`, async () => {
      const all = await Promise.all(sounds.map(async (one) => ({ ...one, ...(await recorded(one.device, format)) })))
      for (const { device, codecs, sound, name, video, audio, frames, longest } of all) {
        expect(name.endsWith(format === 'mkv' ? '.mkv' : '.mp4'), name).to.equal(true)
        expect(video).to.include({ codec_name: 'h264' })
        expect(video?.has_b_frames).to.be.greaterThan(0)
        expect(frames).to.be.greaterThan(10)
        expect(longest, 'the longest time without a frame').to.be.lessThan(0.1)
        expect(audio?.codec_name, device).to.be.oneOf(codecs)
        expect(audio).to.include(sound)
        expect(Number(audio?.nb_read_packets)).to.be.greaterThan(10)
      }
    })
})
