import { expect } from 'chai'
import type { Pipeline } from '../../machines/domain/camera.js'
import type { PipelineProgress } from '../../machines/domain/capture.js'
import { easedSettings, mostEased, thinned } from '../../machines/domain/ease.js'
import { overloadOf } from '../../machines/domain/overload.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type { CaptureDefaults } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'

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

  it('is as configured before the first step', () => {
    for (const settings of [{}, { width: 640, fps: 15 }])
      expect(easedSettings(settings, defaults, 0)).to.deep.equal({ settings, defaults })
  })

  it('keeps two pixels of each side, and one frame in a second', () => {
    const { settings } = easedSettings({ width: 4, height: 2, fps: 2 }, defaults, mostEased)
    expect(settings).to.deep.equal({ width: 2, height: 2, fps: 1 })
  })

  it('leaves frames out if the camera has no lower rate', () =>
    expect(steps(30)).to.deep.equal(['1280x720 30 30', '1280x720 30 15', '640x360 30 15', '640x360 30 7.5']))

  it('says how slow the host is', () => {
    const late: PipelineProgress = { frames: 1, bitrate: 1, fps: 20.4, speed: 1, lag: 2_340, dropped: 3 }
    expect(overloadOf(late, 30)).to.deep.equal(
      because('overloaded', 'it encodes 20 of 30 frames per second, 2.3 s late', {
        ...{ speed: 1, lag: 2_340, fps: 20.4, dropped: 3 },
      }),
    )
    const slow: PipelineProgress = { frames: 1, bitrate: 1, fps: 20, speed: 0.68 }
    expect(overloadOf(slow, 30)).to.deep.equal(
      because('overloaded', 'it encodes at 0.7 of real time', { speed: 0.68, lag: 0, fps: 20 }),
    )
  })

  it('says so', () => {
    const { reason } = thinned(choosePipeline('usb', offer(30), {}, defaults), 15)
    expect(reason).to.match(/Lowered, because the host was too slow\.$/)
    const copied: Pipeline = { kind: 'copy', mode: { fourcc: 'H264', width: 1, height: 1, fps: 30 }, reason: 'Copied.' }
    expect(thinned(copied, 15)).to.equal(copied)
  })
})
