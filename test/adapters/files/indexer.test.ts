import { execFile } from 'node:child_process'
import {
  appendFile,
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createMemoryBook, type FileBook, openFileBook } from '../../../adapters/files/fileBook.js'
import { createIndexer } from '../../../adapters/files/indexer.js'
import { inTurn } from '../../../adapters/files/inTurn.js'
import { createMediaFiles } from '../../../adapters/files/mediaFiles.js'
import { readMp4 } from '../../../adapters/files/mp4.js'
import type { Unindexed } from '../../../machines/domain/files.js'
import { Failure } from '../../../machines/domain/reason.js'
import { until } from '../../rpc/wait.js'
import { callsDuring } from '../../support/fileReads.js'
import { later } from '../../support/later.js'
import { smallDisk } from '../../support/smallDisk.js'
import { keptLog } from '../mediamtx/fakeServer.js'
import { closed, growing, plain } from './media.js'

const run = promisify(execFile)
const name = (second: number, end = '.mp4') => `camera0_2026-01-01_00-00-0${second}-000000${end}`
const closedAt = 1_767_225_600_123.4
const never = new AbortController().signal

describe('the indexer of recordings', () => {
  let media = ''
  let dir = ''
  let now = closedAt + 10_000
  const at = (...path: string[]) => join(dir, ...path)
  before(async () => {
    media = await mkdtemp(join(tmpdir(), 'indexer-media-'))
    const [open, whole] = [join(media, 'open.mp4'), join(media, 'closed.mp4')]
    await Promise.all([growing(open, 3), closed(whole, 3), plain(join(media, 'plain.mp4'), 1)])
  })
  after(() => rm(media, { recursive: true }))
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'indexer-'))
    now = closedAt + 10_000
    await mkdir(at('camera0'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  /** Without `nice`: beside other work, a copy of the lowest priority may take longer than a test. */
  const atOnce = { path: '', clock: { now: () => now } }
  const make = () => createIndexer({ ...atOnce, dirs: [dir] })
  const put = async (source: string, to = name(1), modifiedAt = closedAt) => {
    await copyFile(join(media, source), at('camera0', to))
    await utimes(at('camera0', to), modifiedAt / 1000, modifiedAt / 1000)
    return at('camera0', to)
  }
  const ready = async (indexer = make()) => (await indexer.unindexed(never)).filter(({ isAtRest }) => isAtRest)
  const only = async (): Promise<Unindexed> => {
    const [file] = await ready()
    if (!file) throw new Error('no file without an index was found')
    return file
  }
  /** The types of the first boxes. */
  const boxesOf = async (file: string) => {
    const content = await readFile(file)
    const types: string[] = []
    for (let offset = 0; offset + 8 <= content.length; offset += content.readUInt32BE(offset))
      types.push(content.toString('latin1', offset + 4, offset + 8))
    return types
  }
  const packets = async (file: string) => {
    const entries = 'stream=codec_name,codec_tag_string,nb_read_packets'
    const { stdout } = await run('ffprobe', [
      '-v',
      'error',
      '-count_packets',
      '-show_entries',
      entries,
      '-of',
      'csv',
      file,
    ])
    return stdout.trim().split('\n')
  }
  /** Hashes of the packets of all tracks, without their times. */
  const payload = async (file: string) => {
    const args = ['-v', 'error', '-i', file, '-map', '0', '-c', 'copy', '-f', 'streamhash', '-']
    return (await run('ffmpeg', args)).stdout
  }

  for (const [format, layout] of [
    ['fmp4', ['ftyp', 'moov', 'sidx', 'moof', 'mdat']],
    ['mp4', ['ftyp', 'moov', 'free', 'mdat']],
  ] as const)
    it(`replaces ${format} by a copy with an index, the same media, name, time and mode`, async () => {
      const path = await put('closed.mp4')
      await chmod(path, 0o640)
      const [before, media, count] = [await stat(path), await payload(path), await packets(path)]
      expect(await readMp4(path)).to.deep.equal({ duration: 3000, complete: true, indexed: false })
      const bytes = await make().index(await only(), format, never)
      const after = await stat(path)
      expect(after.size).to.equal(bytes)
      expect(after.mtimeMs).to.be.closeTo(before.mtimeMs, 0.01)
      expect(after.mode).to.equal(before.mode)
      expect(after.ino).not.to.equal(before.ino)
      expect(await readMp4(path)).to.deep.equal({ duration: 3000, complete: true, indexed: true })
      expect([await payload(path), await packets(path)]).to.deep.equal([media, count])
      expect((await boxesOf(path)).slice(0, layout.length)).to.deep.equal(layout)
      expect((await boxesOf(path)).includes('moof')).to.equal(format === 'fmp4')
      expect(await readdir(at('camera0'))).to.deep.equal([name(1)])
      expect(await ready()).to.deep.equal([])
    })

  for (const format of ['fmp4', 'mp4'] as const)
    it(`keeps the sound, and gives H.265 the tag that all players accept (${format})`, async () => {
      const source = join(media, 'sound.mp4')
      await run('ffmpeg', [
        ...['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=15:duration=2'],
        ...['-f', 'lavfi', '-i', 'sine=duration=2', '-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hev1'],
        ...['-x265-params', 'keyint=15:log-level=none', '-c:a', 'aac', '-movflags', '+empty_moov+default_base_moof'],
        ...['-frag_duration', '200000', source],
      ])
      const path = await put('sound.mp4', name(1), closedAt - 600_000)
      const before = await packets(path)
      expect(before[0]).to.include('hev1')
      await make().index(await only(), format, never)
      expect(await packets(path)).to.deep.equal(before.map((line) => line.replace('hev1', 'hvc1')))
      expect((await readMp4(path))?.indexed).to.equal(true)
    })

  for (const format of ['fmp4', 'mp4'] as const)
    it(`keeps the frames before the first keyframe of a file that begins in the middle (${format})`, async () => {
      const source = join(media, 'middle.mp4')
      await run('ffmpeg', [
        ...['-nostdin', '-v', 'error', '-y', '-i', join(media, 'closed.mp4'), '-c', 'copy', '-copyinkf'],
        ...['-bsf:v', 'noise=drop=eq(n\\,0)', '-movflags', '+empty_moov+default_base_moof'],
        ...['-frag_duration', '200000', source],
      ])
      const path = await put('middle.mp4', name(1), closedAt - 600_000)
      const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=flags', '-of', 'csv', path])
      expect(stdout.startsWith('packet,_'), stdout.slice(0, 20)).to.equal(true)
      const before = await packets(path)
      await make().index(await only(), format, never)
      expect(await packets(path)).to.deep.equal(before)
      expect((await readMp4(path))?.indexed).to.equal(true)
    })

  it('finds closed files that have media but no index, newest first', async () => {
    await put('closed.mp4', name(1), closedAt - 5_000)
    await put('closed.mp4', name(2))
    await put('plain.mp4', name(3))
    await put('closed.mp4', 'holiday.mp4')
    await put('closed.mp4', name(4).replace('camera0', 'camera1'))
    await put('closed.mp4', name(5, '.mkv'))
    await writeFile(at('camera0', name(6)), '')
    await symlink(at('camera0', name(1)), at('camera0', name(7)))
    // With a second name the original would stay on the disk.
    await put('closed.mp4', name(8))
    await link(at('camera0', name(8)), at('backup.mp4'))
    await put('open.mp4', name(9))
    await truncate(at('camera0', name(9)), 1_000)
    await utimes(at('camera0', name(9)), 1, 1)
    expect((await ready()).map((file) => file.name)).to.deep.equal([name(2), name(1)])
  })

  it('waits until a file is at rest, much longer if it was not closed', async () => {
    await put('closed.mp4', name(1))
    await put('open.mp4', name(2))
    const found = async (after: number) => {
      now = closedAt + after
      return (await ready()).map((file) => file.name)
    }
    expect(await found(1_999)).to.deep.equal([])
    expect(await found(2_001)).to.deep.equal([name(1)])
    expect(await found(299_999)).to.deep.equal([name(1)])
    expect(await found(300_001)).to.deep.equal([name(2), name(1)])
  })

  it('reads a file that needs no index only once, until it changes', async () => {
    const indexer = make()
    await put('plain.mp4', name(1))
    expect(await ready(indexer)).to.deep.equal([])
    const { size } = await stat(join(media, 'plain.mp4'))
    // Only the size and the times of the file are looked at.
    await writeFile(at('camera0', name(1)), (await readFile(join(media, 'closed.mp4'))).subarray(0, size))
    await utimes(at('camera0', name(1)), closedAt / 1000, closedAt / 1000)
    expect(await ready(indexer)).to.deep.equal([])
    await put('closed.mp4', name(1))
    expect(await ready(indexer)).to.have.length(1)
  })

  describe('with many files', () => {
    const many = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1)
        await put(
          'plain.mp4',
          `camera0_2025-01-01_0${n % 10}-${n % 60}-${n % 59}-${100_000 + n}.mp4`.replace(/-(?=\d-)/g, '-0'),
        )
    }
    const operations = ['lstat', 'stat', 'readdir', 'open'] as const
    let elapsed = 0
    const watching = (book?: FileBook) =>
      createIndexer({ ...atOnce, dirs: [dir], monotonic: () => elapsed, ...(book && { book }) })
    /** Searches until the time of the folder can be relied on. */
    const settle = async (indexer: ReturnType<typeof watching>) => {
      for (let search = 0; search < 3; search += 1) {
        expect(await ready(indexer)).to.deep.equal([])
        elapsed += 3_000
      }
    }

    it('a search without changes costs as much with 300 files as with 60, and finds the new one', async () => {
      const costs: number[] = []
      const indexer = watching()
      for (const [from, to] of [
        [0, 60],
        [60, 300],
      ] as const) {
        await many(from, to)
        await settle(indexer)
        // The check of the settled files goes round: a search may meet its end.
        const each = [
          await callsDuring(operations, () => ready(indexer)),
          await callsDuring(operations, () => ready(indexer)),
        ]
        costs.push(Math.max(...each))
      }
      expect(costs[1]).to.equal(costs[0]).and.to.be.below(60)
      await put('closed.mp4', name(1))
      expect((await ready(indexer)).map((file) => file.name)).to.deep.equal([name(1)])
    })

    it('a file is found in the end that was replaced while the time of the folder stood still', async () => {
      await many(0, 120)
      const indexer = watching()
      await settle(indexer)
      const { atime, mtime } = await stat(at('camera0'))
      const [victim = ''] = (await readdir(at('camera0'))).slice(100)
      await copyFile(join(media, 'closed.mp4'), at('replacement'))
      await utimes(at('replacement'), closedAt / 1000, closedAt / 1000)
      await rename(at('replacement'), at('camera0', victim))
      await utimes(at('camera0'), atime, mtime)
      const found: string[] = []
      for (let search = 0; search < 4; search += 1) found.push(...(await ready(indexer)).map((file) => file.name))
      expect(found).to.include(victim)
    })

    it('after a restart only files are read that were not known before', async () => {
      await many(0, 120)
      const open = () => openFileBook({ file: at('book'), log: keptLog() })
      const book = await open()
      await settle(watching(book))
      await book.flush()
      await put('closed.mp4', name(1))
      const again = watching(await open())
      let found: Unindexed[] = []
      const opened = await callsDuring(['open'], async () => {
        found = await ready(again)
      })
      // The new one twice: whether it was closed, and what it holds.
      expect([found.map((file) => file.name), opened]).to.deep.equal([[name(1)], 2])
    })
  })

  it('still says that the end of a cut-off file is missing, also if it should become mp4', async () => {
    const path = await put('open.mp4', name(1), closedAt - 600_000)
    await truncate(path, (await stat(path)).size - 500)
    await utimes(path, (closedAt - 600_000) / 1000, (closedAt - 600_000) / 1000)
    const { duration = 0 } = (await readMp4(path)) ?? {}
    await make().index(await only(), 'mp4', never)
    const after = await readMp4(path)
    expect(after).to.include({ complete: false, indexed: true })
    expect(after?.duration).to.be.closeTo(duration, 200)
    expect((await boxesOf(path)).slice(0, 4)).to.deep.equal(['ftyp', 'moov', 'sidx', 'moof'])
  })

  /** Keeps deletions and replacements waiting until `release`. */
  const hold = () => {
    const held = later<void>()
    const ended = inTurn(() => held.promise)
    return async () => {
      held.resolve()
      await ended
    }
  }

  it('does not bring back a file that was deleted meanwhile', async () => {
    await put('closed.mp4')
    const files = createMediaFiles({ recordingsDir: dir, snapshotsDir: at('snapshots') })
    const file = await only()
    const release = hold()
    const removed = files.remove('recordings', file.name)
    await until('the deletion waits', () => inTurn.pendingCount === 1)
    const done = make().index(file, 'fmp4', never)
    await until('the copy is complete', () => inTurn.pendingCount === 2)
    await release()
    expect([await removed, await done]).to.deep.equal([true, undefined])
    expect(await readdir(at('camera0'))).to.deep.equal([])
  })

  /** Starts a copy. Returns when only the replacement is left to do. */
  const copied = async () => {
    const file = await only()
    const release = hold()
    const done = make().index(file, 'fmp4', never)
    await until('the copy is complete', () => inTurn.pendingCount === 1)
    return { done, release }
  }

  it('leaves a file that was changed or replaced meanwhile', async () => {
    const path = await put('closed.mp4')
    const first = await copied()
    await appendFile(path, 'more')
    await first.release()
    expect(await first.done).to.equal(undefined)
    expect((await readFile(path)).subarray(-4).toString()).to.equal('more')
    await put('closed.mp4')
    const second = await copied()
    await rename(await put('closed.mp4', name(2)), path)
    await second.release()
    expect(await second.done).to.equal(undefined)
    expect((await readMp4(path))?.indexed).to.equal(false)
    expect(await readdir(at('camera0'))).to.deep.equal([name(1)])
  })

  const failureOf = (done: Promise<unknown>) =>
    done.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('keeps the original if the copy is not whole, or cannot be made', async () => {
    const path = await put('closed.mp4')
    const wrong = await failureOf(make().index({ ...(await only()), duration: 9_000 }, 'mp4', never))
    expect(wrong).to.be.instanceOf(Failure).and.include({ code: 'failed', message: 'the copy is not whole' })
    // ffmpeg finds no track.
    await writeFile(path, Buffer.alloc(10_000, 'x'))
    await utimes(path, closedAt / 1000, closedAt / 1000)
    const { size: bytes, ino: inode, mtimeMs: modifiedAt } = await stat(path)
    const rubbish = { name: name(1), camera: 'camera0', path, bytes, inode, modifiedAt } as const
    const none = { ...rubbish, complete: true, duration: 3_000, isAtRest: true }
    expect(await failureOf(make().index(none, 'mp4', never)))
      .to.be.instanceOf(Failure)
      .and.include({ code: 'failed' })
    expect(await readFile(path, 'latin1')).to.equal('x'.repeat(10_000))
    expect(await readdir(at('camera0'))).to.deep.equal([name(1)])
  })

  it('leaves a file whose sound this ffmpeg cannot write to MP4, also after a restart, and names the reason', async () => {
    const source = join(media, 'odd.mp4')
    await run('ffmpeg', [
      ...['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=15:duration=1'],
      ...['-f', 'lavfi', '-i', 'sine=duration=1', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac'],
      ...['-movflags', '+empty_moov+default_base_moof', '-frag_duration', '200000', source],
    ])
    // To ffmpeg 5.1 the PCM that MediaMTX makes of G.711 is as strange as this codec is to all versions.
    await writeFile(
      source,
      (await readFile(source, 'latin1')).replace('mp4a', 'odd1').replace('esds', 'free'),
      'latin1',
    )
    const path = await put('odd.mp4', name(1), closedAt - 600_000)
    const before = await readFile(path)
    const book = createMemoryBook()
    const again = () => createIndexer({ ...atOnce, dirs: [dir], book })
    const failure = await failureOf(again().index(await only(), 'fmp4', never))
    expect(failure).to.be.instanceOf(Failure)
    expect(failure).to.include({
      code: 'ffmpeg_incomplete',
      message: 'this ffmpeg cannot write one of the tracks to MP4; a newer one may',
    })
    expect((await readFile(path)).equals(before)).to.equal(true)
    expect(await ready(again())).to.deep.equal([])
    await appendFile(path, 'x')
    await utimes(path, closedAt / 1000 - 600, closedAt / 1000 - 600)
    expect(await ready(again()), 'a changed file is another one').to.have.length(1)
  })

  it('keeps the original when the disk is full, and says so', async function () {
    const disk = smallDisk('256k')
    if (typeof disk === 'string') return this.skip()
    try {
      const path = join(disk.dir, 'camera0', name(1))
      await mkdir(join(disk.dir, 'camera0'))
      await copyFile(join(media, 'closed.mp4'), path)
      await utimes(path, closedAt / 1000, closedAt / 1000)
      const original = await readFile(path)
      const indexer = createIndexer({ ...atOnce, dirs: [disk.dir] })
      const [file] = await ready(indexer)
      disk.fill()
      const failure = await failureOf(indexer.index(file as Unindexed, 'mp4', never))
      expect(failure).to.be.instanceOf(Failure).and.include({ code: 'storage_full' })
      expect(await readFile(path)).to.deep.equal(original)
      expect(await readdir(join(disk.dir, 'camera0'))).to.deep.equal([name(1)])
    } finally {
      disk.remove()
    }
  })

  it('ends at once with the signal, and leaves the original alone', async () => {
    const path = await put('closed.mp4')
    const original = await readFile(path)
    const file = await only()
    const ended = new AbortController()
    const done = failureOf(make().index(file, 'mp4', ended.signal))
    ended.abort(new Error('the service ends'))
    expect(await done).to.equal(ended.signal.reason)
    expect(await readFile(path)).to.deep.equal(original)
    expect(await readdir(at('camera0'))).to.deep.equal([name(1)])
  })

  it('removes what a killed service left behind, and nothing else', async () => {
    await put('closed.mp4')
    await writeFile(at('camera0', `.${name(2)}.tmp`), 'half')
    await writeFile(at('camera0', '.holiday.mp4.tmp'), 'not ours')
    expect(await ready()).to.have.length(1)
    expect((await readdir(at('camera0'))).sort()).to.deep.equal(['.holiday.mp4.tmp', name(1)])
  })
})
