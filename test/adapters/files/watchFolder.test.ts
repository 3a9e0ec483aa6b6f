import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type LookInterval, watchFolder } from '../../../adapters/files/watchFolder.js'

describe('a watched folder', () => {
  const closers: (() => void)[] = []
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'watched-'))
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) close()
    await rm(dir, { recursive: true, force: true })
  })

  /** Counts the looks at a folder. `looked(count)`: waits until there were so many. */
  const watched = (folder: string, interval: LookInterval) => {
    const looks = new EventEmitter()
    let count = 0
    const look = async () => {
      count += 1
      looks.emit('look')
    }
    closers.push(watchFolder(folder, interval, look))
    const looked = async (wanted: number) => {
      while (count < wanted) await once(looks, 'look')
    }
    return { count: () => count, looked }
  }
  const seldom = { polled: 50_000, trusted: 60_000 }

  it('is looked at now and at each change', async () => {
    const { looked, count } = watched(dir, seldom)
    await looked(1)
    await writeFile(join(dir, 'file'), '')
    await looked(2)
    expect(count()).to.be.at.least(2)
  })

  it('is looked at often only where inotify may report nothing', async () => {
    const often = { polled: 10, trusted: 60_000 }
    const local = watched(dir, often)
    // The kernel makes up the files there.
    const other = watched('/proc/self', often)
    await other.looked(6)
    expect(local.count()).to.equal(1)
  })

  it('is looked at often until it exists', async () => {
    const later = join(dir, 'later', 'folder')
    const { looked } = watched(later, { polled: 10, trusted: 60_000 })
    await looked(4)
  })

  it('is watched again after it was removed and made again', async () => {
    const inner = join(dir, 'inner')
    await mkdir(inner)
    const { looked, count } = watched(inner, seldom)
    await looked(1)
    await rm(inner, { recursive: true })
    await looked(2)
    const before = count()
    await mkdir(inner)
    await looked(before + 1)
    const made = count()
    await writeFile(join(inner, 'file'), '')
    await looked(made + 1)
  })
})
