import fs, { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openFileBook } from '../../../adapters/files/fileBook.js'
import { createMediaFiles, type MediaFilesOptions } from '../../../adapters/files/mediaFiles.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { FileKind } from '../../../machines/domain/ports.js'
import { Failure } from '../../../machines/domain/reason.js'
import { keptLog } from '../mediamtx/fakeServer.js'
import { growing } from './media.js'

describe('media files', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'files-'))
    for (const folder of ['recordings/camera0', 'recordings/camera1', 'snapshots/camera0'])
      await mkdir(join(dir, folder), { recursive: true })
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const make = (more: Partial<MediaFilesOptions> = {}) =>
    createMediaFiles({ recordingsDir: join(dir, 'recordings'), snapshotsDir: join(dir, 'snapshots'), ...more })
  const put = (path: string, content = 'x') => writeFile(join(dir, path), content)
  const all = { limit: 100, offset: 0 }
  const rejectionOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    )

  describe('in a folder that cannot be read', () => {
    const failing = async (kind: FileKind) => {
      const files = make()
      const error = await rejectionOf(files.list(kind, all))
      const others = await Promise.all([
        rejectionOf(files.find(kind, kind === 'recordings' ? 'x.mp4' : 'x.jpg')),
        rejectionOf(files.all(kind)),
        rejectionOf(files.sizes()),
      ])
      for (const other of others) expect(other).to.be.instanceOf(Failure)
      expect(error).to.be.instanceOf(Failure)
      const { code, message } = error as Failure
      return `${code}: ${message}`
    }

    it('rejects with the reason, after it could be read as well', async () => {
      const files = make()
      expect((await files.list('recordings', all)).total).to.equal(0)
      await rm(join(dir, 'recordings'), { recursive: true })
      expect(await rejectionOf(files.list('recordings', all))).to.be.instanceOf(Failure)
      expect(await failing('recordings')).to.equal(
        'storage_missing: the folder of the recordings is missing: its disk may not be mounted (ENOENT)',
      )
      await mkdir(join(dir, 'recordings'))
      expect((await files.list('recordings', all)).total).to.equal(0)
    })

    it('rejects if it is a file', async () => {
      await rm(join(dir, 'snapshots'), { recursive: true })
      await put('snapshots')
      expect(await failing('snapshots')).to.equal(
        'storage_missing: the folder of the snapshots is missing: its disk may not be mounted (ENOTDIR)',
      )
    })
  })

  it('lists the files of all cameras by page, newest first', async () => {
    await put('recordings/camera0/camera0_2026-01-01_00-00-00-000000.mp4')
    await put('recordings/camera1/camera1_2026-01-01_00-00-01-000000.mkv')
    await put('recordings/camera0/camera0_2026-01-01_00-00-02-000000.mp4', 'four')
    const files = make()
    const { files: listed, total } = await files.list('recordings', all)
    expect(listed.map(({ name }) => name)).to.deep.equal([
      'camera0_2026-01-01_00-00-02-000000.mp4',
      'camera1_2026-01-01_00-00-01-000000.mkv',
      'camera0_2026-01-01_00-00-00-000000.mp4',
    ])
    expect(total).to.equal(3)
    expect(listed[0]).to.include({
      camera: 'camera0',
      bytes: 4,
      createdAt: Date.UTC(2026, 0, 1, 0, 0, 2),
      path: join(dir, 'recordings/camera0/camera0_2026-01-01_00-00-02-000000.mp4'),
    })
    expect((await files.list('recordings', { limit: 1, offset: 1 })).files.map(({ camera }) => camera)).to.deep.equal([
      'camera1',
    ])
    expect(await files.list('recordings', { limit: 5, offset: 9 })).to.deep.equal({ files: [], total: 3 })
  })

  it('orders snapshots without a time in the name by modification time', async () => {
    await put('snapshots/camera0/door.jpg')
    await utimes(join(dir, 'snapshots/camera0/door.jpg'), 1_700_000_000, 1_700_000_000)
    await put('snapshots/camera0/camera0_2020-01-01_00-00-00-000.png')
    expect((await make().list('snapshots', all)).files.map(({ name }) => name)).to.deep.equal([
      'door.jpg',
      'camera0_2020-01-01_00-00-00-000.png',
    ])
  })

  it('follows files that appear, disappear and get their first bytes', async () => {
    const files = make()
    const seconds = async () =>
      (await files.list('recordings', all)).files.map(({ createdAt }) => new Date(createdAt).getUTCSeconds())
    const file = (second: number) => `recordings/camera0/camera0_2026-01-01_00-00-0${second}-000000.mp4`
    await put(file(1))
    await put(file(2), '')
    expect(await seconds()).to.deep.equal([1])
    await put(file(2))
    expect(await seconds()).to.deep.equal([2, 1])
    await put(file(3))
    await rm(join(dir, file(1)))
    expect(await seconds()).to.deep.equal([3, 2])
    // A file that is emptied is still in the listing, but is not returned.
    await truncate(join(dir, file(3)))
    expect(await seconds()).to.deep.equal([2])
  })

  it('finds a file that appeared in the same clock tick as the last listing', async () => {
    const files = make()
    const folder = join(dir, 'recordings/camera0')
    const tick = Math.floor(Date.now() / 100) / 10
    await put('recordings/camera0/camera0_2026-01-01_00-00-01-000000.mp4')
    await utimes(folder, tick, tick)
    expect((await files.list('recordings', all)).total).to.equal(1)
    await put('recordings/camera0/camera0_2026-01-01_00-00-02-000000.mp4')
    await utimes(folder, tick, tick)
    expect((await files.list('recordings', all)).total).to.equal(2)
  })

  describe('with times of a file system that', () => {
    const second = (n: number) => `camera0_2026-01-01_00-00-0${n}-000000.mp4`
    const fileSystems = {
      'counts steps of 2 s': [2_000, 0],
      'counts steps of 2 s, an hour ahead of ours': [2_000, 3_600_000],
      'counts steps of 2 s, an hour behind ours': [2_000, -3_600_000],
      'counts ticks of the kernel, a day ahead of ours': [4, 86_400_123],
    } as const
    for (const [what, [step, ahead]] of Object.entries(fileSystems))
      it(`${what}: a new file is in the next list`, async () => {
        const begin = Date.UTC(2026, 0, 1)
        let now = 0
        const files = make({ monotonic: () => now })
        const folder = join(dir, 'recordings/camera0')
        const add = async (n: number) => {
          await put(`recordings/camera0/${second(n)}`)
          const time = Math.floor((begin + now + ahead) / step) * step
          await utimes(folder, time / 1_000, time / 1_000)
        }
        const newest = async () => (await files.list('recordings', { limit: 1, offset: 0 })).files[0]?.name
        // The last two bear the same time, just before and just after a look.
        for (const [n, at] of [100, 300, 1_990, 4_000, 4_100, 5_990].entries()) {
          now = at
          await add(n + 1)
          expect(await newest(), `after ${at} ms`).to.equal(second(n + 1))
          now += 5
          expect(await newest()).to.equal(second(n + 1))
        }
      })
  })

  it('remembers over a restart which files have bytes, and looks only at the others', async () => {
    const second = (n: number) => `camera0_2026-01-01_00-00-0${n}-000000.mp4`
    for (const n of [1, 2]) await put(`recordings/camera0/${second(n)}`)
    await put('snapshots/camera0/door.jpg')
    await utimes(join(dir, 'snapshots/camera0/door.jpg'), 1_700_000_000, 1_700_000_000)
    const names = async (files: ReturnType<typeof make>, kind: FileKind = 'recordings') =>
      (await files.list(kind, all)).files.map(({ name }) => name)
    const open = () => openFileBook({ file: join(dir, 'book'), log: keptLog() })
    const book = await open()
    const before = make({ book })
    expect([await names(before), await names(before, 'snapshots')]).to.deep.equal([
      [second(2), second(1)],
      ['door.jpg'],
    ])
    await book.flush()
    await rm(join(dir, 'recordings/camera0', second(1)))
    await put(`recordings/camera0/${second(3)}`)
    await put(`recordings/camera0/${second(4)}`, '')
    // A file that was cut to nothing shows whether it was looked at.
    await truncate(join(dir, 'recordings/camera0', second(2)))
    const again = make({ book: await open() })
    expect((await again.list('recordings', all)).total).to.equal(2)
    expect([await names(again), await names(again, 'snapshots')]).to.deep.equal([[second(3)], ['door.jpg']])
  })

  it('lists a file once that appears while two lists are made', async () => {
    const files = make()
    await put('recordings/camera0/camera0_2026-01-01_00-00-01-000000.mp4')
    const first = files.list('recordings', all)
    await put('recordings/camera0/camera0_2026-01-01_00-00-02-000000.mp4')
    const lists = await Promise.all([first, files.list('recordings', all), files.list('recordings', all)])
    expect(lists.slice(1).map(({ total }) => total)).to.deep.equal([2, 2])
    expect((await files.list('recordings', all)).total).to.equal(2)
  })

  it('skips empty files, links, hidden and foreign files', async () => {
    await put('secret.mp4', 'secret')
    await put('recordings/camera0/camera0_2026-01-01_00-00-00-000000.mp4', '')
    await put('recordings/camera0/.camera0_2026-01-01_00-00-00-000000.mkv.tmp')
    await put('recordings/camera0/notes.txt')
    await put('recordings/loose.mp4')
    await mkdir(join(dir, 'recordings/camera0/camera0_2026-01-01_00-00-05-000000.mp4'))
    await symlink(join(dir, 'secret.mp4'), join(dir, 'recordings/camera0/camera0_2026-01-01_00-00-01-000000.mp4'))
    await mkdir(join(dir, 'elsewhere'))
    await put('elsewhere/camera7_2026-01-01_00-00-01-000000.mp4')
    await symlink(join(dir, 'elsewhere'), join(dir, 'recordings/camera7'))
    const files = make()
    expect(await files.list('recordings', all)).to.deep.equal({ files: [], total: 0 })
    for (const name of [
      'camera0_2026-01-01_00-00-00-000000',
      'camera0_2026-01-01_00-00-01-000000',
      'camera7_2026-01-01_00-00-01-000000.mp4',
      'notes.txt',
      'loose',
    ])
      expect(await files.find('recordings', name), name).to.equal(undefined)
    expect(await files.remove('recordings', 'camera0_2026-01-01_00-00-01-000000.mp4')).to.equal(false)
  })

  it('finds a file by name with or without extension in every folder', async () => {
    await put('recordings/camera0/camera0_2026-01-01_00-00-00-000000.mp4')
    await put('snapshots/camera0/front.door.jpg')
    await put('snapshots/camera0_2026-01-01_00-00-00-000.jpg')
    const files = make()
    const camera = async (kind: FileKind, name: string) => (await files.find(kind, name))?.camera
    expect(await camera('recordings', 'camera0_2026-01-01_00-00-00-000000')).to.equal('camera0')
    expect(await camera('recordings', 'camera0_2026-01-01_00-00-00-000000.mp4')).to.equal('camera0')
    expect(await camera('recordings', 'camera0_2026-01-01_00-00-00-000000.mkv')).to.equal(undefined)
    expect(await camera('snapshots', 'front.door')).to.equal('camera0')
    expect(await camera('snapshots', 'camera0_2026-01-01_00-00-00-000')).to.equal('camera0')
    expect(await camera('snapshots', 'other')).to.equal(undefined)
    await put('snapshots/camera0/Haustür 2.jpg')
    expect(await camera('snapshots', 'Haustür 2')).to.equal('camera0')
    expect((await files.list('snapshots', all)).files.map(({ name }) => name)).to.include('Haustür 2.jpg')
    expect(await camera('snapshots', 'ä'.repeat(126))).to.equal(undefined)
  })

  it('rejects invalid names', async () => {
    const files = make()
    for (const name of ['../secret', '..', 'camera0/x', '', 'a\0.mp4', '.hidden']) {
      const error = await rejectionOf(files.find('recordings', name))
      expect(error, name).to.be.instanceOf(ServiceError).with.property('key', 'invalidParams')
      expect(await rejectionOf(files.remove('recordings', name)), name).to.be.instanceOf(ServiceError)
    }
  })

  it('deletes a file, and returns false the second time', async () => {
    await put('recordings/camera0/camera0_2026-01-01_00-00-00-000000.mp4')
    const files = make()
    expect(await files.sizes()).to.deep.equal({ recordings: 1, snapshots: 0 })
    expect(await files.remove('recordings', 'camera0_2026-01-01_00-00-00-000000')).to.equal(true)
    expect(await files.remove('recordings', 'camera0_2026-01-01_00-00-00-000000')).to.equal(false)
    expect(await files.list('recordings', all)).to.deep.equal({ files: [], total: 0 })
    expect(await files.sizes()).to.deep.equal({ recordings: 0, snapshots: 0 })
  })

  it('describes a recording from its content', async () => {
    const path = join(dir, 'recordings/camera0/camera0_2026-01-01_00-00-00-000000.mp4')
    await growing(path, 2)
    expect(await make().recording('camera0_2026-01-01_00-00-00-000000')).to.include({
      format: 'mp4',
      duration: 2000,
      complete: false,
    })
    await put('recordings/camera0/camera0_2026-01-01_00-00-09-000000.mkv', 'rubbish')
    expect(await make().recording('camera0_2026-01-01_00-00-09-000000')).to.include({
      format: 'mkv',
      duration: 0,
      complete: false,
    })
    expect(await make().recording('camera0_2026-01-01_00-00-08-000000')).to.equal(undefined)
  })

  it('adds up the sizes of many files without losing any', async () => {
    const bytes = Array.from({ length: 300 }, (_, index) => index + 1)
    await Promise.all(
      bytes.flatMap((size) => [
        put(`recordings/camera0/camera0_2026-01-01_00-00-00-${String(size).padStart(6, '0')}.mp4`, 'x'.repeat(size)),
        put(`snapshots/camera0/picture ${size}.jpg`, 'x'.repeat(2 * size)),
      ]),
    )
    expect(await make().sizes()).to.deep.equal({ recordings: 45_150, snapshots: 90_300 })
  })

  it('examines 10,000 files only once', async () => {
    const folder = join(dir, 'recordings/camera0')
    await put('seed')
    const timeName = (second: number) =>
      new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-')
    const names = Array.from({ length: 10_000 }, (_, i) => `camera0_${timeName(i)}-000000.mp4`)
    for (let i = 0; i < names.length; i += 500)
      await Promise.all(names.slice(i, i + 500).map((name) => fs.link(join(dir, 'seed'), join(folder, name))))
    await utimes(folder, 1_700_000_000, 1_700_000_000)
    let now = 0
    const files = make({ monotonic: () => now })
    expect((await files.list('recordings', { limit: 10, offset: 0 })).total).to.equal(10_000)
    now += 3_000
    expect((await files.list('recordings', { limit: 10, offset: 0 })).total).to.equal(10_000)
    // A change that the folder's time does not show is not seen: nothing is read again.
    await rm(join(folder, names[1] ?? ''))
    await utimes(folder, 1_700_000_000, 1_700_000_000)
    for (let i = 0; i < 20; i++)
      expect((await files.list('recordings', { limit: 10, offset: i * 10 })).total).to.equal(10_000)
    await rename(join(folder, names[0] ?? ''), join(folder, 'camera0_2027-01-01_00-00-00-000000.mp4'))
    const {
      files: [first],
      total,
    } = await files.list('recordings', { limit: 1, offset: 0 })
    expect([first?.name, total]).to.deep.equal(['camera0_2027-01-01_00-00-00-000000.mp4', 9_999])
  })
})
