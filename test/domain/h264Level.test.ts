import { expect } from 'chai'
import { h264Level } from '../../machines/domain/h264Level.js'

const stream = { width: 640, height: 480, fps: 30, bitrate: 1_000_000, profile: 'baseline', level: 'auto' } as const
const levelOf = (changes: Partial<Parameters<typeof h264Level>[0]>) => h264Level({ ...stream, ...changes })

describe('the H.264 level', () => {
  it('is the lowest that allows size and rate (ITU-T H.264, table A-1)', () => {
    for (const [width, height, fps, level] of [
      [720, 576, 25, '3.0'],
      [1280, 720, 30, '3.1'],
      [1280, 720, 60, '3.2'],
      [1920, 1080, 30, '4.0'],
      [1920, 1080, 30.00003, '4.0'],
      [1920, 1080, 60, '4.2'],
      [2560, 1440, 30, '5.0'],
      [2560, 1440, 60, '5.1'],
      [3840, 2160, 30, '5.1'],
      [3840, 2160, 60, '5.2'],
      [7680, 4320, 30, '6.0'],
      [7680, 4320, 60, '6.1'],
      [7680, 4320, 120, '6.2'],
      [16_384, 16_384, 240, '6.2'],
    ] as const)
      expect(levelOf({ width, height, fps }), `${width}x${height} at ${fps}`).to.equal(level)
  })

  it('allows its bit rate, a quarter more with the high profile', () => {
    for (const [kilobits, level] of [
      [10_000, '3.0'],
      [10_001, '3.1'],
      [14_001, '3.2'],
      [20_001, '4.1'],
      [50_001, '5.0'],
      [135_001, '5.1'],
      [240_001, '6.1'],
      [480_001, '6.2'],
      [900_000, '6.2'],
    ] as const)
      expect(levelOf({ bitrate: kilobits * 1_000 }), `${kilobits} kbit/s`).to.equal(level)
    expect([12_500, 12_501].map((kilobits) => levelOf({ bitrate: kilobits * 1_000, profile: 'high' }))).to.deep.equal([
      ...['3.0', '3.1'],
    ])
    expect(levelOf({ bitrate: 12_500_000, profile: 'main' })).to.equal('3.1')
  })

  it('allows no side longer than the root of eight frames', () => {
    expect(levelOf({ width: 1_808, height: 64, fps: 1 })).to.equal('3.0')
    expect(levelOf({ width: 1_824, height: 64, fps: 1 })).to.equal('3.1')
    expect(levelOf({ width: 64, height: 1_824, fps: 1 })).to.equal('3.1')
  })

  it('is at least the configured one', () => {
    for (const [level, expected] of [
      ...[['4.2', '4.2'] as const, ['4', '4.0'] as const, ['5', '5.0'] as const],
      ...[['6.2', '6.2'] as const, ['auto', '3.0'] as const],
    ])
      expect(levelOf({ level: level as typeof stream.level })).to.equal(expected)
  })
})
