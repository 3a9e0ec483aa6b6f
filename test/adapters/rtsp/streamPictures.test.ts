import { execFileSync } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { pictureSize } from '../../../adapters/ffmpeg/jpeg.js'
import { createPictures } from '../../../adapters/ffmpeg/pictures.js'
import { formatFrame } from '../../../adapters/rtsp/message.js'
import { createStreamReader, type StreamReaderOptions } from '../../../adapters/rtsp/reader.js'
import { failure, folder, log, never, systemClock } from '../ffmpeg/support.js'
import { splitAnnexB } from './annexb.js'
import { type FakeServer, startFake } from './fake.js'

const IDR = 5

/** Two pictures of x264 in four slices each; the lower three quarters are red. */
const pictures = ((): Buffer[][] => {
  const input = ['-f', 'lavfi', '-i', 'color=red:size=320x240:rate=5,drawbox=h=60:t=fill:color=white']
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'slices=4:keyint=1:bframes=0']
  const output = ['-pix_fmt', 'yuv420p', '-frames:v', '2', '-f', 'h264', '-']
  const units = splitAnnexB(execFileSync('ffmpeg', ['-v', 'error', ...input, ...codec, ...output]))
  const starts = units.flatMap((unit, n) => (((unit[0] ?? 0) & 0x1f) === 7 ? [n] : []))
  return starts.map((start, n) => units.slice(start, starts[n + 1]))
})()
const slicesOf = (units: Buffer[]) => units.filter((unit) => ((unit[0] ?? 0) & 0x1f) === IDR)

describe('pictures of a stream', () => {
  let server: FakeServer
  let made: Awaited<ReturnType<typeof folder>>
  beforeEach(async () => {
    made = await folder()
    await mkdir(join(made.dir, 'run'))
  })
  afterEach(async () => {
    await server.stop()
    await made.remove()
  })

  /** A camera that sets the RTP marker on each NAL unit, as some Hikvision and Dahua models do. */
  const camera = async (send: (play: (units: Buffer[], timestamp: number) => void) => void) => {
    let sequence = 0
    const play = (socket: Socket) => (units: Buffer[], timestamp: number) => {
      for (const unit of units) {
        const header = Buffer.from([0x80, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        header.writeUInt16BE(sequence++, 2)
        header.writeUInt32BE(timestamp, 4)
        socket.write(formatFrame(0, Buffer.concat([header, unit])))
      }
    }
    server = await startFake(({ method }, socket) => {
      if (method === 'PLAY') setImmediate(() => send(play(socket)))
      if (method === 'SETUP')
        return { status: 200, headers: { session: 's', transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' } }
      const body = 'v=0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\na=rtpmap:96 H264/90000\r\n'
      return method === 'DESCRIBE' ? { status: 200, body } : { status: 200 }
    })
  }
  const take = (options: Partial<StreamReaderOptions> = {}) =>
    createPictures({
      snapshotsDir: (name) => join(made.dir, name),
      runDir: join(made.dir, 'run'),
      reader: createStreamReader({ host: '127.0.0.1', port: server.port, log, ...options }),
      pipelines: { still: async () => undefined },
      clock: systemClock,
      log,
    }).grabFromStream('camera0', 0, never)

  it('are whole, if each of their slices has the marker', async () => {
    await camera((play) => pictures.forEach((units, n) => void play(units, 3_000 * n)))
    const { file } = await take({ pause: 60_000 })
    expect(pictureSize(await readFile(file))).to.deep.equal({ width: 320, height: 240 })
    const [, red = 0] = averages(file)
    expect(red, 'the lower half').to.be.greaterThan(200)
  })

  it('are whole in a pause of the stream, when no other picture follows', async () => {
    await camera((play) => play(pictures[0] ?? [], 0))
    const [, red = 0] = averages((await take({ pause: 20 })).file)
    expect(red, 'the lower half').to.be.greaterThan(200)
  })

  it('are no success if a part is missing in all of them', async () => {
    await camera((play) => {
      for (let n = 0; n < 9; n++) {
        const units = pictures[0] ?? []
        const slices = slicesOf(units)
        play(
          units.filter((unit) => !slices.slice(1).includes(unit)),
          3_000 * n,
        )
      }
    })
    expect(await failure(take())).to.equal('picture_incomplete: a part of the picture is missing')
  })

  it('are refused with the time without a keyframe', async () => {
    await camera(() => {})
    expect(await failure(take({ keyframeTimeout: 20 }))).to.equal('no_keyframe: no keyframe for 0 s')
  })
})

/** Returns the average red of the upper and the lower half of a picture. */
function averages(file: string): number[] {
  const scale = ['-vf', 'scale=1:2:flags=area', '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-']
  const pixels = execFileSync('ffmpeg', ['-v', 'error', '-i', file, ...scale])
  return [pixels[0] ?? 0, (pixels[3] ?? 0) - (pixels[4] ?? 0)]
}
