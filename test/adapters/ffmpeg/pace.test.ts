import { expect } from 'chai'
import { createPace } from '../../../adapters/ffmpeg/pace.js'
import { createProgressParser, type ProgressBlock } from '../../../adapters/ffmpeg/progress.js'

/** Reports of a process, one each half second: the frames and the media time at each. */
const reports = (count: number, of: (n: number) => { frames: number; mediaTime: number }) => {
  const pace = createPace()
  return Array.from({ length: count }, (_, n) =>
    pace({ fps: 99, bitrate: 0, duplicated: 0, dropped: 0, ...of(n + 1) }, 70_000 + 500 * (n + 1)),
  ).at(-1)
}

describe('the pace of a process', () => {
  it('is the rate and speed of the last seconds, not of all time', () => {
    const progress = reports(100, (n) => ({
      frames: n < 80 ? 15 * n : 1_200 + 6 * (n - 80),
      mediaTime: n < 80 ? 500 * n : 40_000 + 200 * (n - 80),
    }))
    expect(progress).to.deep.include({ fps: 12, speed: 0.4 })
  })

  it('shows how late the frames come of which the driver drops some', () => {
    const progress = reports(40, (n) => ({ frames: 7 * n, mediaTime: n < 10 ? 500 * n : 500 * n - 1_200 }))
    expect(progress).to.deep.include({ fps: 14, speed: 1, lag: 1_200 })
  })

  it('is not late for a camera that sends fewer frames', () =>
    expect(reports(40, (n) => ({ frames: 4 * n, mediaTime: 500 * n }))).to.deep.include({ fps: 8, speed: 1, lag: 0 }))

  it('is not known at first', () => {
    const first = reports(3, (n) => ({ frames: 15 * n, mediaTime: 100 * n }))
    expect(first).to.not.have.property('speed')
    expect(first?.fps).to.equal(99)
  })

  it('is read from the reports of ffmpeg, old and new', () => {
    const blocks: ProgressBlock[] = []
    const push = createProgressParser((block) => blocks.push(block))
    push('frame=40\nfps=8.0\nbitrate= 500.1kbits/s\nout_time_us=2000000\nout_time_ms=2000000\n')
    push('dup_frames=1\ndrop_frames=7\nspeed=0.4x\nprogress=continue\n')
    push('frame=1\nout_time_ms=N/A\nprogress=continue\n')
    push('frame=2\nout_time_ms=66000\nprogress=continue\n')
    expect(blocks.map(({ mediaTime }) => mediaTime)).to.deep.equal([2_000, undefined, 66])
    expect(blocks[0]).to.deep.include({ duplicated: 1, dropped: 7 })
  })
})
