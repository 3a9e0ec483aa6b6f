import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { h264Timing, h265Timing, parameterSetId, parseH264Sps, parseH265Sps } from '../../../adapters/rtsp/sps.js'
import { splitAnnexB } from './annexb.js'

const run = promisify(execFile)

/** Returns the NAL units of a frame that ffmpeg encoded. */
const encode = async (size: string, codec: string): Promise<Buffer[]> => {
  const input = [
    '-loglevel',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc=size=${size}`,
    '-frames:v',
    '1',
    '-preset',
    'veryfast',
  ]
  const { stdout } = await run('ffmpeg', [...input, ...codec.split(' '), 'pipe:1'], {
    encoding: 'buffer',
    maxBuffer: 1 << 24,
  })
  return splitAnnexB(stdout)
}

describe('SPS', () => {
  const streams: [string, string, string, profile: number, level: string][] = [
    ['a baseline stream', '640x480', '-pix_fmt yuv420p -profile:v baseline -level 3.0', 66, '3.0'],
    ['a cropped stream of the high profile', '318x178', '-pix_fmt yuv420p -profile:v high -level 4.0', 100, '4.0'],
    ['a 4:2:2 stream', '322x241', '-pix_fmt yuv422p -level 1.3', 122, '1.3'],
    ['a 4:4:4 stream', '321x241', '-pix_fmt yuv444p -level 1.3', 244, '1.3'],
    ['a grey stream', '322x242', '-pix_fmt gray -level 1.3', 100, '1.3'],
    ['an interlaced stream', '320x180', '-pix_fmt yuv420p -profile:v main -flags +ildct+ilme -level 1.3', 77, '1.3'],
    [
      'a stream with scaling lists',
      '180x100',
      '-pix_fmt yuv420p -profile:v high -level 1.1 -x264-params cqm=jvt',
      100,
      '1.1',
    ],
  ]
  for (const [name, size, codec, profile, level] of streams)
    it(`of ${name}`, async () => {
      const sps = (await encode(size, `-c:v libx264 ${codec} -f h264`)).find(([first = 0]) => (first & 0x1f) === 7)
      const [width, height] = size.split('x').map(Number)
      expect(sps && parseH264Sps(sps)).to.deep.equal({ width, height, profile, level })
      expect(sps && parameterSetId(sps)).to.equal(0)
    })

  it('tells the rate and B-frames of H.264', async () => {
    const timing = async (codec: string) => {
      const units = await encode('320x180', `-c:v libx264 -r 25 -pix_fmt yuv420p ${codec} -f h264`)
      return h264Timing(units.find(([first = 0]) => (first & 0x1f) === 7) ?? Buffer.alloc(0))
    }
    expect(await timing('-bf 0')).to.deep.equal({ fps: 25, reorders: false })
    expect(await timing('-bf 2')).to.deep.equal({ fps: 25, reorders: true })
    expect(await timing('-profile:v baseline')).to.deep.equal({ fps: 25, reorders: false })
    expect(await timing('-bf 0 -x264-params nal-hrd=cbr:vbv-maxrate=500:vbv-bufsize=500:bitrate=500')).to.include({
      reorders: false,
    })
    expect(h264Timing(Buffer.from([0x67, 1]))).to.deep.equal({})
  })

  it('tells B-frames of H.265', async () => {
    const timing = async (params: string) => {
      const units = await encode('320x180', `-c:v libx265 -x265-params log-level=none:${params} -f hevc`)
      return h265Timing(units.find(([first = 0]) => ((first >> 1) & 0x3f) === 33) ?? Buffer.alloc(0))
    }
    expect(await timing('bframes=0')).to.deep.equal({ reorders: false })
    expect(await timing('bframes=3')).to.deep.equal({ reorders: true })
  })

  it('of H.265', async () => {
    const units = await encode('322x242', '-c:v libx265 -x265-params log-level=none:level-idc=3.1 -f hevc')
    const sps = units.find(([first = 0]) => ((first >> 1) & 0x3f) === 33)
    expect(sps && parseH265Sps(sps)).to.include({ width: 322, height: 242, level: '3.1' })
  })

  it('returns undefined for invalid units', () => {
    expect(parseH264Sps(Buffer.from('67', 'hex'))).to.equal(undefined)
    expect(parseH264Sps(Buffer.concat([Buffer.from('6742c00c', 'hex'), Buffer.alloc(50)]))).to.equal(undefined)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const parse of [parseH264Sps, parseH265Sps, parameterSetId]) parse(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})
