import { expect } from 'chai'
import { createActor, toPromise } from 'xstate'
import { cameraEffects } from '../../actors/effects/camera.js'
import type { OnDevice } from '../../machines/cameraContext.js'
import type { Format, Probe } from '../../machines/domain/camera.js'
import { type EncoderWish, encoderLine, isHardware } from '../../machines/domain/encoder.js'
import { because } from '../../machines/domain/reason.js'

const format = (fourcc: string): Format => ({
  fourcc,
  description: fourcc,
  sizes: [{ width: 640, height: 480, rates: [25] }],
})
const webcam = { kind: 'usb', node: '/dev/video0', vendorId: '1d6b', productId: '0102', model: 'Cam' } as const

function host({ encoder, fourcc = 'MJPG' }: { encoder?: EncoderWish; fourcc?: string } = {}) {
  const log: string[] = []
  const ports = {
    probe: { capabilities: async () => ({ formats: [format(fourcc)] }) },
    encoders: {
      choose: async (wish: EncoderWish) => {
        log.push(wish)
        return { encoder: 'h264_vaapi', reason: 'this host encodes with it' }
      },
      forget: () => void log.push('forget'),
    },
    defaults: {
      width: 640,
      height: 480,
      fps: 25,
      codec: { profile: 'baseline', level: '3.0', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: 600_000 },
      ...(encoder && { encoder }),
    },
    clock: { now: () => 0 },
  }
  // These tests do not use the other ports.
  const { probeDevice } = cameraEffects(ports as unknown as Parameters<typeof cameraEffects>[0])
  const probe = async (input: Partial<OnDevice> = {}): Promise<Probe> => {
    const actor = createActor(probeDevice, { input: { id: 'camera0', device: webcam, settings: {}, ...input } })
    const done = toPromise(actor)
    actor.start()
    return done
  }
  return { probe, log }
}

describe('the encoder of a camera', () => {
  it('is one of hardware, or x264', () => {
    expect((['h264_nvenc', 'h264_v4l2m2m', 'libx264', undefined] as const).map(isHardware)).to.deep.equal([
      ...[true, true, false, false],
    ])
  })

  it('that failed is named with a short line of ffmpeg, without addresses', () => {
    const line = `[h264_vaapi @ 0x55d0] [enc:0] ${'Failed '.repeat(40)}`
    expect(encoderLine(line)).to.equal('Failed '.repeat(40).slice(0, 160))
  })

  it('is the one that works on this host, with its reason', async () => {
    const { probe, log } = host()
    const { pipeline } = await probe()
    expect(pipeline).to.deep.include({
      kind: 'encode',
      encoder: 'h264_vaapi',
      encoderReason: 'this host encodes with it',
    })
    expect(log).to.deep.equal(['auto'])
  })

  it('is the wish of its entry, else of the configuration', async () => {
    const { probe, log } = host({ encoder: 'libx264' })
    await probe()
    await probe({ settings: { encoder: 'h264_nvenc' } })
    expect(log).to.deep.equal(['libx264', 'h264_nvenc'])
  })

  it('is not asked for by a camera whose own H.264 is copied, even if its entry names one', async () => {
    const { probe, log } = host({ fourcc: 'H264' })
    const { pipeline } = await probe({ settings: { encoder: 'h264_vaapi' } })
    expect([pipeline.kind, pipeline.encoder, log]).to.deep.equal(['copy', undefined, []])
  })

  it('is libx264 after a failure in its stream, with the line of ffmpeg; others test again', async () => {
    const { probe, log } = host()
    const line = '[vost#0:0/h264_vaapi @ 0x5] [enc:h264_vaapi @ 0x6] Error while opening encoder of /dev/dri/card0'
    const reason = because('encoder_failed', 'it failed', { line })
    const { pipeline } = await probe({ failedEncoder: { encoder: 'h264_vaapi', reason } })
    expect(pipeline).to.deep.include({
      encoder: 'libx264',
      encoderReason: 'h264_vaapi failed in the stream: Error while opening encoder of …',
    })
    expect(log).to.deep.equal(['forget'])
    const silent = await probe({ failedEncoder: { encoder: 'h264_nvenc', reason: because('encoder_failed', 'why') } })
    expect(silent.pipeline.encoderReason).to.equal('h264_nvenc failed in the stream: why')
  })
})
