import { mkdir, mkdtemp, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createMediaFiles } from '../../../adapters/files/mediaFiles.js'
import { createQuarantines } from '../../../adapters/files/quarantine.js'
import { openRecordingFolders } from '../../../adapters/files/recordingFolders.js'
import { createSegments } from '../../../adapters/files/segments.js'
import { createStorage } from '../../../adapters/files/storage.js'
import { systemClock } from '../../../adapters/systemClock.js'
import type { SegmentEvent } from '../../../machines/domain/files.js'
import { Failure } from '../../../machines/domain/reason.js'
import { until } from '../../support/until.js'
import { keptLog, never } from '../mediamtx/fakeServer.js'
import { growing } from './media.js'

const name = (second: number) => `camera0_2026-01-01_00-00-0${second}-000000.mp4`
const timeOf = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second)

describe('two folders of recordings', () => {
  let dir = ''
  let main = ''
  let fallback = ''
  const ends: (() => unknown)[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'two-folders-'))
    main = join(dir, 'main')
    fallback = join(dir, 'fallback')
    for (const folder of [main, fallback]) await mkdir(join(folder, 'camera0'), { recursive: true })
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await rm(dir, { recursive: true, force: true })
  })

  const put = (folder: string, second: number, content = 'x') =>
    writeFile(join(folder, 'camera0', name(second)), content)
  /** As if its disk were gone. */
  const takeAway = async () => {
    await rename(main, `${main}.away`)
    await writeFile(main, '')
  }
  const bringBack = async () => {
    await rm(main)
    await rename(`${main}.away`, main)
  }
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => (error instanceof Failure ? error.code : error),
    )

  describe('as one list', () => {
    const forgotten: string[] = []
    const make = () =>
      createMediaFiles({
        recordingsDir: main,
        fallbackDir: fallback,
        snapshotsDir: dir,
        forget: async (file) => void forgotten.push(file),
      })
    const all = { limit: 100, offset: 0 }

    it('have their files in order, marked by folder; both are counted', async () => {
      await put(main, 1)
      await put(fallback, 2, 'xx')
      await put(main, 3)
      const files = make()
      const { files: listed, total, ...rest } = await files.list('recordings', all)
      expect(listed.map((file) => [file.name, file.fallback])).to.deep.equal([
        [name(3), undefined],
        [name(2), true],
        [name(1), undefined],
      ])
      expect([total, rest]).to.deep.equal([3, {}])
      expect((await files.sizes()).recordings).to.equal(4)
      expect((await files.find('recordings', name(2).slice(0, -4)))?.path).to.equal(join(fallback, 'camera0', name(2)))
      await put(fallback, 4)
      expect((await files.list('recordings', { limit: 1, offset: 0 })).files[0]?.name).to.equal(name(4))
    })

    it('return the files of one while the other cannot be read, and say why', async () => {
      await put(main, 1)
      await put(fallback, 2)
      const files = make()
      await takeAway()
      const { files: listed, total, unreadable } = await files.list('recordings', all)
      expect(listed.map((file) => file.name)).to.deep.equal([name(2)])
      expect([total, unreadable?.code]).to.deep.equal([1, 'storage_missing'])
      expect((await files.find('recordings', name(2)))?.name).to.equal(name(2))
      expect(await failure(files.find('recordings', name(1))), 'it may exist').to.equal('storage_missing')
      expect(await failure(files.remove('recordings', name(1)))).to.equal('storage_missing')
      expect(await files.remove('recordings', name(2))).to.equal(true)
      await rm(fallback, { recursive: true })
      expect(await failure(files.list('recordings', all)), 'neither can be read').to.equal('storage_missing')
      await bringBack()
      expect((await files.list('recordings', all)).files.map((file) => file.name)).to.deep.equal([name(1)])
    })

    it('have a file of the main folder before one of the same name, and delete both', async () => {
      await put(main, 1, 'of the main folder')
      await put(fallback, 1, 'a copy')
      const files = make()
      const { files: listed, total } = await files.list('recordings', all)
      expect([listed.map(({ bytes }) => bytes), total]).to.deep.equal([[18], 1])
      expect((await files.find('recordings', name(1)))?.bytes).to.equal(18)
      expect(await files.remove('recordings', name(1))).to.equal(true)
      expect((await files.list('recordings', all)).total).to.equal(0)
      expect(forgotten.slice(-1)).to.deep.equal([name(1)])
    })
  })

  it('have a quarantine each, on their own disks; a missing folder does not hide the other', async () => {
    await put(main, 1, '')
    await put(fallback, 2, '')
    const quarantine = createQuarantines([main, fallback])
    const suspects = await quarantine.suspects(undefined, never())
    expect(suspects.map((suspect) => suspect.name)).to.deep.equal([name(1), name(2)])
    for (const suspect of suspects) expect(await quarantine.move(suspect)).to.equal(suspect.name)
    expect(await readdir(join(fallback, 'quarantine'))).to.deep.equal([name(2)])
    expect(await readdir(join(main, 'quarantine'))).to.deep.equal([name(1)])
    const files = createMediaFiles({ recordingsDir: main, fallbackDir: fallback, snapshotsDir: dir })
    expect((await files.quarantined()).files).to.equal(2)
    await put(fallback, 3, '')
    await takeAway()
    expect((await quarantine.suspects(undefined, never())).map((suspect) => suspect.name)).to.deep.equal([name(3)])
  })

  describe('of one recording', () => {
    const make = () =>
      createSegments({ recordingsDir: main, fallbackDir: fallback, clock: systemClock, log: keptLog() })

    it('have all its files, which are finished where they are', async () => {
      await put(main, 1)
      await growing(join(fallback, 'camera0', name(2)), 1)
      const segments = make()
      const found = await segments.list('camera0', timeOf(0))
      expect(found).to.deep.equal([
        { filename: name(1), startedAt: timeOf(1) },
        { filename: name(2), startedAt: timeOf(2) },
      ])
      const files = await segments.finish('camera0', found, never())
      expect(files.map((file) => file.path)).to.include(join(fallback, 'camera0', name(2)))
      await takeAway()
      expect(await segments.list('camera0', timeOf(0))).to.deep.equal(found.slice(1))
      expect((await segments.first('camera0', timeOf(0), never())).filename).to.equal(name(2))
    })

    it('report a new file of the fallback, no deletion with the folder, and no old file when it is back', async () => {
      await put(main, 1)
      await put(main, 2)
      const segments = make()
      const events: SegmentEvent[] = []
      const present = [{ filename: name(2), startedAt: timeOf(2) }]
      ends.push(segments.watch('camera0', { after: timeOf(0), present }, (event) => events.push(event)))
      await until('the file that is not known yet', () => events.length === 1)
      await takeAway()
      await put(fallback, 3)
      await until('the new file', () => events.length === 2)
      await bringBack()
      await put(main, 4)
      await until('the next file', () => events.length === 3)
      expect(events.map((event) => ('segment' in event ? event.segment.filename : event.type))).to.deep.equal([
        name(1),
        name(3),
        name(4),
      ])
    })
  })

  describe('and the link that the media server writes through', () => {
    const open = async (path = fallback, runDir = join(dir, 'run')) => {
      await mkdir(runDir, { recursive: true })
      const log = keptLog()
      const folders = await openRecordingFolders({ main, fallback: path, runDir, log })
      ends.push(folders.remove)
      return { ...folders, log }
    }

    it('points to the folder in use, is on another disk than the recordings, and is removed', async () => {
      const { record, use, remove } = await open()
      expect(await readlink(record)).to.equal(main)
      await use('fallback')
      expect(await readlink(record)).to.equal(fallback)
      await use('main')
      expect(await readlink(record)).to.equal(main)
      const [link, recordings] = [await stat(join(record, '..')), await stat(main)]
      if (link.dev !== recordings.dev) {
        await remove()
        expect(await failure(readlink(record))).to.be.instanceOf(Error)
      }
    })

    it('does not exist without a fallback', async () => {
      const { record, fallback: none } = await open('')
      expect([record, none]).to.deep.equal([main, undefined])
    })

    it('comes with a fallback folder that is created, for this user and the group', async () => {
      const made = join(dir, 'new', 'recordings')
      await open(made)
      expect(((await stat(made)).mode & 0o777).toString(8)).to.match(/^7[05]0$/)
    })

    it('warns of a fallback that cannot be used at present, and keeps it', async () => {
      await writeFile(join(dir, 'file'), '')
      const { fallback: kept, log } = await open(join(dir, 'file', 'recordings'))
      expect(kept).to.equal(join(dir, 'file', 'recordings'))
      expect(log.lines.join()).to.contain('storage.fallback_path cannot be used at present')
    })

    it('does not use a fallback that leads to the recordings by a link', async () => {
      await symlink(main, join(dir, 'link'))
      const { record, fallback: none, log } = await open(join(dir, 'link'))
      expect([record, none]).to.deep.equal([main, undefined])
      expect(log.lines.join()).to.contain('it leads to the folder of the recordings')
    })
  })

  it('are measured each by itself', async () => {
    const storage = createStorage({ dir: main, fallbackDir: fallback, stateDir: dir })
    await takeAway()
    expect((await storage.usage('main')).fault?.code).to.equal('storage_missing')
    expect((await storage.usage('fallback')).fault).to.equal(undefined)
  })
})
