import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { pictureSize } from '../../../adapters/ffmpeg/jpeg.js'
import { createPictures } from '../../../adapters/ffmpeg/pictures.js'
import { type Run, run } from '../../../adapters/ffmpeg/run.js'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import { failure, folder, log, never, systemClock } from '../ffmpeg/support.js'
import { hasProgram, onDemand, type RealServer, startMediaMtx } from './mediamtx.js'

const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

/** Codec → the arguments of its encoder. */
const encoders: Record<string, string> = {
  H264: '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 15',
  'H264 with intra refresh':
    '-c:v libx264 -preset ultrafast -x264-params intra-refresh=1:keyint=15:bframes=0 -pix_fmt yuv420p',
  'H264 in slices': '-c:v libx264 -preset ultrafast -x264-params slices=4:keyint=15:bframes=0 -pix_fmt yuv420p',
  H265: '-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=15 -pix_fmt yuv420p',
  MJPEG: '-c:v mjpeg -huffman default -pix_fmt yuvj420p -s 320x240',
  'MPEG-4': '-c:v mpeg4 -g 15',
  VP8: '-c:v libvpx -deadline realtime -cpu-used 8 -g 15',
}
const nameOf = (codec: string) => codec.toLowerCase().replace(/[^a-z0-9]/g, '')

suite(`pictures of each codec, with a real MediaMTX${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let server: RealServer
  let made: Awaited<ReturnType<typeof folder>>
  const commands: string[] = []
  const spying: Run = (command, args, options) => {
    commands.push([command, ...args].join(' '))
    return run(command, args, options)
  }
  const grab = (name: string) => {
    const reader = createStreamReader({
      host: '127.0.0.1',
      port: server.rtspPort,
      credentials: { user: 'service', password: 'unspeakable-_1' },
      log,
    })
    const pictures = createPictures({
      snapshotsDir: () => made.dir,
      runDir: join(made.dir),
      reader,
      pipelines: { still: async () => undefined },
      clock: systemClock,
      log,
      run: spying,
    })
    return pictures.grabFromStream(name as 'camera0', 0, never)
  }

  before(async () => {
    made = await folder()
    server = await startMediaMtx(
      Object.entries(encoders)
        .map(([codec, args]) => onDemand(nameOf(codec), args))
        .concat('  idle: {}')
        .join('\n'),
      'authInternalUsers: [{user: any, ips: [], permissions: [{action: publish}, {action: api}]}, ' +
        '{user: service, pass: unspeakable-_1, permissions: [{action: read}]}]',
    )
  })
  after(async () => {
    await server.stop()
    await made.remove()
  })

  for (const codec of Object.keys(encoders))
    it(codec, async () => {
      const { file } = await grab(nameOf(codec))
      const [width, height] = codec === 'MJPEG' ? [320, 240] : [322, 242]
      expect(pictureSize(await readFile(file))).to.deep.equal({ width, height })
      expect(commands.join('\n'), 'the commands, which other users can read').not.to.contain('unspeakable')
    })

  it('of a path without a source fail', async () => {
    expect(await failure(grab('idle'))).to.equal('stream_not_found: the stream has no source')
  })
})
