import { expect } from 'chai'
import { createProgressParser, type ProgressBlock } from '../../../adapters/ffmpeg/progress.js'
import { createWatcher } from '../../../adapters/ffmpeg/watcher.js'
import type { PipelineEvent } from '../../../machines/domain/ports.js'

describe('progress', () => {
  const report =
    'frame=16\nfps=14.90\nstream_0_0_q=35.0\nbitrate=2884.6kbits/s\ntotal_size=180292\nprogress=continue\nframe=23\nfps=15.00\nbitrate=N/A\nprogress=end\n'
  const expected = [
    { frames: 16, fps: 14.9, bitrate: 2_884_600, last: false },
    { frames: 23, fps: 15, bitrate: 0, last: true },
  ]

  it('is read however it is cut', () => {
    for (let size = 1; size <= report.length; size += 7) {
      const blocks: ProgressBlock[] = []
      const push = createProgressParser((block) => blocks.push(block))
      for (let at = 0; at < report.length; at += size) push(report.slice(at, at + size))
      expect(blocks).to.deep.equal(expected)
    }
  })

  it('survives noise', () => {
    const blocks: ProgressBlock[] = []
    const push = createProgressParser((block) => blocks.push(block))
    push(`${'x'.repeat(1_000_000)}`)
    push('\n=\n=5\nframe=-3\nfps=nan\nprogress=continue\n')
    expect(blocks).to.deep.equal([{ frames: 0, fps: 0, bitrate: 0, last: false }])
  })
})

describe('the watcher of a pipeline', () => {
  it('says that it runs with the first frame, and stalls when no more come', () => {
    const { watcher, events, wait, process } = watching()
    watcher.reportChanged()
    process.starts()
    wait(2_000)
    watcher.block(frames(0), 5000)
    expect(events()).to.deep.equal([])
    watcher.block(frames(3), 5000)
    wait(4_900)
    expect(events()).to.deep.equal(['running 3'])
    wait(600)
    expect(events()).to.deep.equal(['running 3', 'stalled 5250'])
    watcher.block(frames(4), 5000)
    expect(events().at(-1)).to.equal('running 4')
  })

  it('calls it stalled when reports come without new frames', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    for (let at = 0; at < 6; at += 1) {
      watcher.block(frames(3), 5000)
      wait(1_000)
    }
    expect(events()).to.deep.equal(['running 3', 'stalled 5250'])
  })

  it('tells a killed process after a second of silence, not after five', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    watcher.block(frames(3), 5000)
    process.ends()
    wait(1_300)
    expect(events()).to.deep.equal(['running 3', 'ended its process was killed'])
    expect(watcher.isActive()).to.equal(false)
  })

  it('gives ffmpeg time to go, and then its reason', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    watcher.block(frames(3), 5000)
    watcher.block({ ...frames(3), last: true }, 5000)
    wait(500)
    expect(events()).to.deep.equal(['running 3'])
    process.ends('device gone')
    wait(250)
    expect(events()).to.deep.equal(['running 3', 'ended device gone'])
  })

  it('tells an end in good order as such', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    watcher.block(frames(3), 5000)
    watcher.block({ ...frames(3), last: true }, 5000)
    process.ends()
    wait(250)
    expect(events().at(-1)).to.equal('ended no longer in use')
  })

  it('tells of a pipeline that never had a frame, once', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    watcher.reportChanged()
    wait(500)
    process.ends('device busy')
    wait(500)
    watcher.reportChanged()
    wait(1_000)
    expect(events()).to.deep.equal(['ended device busy'])
  })

  it('calls it stalled when the first frame does not come in its time, and tells its end', () => {
    const { watcher, events, wait, process } = watching()
    process.starts()
    watcher.reportChanged()
    wait(7_900)
    watcher.block(frames(0), 5000)
    expect(events()).to.deep.equal([])
    wait(500)
    expect(events()).to.deep.equal(['stalled 8250'])
    wait(20_000)
    process.ends()
    wait(250)
    expect(events()).to.deep.equal(['stalled 8250', 'ended its process was killed'])
    expect(watcher.isActive()).to.equal(false)
  })

  it('knows the next process by its port', () => {
    const { watcher, events, process } = watching()
    process.starts()
    watcher.block(frames(30), 5000)
    watcher.block(frames(1), 6000)
    watcher.block({ ...frames(31), last: true }, 5000)
    expect(events()).to.deep.equal(['running 30', 'ended another process took its place', 'running 1'])
    expect(watcher.isRunning()).to.equal(true)
  })

  it('takes five seconds of silence for the end when the process cannot be seen', () => {
    const { watcher, events, wait } = watching()
    watcher.block(frames(3), 5000)
    wait(4_000)
    expect(events()).to.deep.equal(['running 3'])
    wait(1_500)
    expect(events().at(-1)).to.equal('ended its process was killed')
  })
})

const frames = (count: number): ProgressBlock => ({ frames: count, fps: 15, bitrate: 0, last: false })

function watching() {
  const events: PipelineEvent[] = []
  let now = 0
  let alive = false
  let report: { changedAt: number; reason?: string } = { changedAt: 0 }
  const one = { camera: 'camera0', pid: 1, started: 1, waits: false } as const
  const watcher = createWatcher({
    listener: (event) => events.push(event),
    now: () => now,
    stallAfter: 5_000,
    firstFrameWithin: 8_000,
    find: () => (alive ? one : undefined),
    isAlive: () => alive,
    report: () => report,
    ownDoing: () => undefined,
  })
  return {
    watcher,
    events: () =>
      events.map((event) => {
        if (event.type === 'pipeline.running') return `running ${event.progress.frames}`
        return event.type === 'pipeline.stalled' ? `stalled ${event.silentFor}` : `ended ${event.reason}`
      }),
    wait: (ms: number) => {
      for (const end = now + ms; now < end; ) {
        now += 250
        if (watcher.isActive()) watcher.tick()
      }
    },
    process: {
      starts: () => {
        alive = true
        report = { changedAt: now + 1 }
      },
      ends: (reason?: string) => {
        alive = false
        report = { changedAt: now + 2, ...(reason && { reason }) }
      },
    },
  }
}
