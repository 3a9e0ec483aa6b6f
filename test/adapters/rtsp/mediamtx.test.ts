import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import type { StreamReader } from '../../../machines/domain/ports.js'
import type { Reason } from '../../../machines/domain/reason.js'
import { failure } from '../ffmpeg/support.js'
import { hasProgram, onDemand, type RealServer, startMediaMtx } from './mediamtx.js'

const never = new AbortController().signal
const present = hasProgram('mediamtx')
const suite = present ? describe : describe.skip

suite(`stream reader against a real MediaMTX${present ? '' : ' (skipped: no mediamtx on PATH)'}`, () => {
  let server: RealServer
  let reader: StreamReader

  before(async () => {
    const x264 = '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 15'
    const paths = [
      onDemand('cam0', x264),
      onDemand('cam1', x264),
      onDemand('jpeg', '-c:v mjpeg -pix_fmt yuvj420p -s 320x240'),
      '  idle: {}',
    ]
    server = await startMediaMtx(
      [...paths, '  dead:\n    runOnDemand: sleep 2\n    runOnDemandStartTimeout: 1100ms'].join('\n'),
    )
    const quiet = (): void => {}
    reader = createStreamReader({
      host: '127.0.0.1',
      port: server.rtspPort,
      log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
    })
  })
  after(() => server.stop())

  it('hold starts a sleeping stream, reads no media, and lets the stream sleep again', async () => {
    const release = await reader.hold('cam0', () => expect.fail('lost'), never)
    expect(await server.path('cam0'))
      .to.deep.include({ available: true, outboundBytes: 0 })
      .and.have.property('readers')
      .with.length(1)
    release()
    while ((await server.path('cam0')).readers.length > 0);
    expect(await server.path('cam0')).to.include({ outboundBytes: 0 })
  })

  it('keyframe wakes a sleeping stream and returns a frame that decodes to a picture', async () => {
    const picture = await reader.keyframe('cam1', never)
    // At once: a stream that fell asleep begins anew, with the same picture.
    const [first, second] = await Promise.all([reader.keyframe('cam1', never), reader.keyframe('cam1', never)])
    expect(Buffer.from(first).equals(second), 'two at once get the same one').to.equal(true)
    expect(Buffer.from(first).equals(picture), 'and a newer one than before').to.equal(false)
    const arguments_ = ['-loglevel', 'error', '-f', 'h264', '-i', 'pipe:0', '-f', 'image2', '-c:v', 'mjpeg', 'pipe:1']
    const jpeg = execFileSync('ffmpeg', arguments_, { input: picture })
    expect(jpeg.subarray(0, 3).toString('hex')).to.equal('ffd8ff')
    expect(sizeOfJpeg(jpeg)).to.deep.equal({ width: 322, height: 242 })
  })

  it('describe returns codec and size, and rejects for a path without a source', async () => {
    const at = `rtsp://127.0.0.1:${server.rtspPort}`
    expect(await reader.describe(`${at}/cam1`, never)).to.deep.equal({
      codec: 'H264',
      width: 322,
      height: 242,
      fps: 15,
      reorders: false,
    })
    expect(await reader.describe(`${at}/jpeg`, never)).to.deep.equal({ codec: 'JPEG' })
    expect(await failure(reader.describe(`${at}/idle`, never))).to.equal(
      'stream_not_found: there is no stream at this path (404): check the path of its URL',
    )
  })

  it('rejects with a reason', async () => {
    const hold = (name: string) => failure(reader.hold(name, () => expect.fail('lost'), never))
    expect(await hold('unknown')).to.equal('stream_not_found: there is no such stream, or its start has just failed')
    expect(await hold('idle')).to.equal('stream_not_found: the stream has no source')
    expect(await hold('dead')).to.equal('not_started_in_time: the stream did not start in time')
    expect(await failure(reader.keyframe('jpeg', never))).to.equal(
      'codec_unsupported: the stream is JPEG, not H264 or H265',
    )
  })

  it('hold rejects when it is aborted during the start', async () => {
    const controller = new AbortController()
    const waiting = failure(reader.hold('dead', () => expect.fail('lost'), controller.signal))
    controller.abort(new Error('no longer wanted'))
    expect(await waiting).to.equal('no longer wanted')
  })

  it('hold reports that the server was killed', async () => {
    let tell: (reason: Reason) => void = () => {}
    const lost = new Promise<Reason>((resolve) => {
      tell = resolve
    })
    await reader.hold('cam1', tell, never)
    server.kill()
    expect((await lost).code).to.equal('server_closed')
  })
})

/** Reads the size from the start-of-frame segment. */
function sizeOfJpeg(jpeg: Buffer): { width: number; height: number } | undefined {
  for (let at = 2; at + 9 < jpeg.length && jpeg[at] === 0xff; at += 2 + jpeg.readUInt16BE(at + 2))
    if (jpeg[at + 1] === 0xc0) return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) }
  return undefined
}
