import { expect } from 'chai'
import fc from 'fast-check'
import { parseFormats } from '../../adapters/usb/formats.js'
import type { Capabilities, CodecSettings } from '../../machines/domain/camera.js'
import { chooseMode } from '../../machines/domain/captureMode.js'
import { h264Level } from '../../machines/domain/h264Level.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type { CaptureDefaults } from '../../machines/domain/ports.js'
import { outputOf } from '../devices/outputOf.js'

const usual = { width: 1280, height: 720, fps: 30 }
const codec: CodecSettings = {
  profile: 'baseline',
  level: '3.0',
  pixelFormat: 'yuv420p',
  preset: 'ultrafast',
  bitrate: 2_000_000,
}
const defaults: CaptureDefaults = { ...usual, codec }

describe('chooseMode', () => {
  for (const [story, offered, expected] of [
    [
      'the best size within the limit, not the largest',
      ['MJPG 1920x1080@30', 'MJPG 1280x720@30', 'MJPG 640x480@30'],
      'MJPG 1280x720@30',
    ],
    ['30 frames per second although 60 are offered', ['MJPG 1280x720@60', 'MJPG 1280x720@30'], 'MJPG 1280x720@30'],
    [
      'the native H.264 of the same size',
      ['MJPG 1280x720@30', 'H264 1280x720@30', 'YUYV 1280x720@30'],
      'H264 1280x720@30',
    ],
    [
      'MJPEG of the full size rather than H.264 of half the size',
      ['MJPG 1280x720@30', 'H264 640x360@30'],
      'MJPG 1280x720@30',
    ],
    [
      'MJPEG at the full rate rather than raw frames at a low rate',
      ['YUYV 1280x720@10', 'MJPG 1280x720@30'],
      'MJPG 1280x720@30',
    ],
    [
      'small raw frames at the full rate rather than large ones at a low rate',
      ['YUYV 1280x720@5', 'YUYV 640x480@30'],
      'YUYV 640x480@30',
    ],
    [
      'the smallest size above the limit if there is none below',
      ['MJPG 1920x1080@30', 'MJPG 3840x2160@30'],
      'MJPG 1920x1080@30',
    ],
    [
      'the first of equal modes in the order of the driver, as a grabber lists them at 1080p',
      ['YUYV 1920x1080@30', 'NV12 1920x1080@30'],
      'YUYV 1920x1080@30',
    ],
    [
      'the first of equal modes in the order of the driver, as the grabber lists them at UHD',
      ['NV12 3840x2160@30', 'YUYV 3840x2160@30'],
      'NV12 3840x2160@30',
    ],
    ['a rare format if there is no other', ['Z16 1280x720@30', 'Y16 640x512@9'], 'Y16 640x512@9'],
    ['no raw sensor pattern', ['BA81 1280x720@30', 'YUYV 320x240@15'], 'YUYV 320x240@15'],
  ] as const)
    it(`chooses ${story}`, () => expect(brief(chooseMode(offering(...offered), usual)?.mode)).to.equal(expected))

  it('follows explicit settings, even at a low frame rate', () => {
    const offered = offering('H264 1280x720@30', 'YUYV 1600x1200@5')
    const choice = chooseMode(offered, { width: 1600, height: 1200, fps: 30, explicit: { size: true } })
    expect([brief(choice?.mode), choice?.reason]).to.deep.equal(['YUYV 1600x1200@5', '1600x1200 as requested'])
  })

  it('chooses the mode nearest to the explicit settings, and reports the difference', () => {
    const offered = offering('MJPG 640x480@30', 'MJPG 1280x720@30', 'MJPG 1280x720@10')
    const choice = chooseMode(offered, { width: 1024, height: 768, fps: 12, explicit: { size: true, fps: true } })
    expect(brief(choice?.mode)).to.equal('MJPG 1280x720@10')
    expect(choice?.reason).to.equal(
      '1024x768 is not offered, 1280x720 is nearest; 12 fps is not offered at this size, 10 is nearest',
    )
  })

  it('treats 29.97 as 30', () =>
    expect(chooseMode(offering('MJPG 640x480@29.97'), { ...usual, fps: 30, explicit: { fps: true } })?.reason).to.equal(
      '30 fps as requested',
    ))

  it('always chooses an offered mode, independent of their order', () => {
    const mode = fc.tuple(
      fc.constantFrom('MJPG', 'YUYV', 'H264', 'XXXX'),
      fc.constantFrom('640x480', '1280x720', '1920x1080', '160x120'),
      fc.integer({ min: 1, max: 90 }),
    )
    fc.assert(
      fc.property(fc.array(mode, { maxLength: 12 }), fc.boolean(), fc.boolean(), (modes, size, fps) => {
        const offered = modes.map(([fourcc, wh, rate]) => `${fourcc} ${wh}@${rate}`)
        const choice = brief(chooseMode(offering(...offered), { ...usual, explicit: { size, fps } })?.mode)
        const usable = offered.filter((one) => !one.startsWith('XXXX'))
        if (usable.length === 0) expect(choice).to.equal(undefined)
        else expect(usable).to.include(choice)
        expect(brief(chooseMode(offering(...offered.reverse()), { ...usual, explicit: { size, fps } })?.mode)).to.equal(
          choice,
        )
      }),
    )
  })
})

describe('h264Level', () => {
  for (const [width, height, fps, level] of [
    [720, 576, 25, '3.0'],
    [640, 480, 30, '3.0'],
    [1280, 720, 30, '3.1'],
    [1280, 720, 30.00003, '3.1'],
    [1280, 720, 60, '3.2'],
    [1920, 1080, 30, '4.0'],
    [3840, 2160, 30, '5.1'],
    [16_384, 16_384, 240, '6.2'],
    [4096, 16, 1, '4.0'],
  ] as const)
    it(`is ${level} for ${width}x${height} at ${fps}`, () =>
      expect(h264Level({ width, height, fps, bitrate: 2e6, profile: 'baseline', level: 'auto' })).to.equal(level))

  it('depends on the bitrate and the profile', () => {
    const at = (profile: 'baseline' | 'high') =>
      h264Level({ width: 640, height: 480, fps: 30, bitrate: 12_000_000, profile, level: '3.0' })
    expect([at('baseline'), at('high')]).to.deep.equal(['3.1', '3.0'])
  })

  it('is at least the configured level', () =>
    expect(h264Level({ width: 320, height: 240, fps: 15, bitrate: 1e6, profile: 'main', level: '4.0' })).to.equal(
      '4.0',
    ))
})

describe('choosePipeline', () => {
  it('copies native H.264', () => {
    expect(choosePipeline('usb', offering('H264 1280x720@30', 'MJPG 1280x720@30'), {}, defaults)).to.deep.equal({
      kind: 'copy',
      mode: { fourcc: 'H264', width: 1280, height: 720, fps: 30 },
      reason: "Copied: the camera's own H.264 1280x720 at 30 fps; its best mode up to 1280x720 at 30 fps.",
    })
  })

  it('encodes other formats, at the lowest possible level', () => {
    const pipeline = choosePipeline('usb', offering('MJPG 1280x720@30'), {}, defaults)
    expect(pipeline).to.deep.include({ kind: 'encode', codec: { ...codec, level: '3.1' } })
    expect(pipeline.reason).to.equal(
      'Captured as MJPEG 1280x720 at 30 fps: its best mode up to 1280x720 at 30 fps. ' +
        'Encoded as H.264 baseline, level 3.1.',
    )
  })

  it('encodes a camera that has its own codec settings, from its MJPEG if there is one', () => {
    const pipeline = choosePipeline(
      'usb',
      offering('H264 1280x720@30', 'MJPG 1280x720@30'),
      { codec: { bitrate: 500_000 } },
      defaults,
    )
    expect([pipeline.kind, pipeline.mode.fourcc, pipeline.codec?.bitrate]).to.deep.equal(['encode', 'MJPG', 500_000])
    const only = choosePipeline('usb', offering('H264 1280x720@30'), { codec: { bitrate: 500_000 } }, defaults)
    expect(only.reason).to.match(/encoded because this camera has its own codec settings/)
  })

  it('leaves RTSP cameras to the media server', () => {
    const pipeline = choosePipeline('rtsp', { formats: [{ fourcc: 'HEVC', description: '', sizes: [] }] }, {}, defaults)
    expect(pipeline).to.deep.equal({
      kind: 'pull',
      mode: { fourcc: 'HEVC', width: 0, height: 0, fps: 0 },
      reason: 'Pulled by the media server: the camera sends H.265 by itself, which not every player supports.',
    })
  })

  it('requests the default mode from a camera without known formats', () => {
    const pipeline = choosePipeline('usb', { formats: [] }, {}, defaults)
    expect([pipeline.kind, pipeline.mode]).to.deep.equal(['encode', { fourcc: '', ...usual }])
  })

  it('names the formats that cannot be read', () => {
    const formats = [
      { fourcc: 'PWC2', description: 'Raw Philips Webcam', sizes: [] },
      { fourcc: 'Z16', description: '', sizes: [{ width: 640, height: 480, rates: [30] }] },
    ]
    expect(choosePipeline('usb', { formats }, {}, defaults).reason).to.match(
      /^The camera offers only formats that cannot be read: PWC2 \(Raw Philips Webcam\), Z16; 1280x720 at 30 fps is/,
    )
  })

  it('tries the default size in a format that is listed without sizes', () => {
    const formats = parseFormats(outputOf('pwc')).formats
    const pipeline = choosePipeline('usb', { formats }, {}, { ...defaults, width: 640, height: 480 })
    expect(pipeline.mode).to.deep.equal({ fourcc: 'YU12', width: 640, height: 480, fps: 30 })
    expect(pipeline.reason).to.match(/^Captured as YU12 640x480 at 30 fps: it lists no sizes, so this one is tried\./)
  })

  it('prefers a format with sizes to one without', () => {
    const { formats } = offering('GREY 320x240@15')
    const none = { fourcc: 'YUYV', description: '', sizes: [] }
    expect(choosePipeline('usb', { formats: [none, ...formats] }, {}, defaults).mode.fourcc).to.equal('GREY')
  })
})

/** `MJPG 1280x720@30` … */
function offering(...modes: string[]): Capabilities {
  return {
    formats: modes.map((text) => {
      const [fourcc = '', width, height, rate] = text.split(/[ x@]/)
      return {
        fourcc,
        description: '',
        sizes: [{ width: Number(width), height: Number(height), rates: [Number(rate)] }],
      }
    }),
  }
}

const brief = (mode: { fourcc: string; width: number; height: number; fps: number } | undefined) =>
  mode && `${mode.fourcc} ${mode.width}x${mode.height}@${mode.fps}`
