import { expect } from 'chai'
import type { Pipeline } from '../../machines/domain/camera.js'
import { easedSettings, mostEased, thinned } from '../../machines/domain/ease.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type { CaptureDefaults } from '../../machines/domain/ports.js'

const defaults: CaptureDefaults = {
  ...{ width: 1280, height: 720, fps: 30 },
  codec: { profile: 'baseline', level: 'auto', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: 2_000_000 },
}
const offer = (...rates: number[]) => ({
  formats: [
    {
      fourcc: 'MJPG',
      description: '',
      sizes: [
        { width: 1280, height: 720, rates },
        { width: 640, height: 360, rates },
      ],
    },
  ],
})
/** The pipeline after each step. */
const steps = (...rates: number[]): string[] =>
  Array.from({ length: mostEased + 1 }, (_, ease) => {
    const wish = easedSettings({}, defaults, ease)
    const pipeline = choosePipeline('usb', offer(...rates), wish.settings, wish.defaults)
    const { mode, maxFps = mode.fps } = ease > 0 ? thinned(pipeline, wish.defaults.fps) : pipeline
    return `${mode.width}x${mode.height} ${mode.fps} ${maxFps}`
  })

describe('a stream that the host is too slow for', () => {
  it('is lowered in its rate, then in its size', () =>
    expect(steps(30, 15, 7.5)).to.deep.equal(['1280x720 30 30', '1280x720 15 15', '640x360 15 15', '640x360 7.5 7.5']))

  it('leaves frames out if the camera has no lower rate', () =>
    expect(steps(30)).to.deep.equal(['1280x720 30 30', '1280x720 30 15', '640x360 30 15', '640x360 30 7.5']))

  it('says so', () => {
    const { reason } = thinned(choosePipeline('usb', offer(30), {}, defaults), 15)
    expect(reason).to.match(/Lowered, because the host was too slow\.$/)
    const copied: Pipeline = { kind: 'copy', mode: { fourcc: 'H264', width: 1, height: 1, fps: 30 }, reason: 'Copied.' }
    expect(thinned(copied, 15)).to.equal(copied)
  })
})
