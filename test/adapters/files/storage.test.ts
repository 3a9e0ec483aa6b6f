import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeAtomically } from '../../../adapters/data/atomic.js'
import { createStorage } from '../../../adapters/files/storage.js'
import { because } from '../../../machines/domain/reason.js'
import { type SmallDisk, smallDisk } from '../../support/smallDisk.js'

describe('storage', () => {
  let dir = ''
  const disks: SmallDisk[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'storage-'))
  })
  afterEach(async () => {
    for (const disk of disks.splice(0)) disk.remove()
    await rm(dir, { recursive: true })
  })
  const storage = (at = dir) => createStorage({ dir: at, stateDir: at })
  const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)
  /** A disk of this test; the test is skipped, with the reason, where none can be mounted. */
  const small = (test: Mocha.Context, size: string, options?: string) => {
    const found = smallDisk(size, options)
    if (typeof found !== 'string') {
      disks.push(found)
      return found
    }
    console.log(`      skipped: ${found}`)
    return test.skip()
  }

  it('measures the same as df, and leaves nothing in the folder', async () => {
    const { total, used, available, percent, inodesPercent, fault } = await storage().usage('main')
    expect(total).to.be.at.least(used + available)
    expect(percent).to.be.closeTo((100 * used) / (used + available), 0.001)
    expect(inodesPercent).to.be.within(0, 100)
    expect(fault).to.equal(undefined)
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('shows that no inodes are left', async function () {
    const disk = small(this, '1m', ',nr_inodes=8')
    for (let number = 0; number < 7; number++) await writeFile(join(disk.dir, String(number)), '').catch(() => {})
    const { percent, inodesPercent, inodes, fault } = await storage(disk.dir).usage('main')
    expect([inodesPercent, inodes]).to.deep.equal([100, 8])
    expect(percent).to.be.below(90)
    expect(fault).to.deep.equal(because('storage_full', 'no file can be written (ENOSPC)', { errno: 'ENOSPC' }))
  })

  it('shows that the disk is full', async function () {
    const disk = small(this, '64k')
    disk.fill()
    const { percent, fault } = await storage(disk.dir).usage('main')
    expect([percent, fault?.code]).to.deep.equal([100, 'storage_full'])
  })

  it('shows that the disk is read-only', async function () {
    const disk = small(this, '64k')
    disk.setReadOnly()
    const { total, fault } = await storage(disk.dir).usage('main')
    expect(total).to.equal(65_536)
    expect(fault).to.deep.equal(because('storage_read_only', 'the disk is read-only (EROFS)', { errno: 'EROFS' }))
  })

  for (const [code, expected] of [
    ['EIO', 'storage_failed'],
    ['EACCES', 'storage_denied'],
    ['EPERM', 'storage_denied'],
    ['ENOENT', 'storage_missing'],
    ['EDQUOT', 'storage_full'],
  ] as const)
    it(`shows why no file can be written: ${code}`, async () => {
      const write = () => Promise.reject(Object.assign(new Error(`${code}: /secret`), { code }))
      const { fault } = await createStorage({ dir, stateDir: dir, write }).usage('main')
      expect(fault?.code).to.equal(expected)
      expect(fault?.details).to.contain(`(${code})`).and.not.to.contain('secret')
    })

  it('rejects when a write fails for want of something else, such as file descriptors', async () => {
    const write = () => Promise.reject(Object.assign(new Error('EMFILE: /secret'), { code: 'EMFILE' }))
    expect(await failure(createStorage({ dir, stateDir: dir, write }).usage('main'))).to.deep.include({
      code: 'storage_unknown',
      message: 'the disk cannot be checked (EMFILE)',
    })
  })

  it('rejects without a path when the folder is missing', async () => {
    expect(await failure(storage('/nonexistent/x').usage('main'))).to.deep.include({
      code: 'storage_missing',
      message: 'the folder of the recordings is missing: its disk may not be mounted (ENOENT)',
    })
  })

  it('creates the folder again when it was removed, and says so once', async () => {
    const main = join(dir, 'recordings')
    await mkdir(main)
    const created: string[] = []
    const one = createStorage({ dir: main, stateDir: dir, log: { warn: (line) => created.push(line) } })
    expect((await one.usage('main')).fault).to.equal(undefined)
    await rm(main, { recursive: true })
    expect((await one.usage('main')).fault).to.equal(undefined)
    expect([created.length, (await stat(main)).isDirectory()]).to.deep.equal([1, true])
    await rm(main, { recursive: true })
    await writeFile(main, 'a file is no folder')
    expect((await one.usage('main')).fault?.code).to.equal('storage_missing')
  })

  it('does not create a folder whose disk is gone, nor one that it has never seen', async function () {
    const disk = small(this, '64k')
    const main = join(disk.dir, 'recordings')
    const one = createStorage({ dir: main, stateDir: dir })
    expect((await failure(one.usage('main'))) as object).to.deep.include({ code: 'storage_missing' })
    await mkdir(main)
    await one.usage('main')
    const own = createStorage({ dir: disk.dir, stateDir: dir })
    await own.usage('main')
    disks.splice(disks.indexOf(disk), 1)
    disk.remove()
    await mkdir(disk.dir)
    expect(await failure(one.usage('main')), 'its parent is on another disk now').to.deep.include({
      code: 'storage_missing',
    })
    await rm(disk.dir, { recursive: true })
    expect(await failure(own.usage('main')), 'it was a disk itself').to.deep.include({ code: 'storage_missing' })
  })

  it('checks a disk that hangs once, not again and again', async () => {
    let writes = 0
    let end = () => {}
    const write = () => {
      writes += 1
      return new Promise<void>((resolve) => {
        end = resolve
      })
    }
    const hanging = createStorage({ dir, stateDir: dir, write })
    const both = Promise.all([hanging.usage('main'), hanging.usage('main')])
    expect(writes).to.equal(1)
    end()
    const [one, other] = await both
    expect(one).to.equal(other)
  })
})

describe('the reserve for state files', () => {
  let disk: SmallDisk
  before(function () {
    const found = smallDisk('2m')
    if (typeof found === 'string') {
      console.log(`      skipped: ${found}`)
      return this.skip()
    }
    disk = found
  })
  after(() => disk?.remove())

  it('is used up by a state file that finds no room, and made again when there is room', async () => {
    const stateDir = join(disk.dir, 'state')
    const reserve = join(stateDir, 'reserve')
    const size = async () => (await stat(reserve).catch(() => undefined))?.size
    const { keepReserve } = createStorage({ dir: disk.dir, stateDir })
    await mkdir(stateDir)
    await keepReserve()
    expect(await size()).to.equal(1_048_576)
    const { ino } = await stat(reserve)
    await keepReserve()
    expect((await stat(reserve)).ino, 'it is left alone').to.equal(ino)

    disk.fill()
    await writeAtomically(join(stateDir, 'keys.json'), 'x'.repeat(10_000))
    expect(await readFile(join(stateDir, 'keys.json'), 'utf8')).to.have.length(10_000)
    expect(await size()).to.equal(undefined)
    await Promise.all([1, 2, 3].map((number) => writeAtomically(join(stateDir, `${number}.json`), 'x')))

    disk.fill()
    const refused = await keepReserve().catch((error: Error) => error.message)
    expect(refused).to.equal('the reserve cannot be written (ENOSPC)')
    expect((await readdir(stateDir)).sort()).to.deep.equal(['1.json', '2.json', '3.json', 'keys.json'])
    for (const name of await readdir(disk.dir)) if (name.startsWith('filling')) await rm(join(disk.dir, name))
    await keepReserve()
    expect(await size()).to.equal(1_048_576)
  })
})
