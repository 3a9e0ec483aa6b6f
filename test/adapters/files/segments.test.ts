import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
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
import { keptLog, never, rejection } from '../mediamtx/fakeServer.js'
import { close, closed, growing } from './media.js'

const name = (second: number) => `camera0_2026-01-01_00-00-0${second}-500000.mp4`
const segment = (second: number) => ({ filename: name(second), startedAt: Date.UTC(2026, 0, 1, 0, 0, second, 500) })

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

  const make = (options: { stallAfter?: number; now?: () => number } = {}) => {
    const log = keptLog()
    const { stallAfter = 200, now = Date.now } = options
    return { log, segments: createSegments({ recordingsDir: dir, clock: { now }, log, stallAfter }) }
  }
  const write = (file: string, content = 'bytes') => writeFile(join(folder, file), content)

  /** Events as they come, waited for one by one. */
  const watched = (known: string[], first: ReturnType<typeof segment>, stallAfter?: number) => {
    const events: SegmentEvent[] = []
    let wake = () => {}
    const { segments } = make(stallAfter === undefined ? {} : { stallAfter })
    ends.push(
      segments.watch('camera0', known, first, (event) => {
        events.push(event)
        wake()
      }),
    )
    return {
      events,
      next: async (): Promise<SegmentEvent | undefined> => {
        while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
        return events.shift()
      },
    }
  }

  it('knows what is there, of this camera only', async () => {
    const { segments } = make()
    await write(name(1))
    await write('camera1_2026-01-01_00-00-00-000000.mp4')
    await write('other.mp4')
    expect(await segments.known('camera0')).to.deep.equal([name(1)])
    expect(await segments.known('camera9')).to.deep.equal([])
  })

  it('waits for the first bytes of a new segment, not for its name', async () => {
    const { segments } = make()
    await write(name(1))
    const first = segments.first('camera0', [name(1)], never())
    await write(name(2), '')
    await write('camera1_2026-01-01_00-00-00-000000.mp4')
    const early = await Promise.race([
      first,
      new Promise<string>((resolve) => setTimeout(() => resolve('nothing yet'), 150)),
    ])
    expect(early).to.equal('nothing yet')
    await appendFile(join(folder, name(2)), 'bytes')
    expect(await first).to.deep.equal(segment(2))
  })

  it('waits for a folder that is not there yet', async () => {
    await rm(folder, { recursive: true })
    const first = make().segments.first('camera0', [], never())
    await mkdir(folder)
    await write(name(3))
    expect(await first).to.deep.equal(segment(3))
  })

  it('stops waiting with its signal', async () => {
    const end = new AbortController()
    const first = rejection(make().segments.first('camera0', [], end.signal))
    end.abort(new Error('stopped'))
    expect((await first).message).to.equal('stopped')
    expect((await rejection(make().segments.first('camera0', [], end.signal))).message).to.equal('stopped')
  })

  it('tells of a stall, of growth after it, and of the next segment', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const { next } = watched([], segment(1))
    expect(await next()).to.deep.equal({ type: 'segment.stalled' })
    await appendFile(join(folder, name(1)), 'more')
    expect(await next()).to.deep.equal({ type: 'segment.growing' })
    expect(await next()).to.deep.equal({ type: 'segment.stalled' })
    await write(name(2))
    expect(await next()).to.deep.equal({ type: 'segment.added', segment: segment(2) })
  })

  it('does not take the closing of a file for growth', async () => {
    const content = await readFile(join(media, 'open.mp4'))
    await writeFile(join(folder, name(1)), content.subarray(0, 5000))
    const { next, events } = watched([], segment(1))
    expect(await next()).to.deep.equal({ type: 'segment.stalled' })
    await copyFile(join(media, 'closed.mp4'), join(folder, name(1)))
    await new Promise((resolve) => setTimeout(resolve, 150))
    await write(name(2))
    expect(await next()).to.deep.equal({ type: 'segment.added', segment: segment(2) })
    expect(events).to.deep.equal([])
  })

  it('takes a deleted open file for a stall at once', async () => {
    await write(name(1))
    const { next } = watched([], segment(1), 60_000)
    await unlink(join(folder, name(1)))
    expect(await next()).to.deep.equal({ type: 'segment.stalled' })
  })

  it('is silent about what was known, and after its end', async () => {
    await write(name(1))
    await write(name(2))
    const { segments } = make({ stallAfter: 60_000 })
    const events: SegmentEvent[] = []
    const end = segments.watch('camera0', [name(1)], segment(2), (event) => events.push(event))
    end()
    end()
    await write(name(3))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(events).to.deep.equal([])
  })

  it('finishes when the header is final', async () => {
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    const finishing = make().segments.finish('camera0', [segment(1)], never())
    await close(join(folder, name(1)), 2)
    const [file] = await finishing
    expect(file).to.include({ name: name(1), duration: 2000, complete: true, format: 'mp4', camera: 'camera0' })
  })

  it('tells a cut-off file as it is, at once when it has long not changed', async function () {
    this.timeout(8_000)
    const { segments } = make()
    await copyFile(join(media, 'open.mp4'), join(folder, name(1)))
    await utimes(join(folder, name(1)), 1_700_000_000, 1_700_000_000)
    const began = performance.now()
    expect((await segments.finish('camera0', [segment(1)], never()))[0]).to.include({ duration: 2000, complete: false })
    expect(performance.now() - began).to.be.below(500)
    await truncate(join(folder, name(1)), 5000)
    const file = (await segments.finish('camera0', [segment(1)], never()))[0]
    expect(file?.complete).to.equal(false)
    expect(performance.now() - began).to.be.within(1900, 4000)
  })

  it('removes empty files and leaves missing ones out', async () => {
    await write(name(1), '')
    expect(
      await make().segments.finish(
        'camera0',
        [segment(1), segment(2), { filename: '../camera1/x.mp4', startedAt: 0 }],
        never(),
      ),
    ).to.deep.equal([])
    expect(await readdir(folder)).to.deep.equal([])
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
