import { expect } from 'chai'
import { parseFormats } from '../../adapters/usb/formats.js'
import type { CodecSettings } from '../../machines/domain/camera.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type { CaptureDefaults } from '../../machines/domain/ports.js'
import { outputOf } from '../devices/outputOf.js'
import { offering } from '../support/offering.js'

const usual = { width: 1280, height: 720, fps: 30 }
const codec: CodecSettings = {
  profile: 'baseline',
  level: '3.0',
  pixelFormat: 'yuv420p',
  preset: 'ultrafast',
  bitrate: 2_000_000,
}
const defaults: CaptureDefaults = { ...usual, codec }

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

  it('takes the nearest size if only the width or only the height is set', () => {
    const offered = offering('MJPG 640x480@30', 'MJPG 1920x1080@30')
    for (const settings of [{ width: 1_920 }, { height: 1_080 }]) {
      const { mode } = choosePipeline('usb', offered, settings, defaults)
      expect([mode.width, mode.height]).to.deep.equal([1_920, 1_080])
    }
  })

  it('names the formats that cannot be read', () => {
    const formats = [
      { fourcc: 'PWC2', description: 'Raw Philips Webcam', sizes: [] },
      { fourcc: 'Z16', description: '', sizes: [{ width: 640, height: 480, rates: [30] }] },
    ]
    expect(choosePipeline('usb', { formats }, {}, defaults).reason).to.match(
      /^The camera offers only formats that cannot be read: PWC2 \(Raw Philips Webcam\), Z16; 1280x720 at 30 fps is/,
    )
    expect(choosePipeline('usb', { formats: formats.slice(1) }, {}, defaults).reason).to.match(/cannot be read: Z16;/)
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
