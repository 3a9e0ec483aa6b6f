import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createSegments } from '../../../adapters/files/segments.js'
import type { SegmentEvent } from '../../../machines/domain/ports.js'
import { createClock, day } from '../../support/clock.js'
import { until } from '../../support/until.js'
import { keptLog, never, rejection } from '../mediamtx/fakeServer.js'
import { close, closed, growing } from './media.js'

const name = (second: number) => `camera0_2026-01-01_00-00-0${second}-500000.mp4`
const segment = (second: number) => ({ filename: name(second), startedAt: Date.UTC(2026, 0, 1, 0, 0, second, 500) })
const nameAt = (time: number) =>
  `camera0_${new Date(time).toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-')}-000000.mp4`

describe('segments', () => {
  let dir = ''
  let folder = ''
  let media = ''
  before(async () => {
    media = await mkdtemp(join(tmpdir(), 'media-'))
    await growing(join(media, 'open.mp4'), 2)
    await closed(join(media, 'closed.mp4'), 2)
  })
  after(() => rm(media, { recursive: true }))
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'segments-'))
    folder = join(dir, 'camera0')
    await mkdir(folder)
  })
  const ends: (() => void)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) end()
    await rm(dir, { recursive: true, force: true })
  })

  const make = ({ now = Date.now, ...limits }: { now?: () => number; finalLimit?: number } = {}) => {
    const log = keptLog()
    let readings = 0
    const monotonic = () => {
      readings += 1
      return performance.now()
    }
    const segments = createSegments({ recordingsDir: dir, clock: { now, monotonic }, log, ...limits })
    /** Resolves after at least two looks of a watch: each reads the clock. */
    const looks = () => {
      const before = readings
      return until('two looks at the folder', () => readings >= before + 2)
    }
    return { log, segments, looks }
  }
  const write = (file: string, content = 'bytes') => writeFile(join(folder, file), content)

  /** Before every segment of these tests. */
  const early = Date.UTC(2026, 0, 1) - 1
  const at = Date.UTC(2026, 0, 1, 0, 0, 5)

  /** Events as they come, waited for one by one. */
  const watched = (present: ReturnType<typeof segment>[]) => {
    const events: SegmentEvent[] = []
    const { segments, looks } = make()
    ends.push(segments.watch('camera0', { after: early, present }, (event) => events.push(event)))
    return {
      events,
      looks,
      next: () => until('an event', () => events.shift()),
    }
  }

  /** Lets the first segment grow until that was reported. */
  const grows = (events: SegmentEvent[]) =>
    until('growth', async () => {
      await appendFile(join(folder, name(1)), 'more')
      return events.shift()
    })

  it('lists what began after the watermark and has bytes, of this camera only', async () => {
    const { segments } = make()
    await write(name(1))
    await write(name(2))
    await write(name(3), '')
    await write('camera1_2026-01-01_00-00-09-000000.mp4')
    await write('other.mp4')
    expect(await segments.list('camera0', early)).to.deep.equal([segment(1), segment(2)])
    expect(await segments.list('camera0', segment(1).startedAt)).to.deep.equal([segment(2)])
    expect(await segments.list('camera9', early)).to.deep.equal([])
  })

  it('has a watermark that leaves out what is there already, and nothing else', async () => {
    const { segments } = make({ now: () => at })
    await write(name(1))
    await write(name(7))
    const after = await segments.watermark('camera0')
    expect(await segments.list('camera0', after)).to.deep.equal([])
    // The clock was set back, or that of the media server is behind: the new file is named like an older one.
    await write(name(3))
    expect(await segments.list('camera0', after)).to.deep.equal([segment(3)])
  })

  it('follows a recording whose clock is set back a day, and leaves out the files of that day', async () => {
    const clock = createClock(at)
    const segments = createSegments({ recordingsDir: dir, clock, log: keptLog() })
    const yesterday = (second: number) => nameAt(at - day + second * 1_000)
    for (const second of [-7_200, -60, 10]) await write(yesterday(second))
    const after = await segments.watermark('camera0')
    await write(name(6))
    const present = await segments.list('camera0', after)
    expect(present).to.deep.equal([segment(6)])
    const events: SegmentEvent[] = []
    ends.push(segments.watch('camera0', { after, present }, (event) => events.push(event)))
    await write(name(7))
    await until('the next file', () => events.some((event) => event.type === 'segment.added'))
    clock.passes(400)
    clock.steps(-day)
    await write(yesterday(1))
    const filename = yesterday(1)
    const added = { filename, startedAt: at - day + 1_000 }
    await until('the file with the older name', () =>
      events.some((event) => event.type === 'segment.added' && event.segment.filename === filename),
    )
    expect(await segments.list('camera0', after)).to.deep.equal([added, segment(6), segment(7)])
    const next = segments.first('camera0', after, never(), [filename, name(6), name(7)])
    clock.passes(4_000)
    await write(yesterday(4))
    expect(await next).to.deep.equal({ filename: yesterday(4), startedAt: at - day + 4_000 })
  })

  describe('after a restart of the service', () => {
    const restarted = (now: number) => createSegments({ recordingsDir: dir, clock: createClock(now), log: keptLog() })

    it('leaves out files of a time when the clock was ahead', async () => {
      const tomorrow = nameAt(at + day)
      await write(tomorrow)
      const before = restarted(at)
      const after = await before.watermark('camera0')
      await write(name(6))
      expect(await before.list('camera0', after)).to.deep.equal([segment(6)])
      const earlier = before.earlier('camera0', segment(6).startedAt)
      expect(earlier).to.deep.equal([tomorrow])

      const later = restarted(at + 10_000)
      await later.recall('camera0', segment(6).startedAt - 1, earlier)
      await write(name(9))
      expect(await later.list('camera0', segment(6).startedAt - 1)).to.deep.equal([segment(6), segment(9)])
      expect(later.earlier('camera0', segment(6).startedAt)).to.deep.equal([tomorrow])
    })

    it('finds the next files if the clock was set back meanwhile', async () => {
      const yesterday = (second: number) => nameAt(at - day + second * 1_000)
      for (const file of [yesterday(-60), yesterday(8), name(6)]) await write(file)
      const later = restarted(at - day)
      await later.recall('camera0', segment(6).startedAt - 1, [])
      await write(yesterday(2))
      expect((await later.list('camera0', segment(6).startedAt - 1)).map(({ filename }) => filename)).to.deep.equal([
        yesterday(2),
        name(6),
      ])
    })
  })

  it('does not take a file for cut off that still changes after the clock was set forward', async () => {
    const clock = createClock(Date.now())
    const segments = createSegments({
      recordingsDir: dir,
      clock: { ...clock, monotonic: () => performance.now() },
      log: keptLog(),
    })
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    clock.steps(day)
    const finishing = segments.finish('camera0', [segment(1)], never())
    await close(join(folder, name(1)), 2)
    expect((await finishing)[0]).to.include({ name: name(1), complete: true })
  })

  it('forgets with the next watermark what an earlier one left out', async () => {
    const { segments } = make({ now: () => at })
    await write(name(1))
    await segments.watermark('camera0')
    await write(name(2))
    const after = await segments.watermark('camera0')
    await write(name(4))
    expect(await segments.list('camera0', after)).to.deep.equal([segment(4)])
  })

  it('waits for the first bytes of a new segment, not for its name', async () => {
    const { segments } = make()
    await write(name(1))
    const first = segments.first('camera0', segment(1).startedAt, never())
    await write(name(2), '')
    await write('camera1_2026-01-01_00-00-00-000000.mp4')
    await write(name(3))
    expect(await first).to.deep.equal(segment(3))
    await appendFile(join(folder, name(2)), 'bytes')
    expect(await segments.first('camera0', segment(1).startedAt, never())).to.deep.equal(segment(2))
  })

  it('waits for a folder that is not there yet', async () => {
    await rm(folder, { recursive: true })
    const first = make().segments.first('camera0', early, never())
    await mkdir(folder)
    await write(name(3))
    expect(await first).to.deep.equal(segment(3))
  })

  it('stops waiting with its signal', async () => {
    const end = new AbortController()
    const first = rejection(make().segments.first('camera0', early, end.signal))
    end.abort(new Error('stopped'))
    expect((await first).message).to.equal('stopped')
    expect((await rejection(make().segments.first('camera0', early, end.signal))).message).to.equal('stopped')
  })

  it('reports growth, and the next segment', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const { events, next } = watched([segment(1)])
    expect(await grows(events)).to.include({ type: 'segment.grew' })
    await write(name(2))
    await until('the next segment', () => events.some(({ type }) => type === 'segment.added'))
    expect(events.at(-1)).to.deep.include({ type: 'segment.added', segment: segment(2) })
    events.length = 0
    await appendFile(join(folder, name(2)), 'more')
    expect(await next()).to.include({ type: 'segment.grew' })
  })

  it('does not take the closing of a file for growth', async () => {
    // In one step: a half copied file looks like one that grows.
    const appears = async (content: Buffer, file: string) => {
      await writeFile(join(folder, 'copy'), content)
      await rename(join(folder, 'copy'), join(folder, file))
    }
    const open = await readFile(join(media, 'open.mp4'))
    await write(name(1))
    const { events, looks } = watched([segment(1)])
    await appears(open.subarray(0, 5000), name(2))
    await until('the open file', () => events.length === 1)
    await appears(await readFile(join(media, 'closed.mp4')), name(2))
    await looks()
    expect(events.map(({ type }) => type)).to.deep.equal(['segment.added'])
  })

  it('reports the deletion of the open file', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const { events } = watched([segment(1)])
    expect(await grows(events)).to.include({ type: 'segment.grew' })
    await unlink(join(folder, name(1)))
    await until('the deletion', () => events.some(({ type }) => type === 'segment.deleted'))
    expect(events.at(-1)).to.deep.equal({ type: 'segment.deleted' })
  })

  it('reports the deletion of the open file with its folder', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const { events } = watched([segment(1)])
    expect(await grows(events)).to.include({ type: 'segment.grew' })
    await rename(folder, join(dir, 'away'))
    await until('the deletion', () => events.some(({ type }) => type === 'segment.deleted'))
    expect(events.at(-1)).to.deep.equal({ type: 'segment.deleted', withFolder: true })
  })

  it('reports a new file of a file system whose times count in steps of 2 s', async () => {
    const step = 1_700_000_000
    let now = 0
    let readings = 0
    const monotonic = () => {
      readings += 1
      return now
    }
    const segments = createSegments({ recordingsDir: dir, clock: { now: Date.now, monotonic }, log: keptLog() })
    const looks = () => {
      const before = readings
      return until('two looks at the folder', () => readings >= before + 4)
    }
    const events: SegmentEvent[] = []
    await write(name(1))
    await utimes(folder, step, step)
    ends.push(segments.watch('camera0', { after: early, present: [segment(1)] }, (event) => events.push(event)))
    await looks()
    now = 1_900
    await looks()
    await write(name(2))
    await utimes(folder, step, step)
    expect(await until('the next segment', () => events.find(({ type }) => type === 'segment.added'))).to.deep.include({
      segment: segment(2),
    })
  })

  it('is silent about what was there, and after its end', async () => {
    await write(name(1))
    await write(name(2))
    const { segments } = make()
    const events: SegmentEvent[] = []
    const watching = { after: early, present: [segment(1), segment(2)] }
    const end = segments.watch('camera0', watching, (event) => events.push(event))
    end()
    end()
    // Another one, begun later, has seen the new segment: the first one would have, too.
    const { next } = watched([segment(1), segment(2)])
    await write(name(3))
    expect(await next()).to.deep.include({ type: 'segment.added', segment: segment(3) })
    expect(events).to.deep.equal([])
  })

  it('finishes when the header is final', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const finishing = make().segments.finish('camera0', [segment(1)], never())
    await close(join(folder, name(1)), 2)
    const [file] = await finishing
    expect(file).to.include({ name: name(1), duration: 2000, complete: true, format: 'mp4', camera: 'camera0' })
  })

  it('returns a cut-off file as it is, at once if it has not changed for long', async () => {
    const { segments } = make({ finalLimit: 3_600_000 })
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    await utimes(join(folder, name(1)), 1_700_000_000, 1_700_000_000)
    expect((await segments.finish('camera0', [segment(1)], never()))[0]).to.include({ duration: 2000, complete: false })
  })

  it('returns a cut-off file as it is after the limit if it changed just now', async () => {
    const { segments } = make({ finalLimit: 300 })
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    await truncate(join(folder, name(1)), 5000)
    const began = performance.now()
    const [file] = await segments.finish('camera0', [segment(1)], never())
    expect(file?.complete).to.equal(false)
    expect(performance.now() - began).to.be.at.least(250)
  })

  it('leaves out empty and missing files, and deletes none', async () => {
    await write(name(1), '')
    expect(
      await make().segments.finish(
        'camera0',
        [segment(1), segment(2), { filename: '../camera1/x.mp4', startedAt: 0 }],
        never(),
      ),
    ).to.deep.equal([])
    expect(await readdir(folder)).to.deep.equal([name(1)])
  })

  it('remuxes to Matroska and removes the original', async () => {
    const { segments } = make()
    await copyFile(join(media, 'closed.mp4'), join(folder, name(1)))
    await copyFile(join(media, 'open.mp4'), join(folder, name(2)))
    await utimes(join(folder, name(2)), 1_700_000_000, 1_700_000_000)
    const files = await segments.finish('camera0', [segment(1), segment(2)], never())
    const remuxed = await segments.toMatroska(files, never())
    expect(remuxed.map(({ name, format, complete }) => ({ name, format, complete }))).to.deep.equal(
      [1, 2].map((second) => ({ name: name(second).replace('.mp4', '.mkv'), format: 'mkv', complete: true })),
    )
    for (const { duration, path } of remuxed) {
      expect(duration).to.be.closeTo(2000, 100)
      expect((await readFile(path)).readUInt32BE(0)).to.equal(0x1a45dfa3)
    }
    expect(remuxed[1]?.modifiedAt).to.equal(1_700_000_000_000)
    expect((await readdir(folder)).sort()).to.deep.equal(remuxed.map((file) => file.name))
  })

  it('removes what a killed remux left behind, and nothing else', async () => {
    const others = [
      '.camera0_x.mkv',
      '.other.mkv.tmp',
      'camera0_x.mkv.tmp',
      '.camera1_2026-01-01_00-00-01-000000.mkv.tmp',
    ]
    for (const each of [...others, `.${name(1).replace('.mp4', '.mkv')}.tmp`]) await write(each, 'half')
    await make().segments.toMatroska([], never())
    expect((await readdir(folder)).sort()).to.deep.equal(others.sort())
  })

  it('keeps the MP4 when it cannot be remuxed, and leaves nothing else', async () => {
    const { segments, log } = make()
    await write(name(1), 'this is no video')
    await utimes(join(folder, name(1)), 1_700_000_000, 1_700_000_000)
    const files = await segments.finish('camera0', [segment(1)], never())
    expect(await segments.toMatroska(files, never())).to.deep.equal(files)
    expect(await readdir(folder)).to.deep.equal([name(1)])
    expect(log.lines).to.deep.equal([`warn a recording stays MP4 {"file":"${name(1)}","reason":"ffmpeg failed"}`])
  })

  it('keeps the MP4 when the copy holds less', async () => {
    const { segments, log } = make()
    await copyFile(join(media, 'closed.mp4'), join(folder, name(1)))
    const files = (await segments.finish('camera0', [segment(1)], never())).map((file) => ({
      ...file,
      duration: 9_000,
    }))
    expect(await segments.toMatroska(files, never())).to.deep.equal(files)
    expect(await readdir(folder)).to.deep.equal([name(1)])
    expect(log.lines).to.deep.equal([
      `warn a recording stays MP4 {"file":"${name(1)}","reason":"the copy is not whole"}`,
    ])
  })

  it('gives up remuxing with its signal, the original untouched', async () => {
    const { segments } = make()
    await copyFile(join(media, 'closed.mp4'), join(folder, name(1)))
    const files = await segments.finish('camera0', [segment(1)], never())
    const end = new AbortController()
    const remuxing = rejection(segments.toMatroska(files, end.signal))
    end.abort(new Error('stopped'))
    expect((await remuxing).message).to.equal('stopped')
    expect(await readdir(folder)).to.deep.equal([name(1)])
  })
})
