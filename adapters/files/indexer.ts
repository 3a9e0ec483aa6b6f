import type { Stats } from 'node:fs'
import { chmod, lstat, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pLimit from 'p-limit'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { isSegmentName } from '../../machines/domain/fileName.js'
import type { Indexer, IndexFormat, Unindexed } from '../../machines/domain/files.js'
import type { WallClock } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { syncFolder } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { inBackground } from '../ffmpeg/background.js'
import { failureOf } from '../ffmpeg/endReason.js'
import { quiet, run } from '../ffmpeg/run.js'
import { whatCanBeRead } from './bothFolders.js'
import { createMemoryBook, type FileBook } from './fileBook.js'
import { type FolderMark, isPast, markAt } from './folderMark.js'
import { inTurn } from './inTurn.js'
import { isFinal, readMp4, readTracks } from './mp4.js'
import { discardLeftovers, temporaryOf } from './remux.js'
import { writeDuration } from './writeDuration.js'

/** Files whose headers are read at the same time: few, because a search must not disturb the recorder. */
const readers = 2
/** Settled files of each folder that a search looks at again. */
const rechecked = 50
/**
 * A closed file rests for so long, in ms. HTTP dates count seconds: with a pause of more than one, the date of the
 * indexed file always differs from that of the original.
 */
const rest = 2_000
/** A file that was not closed rests for so long, in ms: its writer may hang. */
const longRest = 300_000
/** How far the durations of original and copy may differ, in ms: a player counts the last frame in another way. */
const tolerance = 500
/** Shortest time from one entry of the index to the next, in ms. */
const shortestPart = 1_000
/** An index has at most 65,535 entries: half of them by time, the rest for parts that are cut because of their size. */
const mostParts = 30_000
/** Largest part, in bytes: ffmpeg keeps a part in memory, and a camera may send few keyframes. */
const largestBytes = 16_000_000
/** Time limit of a copy in ms: for each file, and for each of its bytes. */
const limit = { least: 600_000, perByte: 1 / 2_000, most: 2 ** 31 - 1 }

export interface IndexerOptions {
  /** The folders of recordings. */
  dirs: readonly string[]
  clock: WallClock
  /** PATH of the programs. */
  path?: string
  /** The files that need no index. Default: none are known. */
  book?: FileBook
  /** In ms. */
  monotonic?: () => number
}

interface Look {
  bytes: number
  modifiedAt: number
  inode: number
}

/** What is known of a folder since its last search. */
interface Seen {
  mark: FolderMark
  /** The names in the folder are complete. */
  isFinal: boolean
  /** Names of the files that are not settled: few. */
  open: readonly string[]
  /** Where the check of settled files goes on. */
  next: Iterator<string>
}

/** Remembers the files that need no index, by name, size, time and inode, also over a restart. */
export function createIndexer(options: IndexerOptions): Indexer {
  const { dirs, clock, path = process.env.PATH ?? '', book = createMemoryBook() } = options
  const { monotonic = () => performance.now() } = options
  const tidied = Promise.all(dirs.map((dir) => discardLeftovers(dir, 'mp4')))
  let background: Promise<string[]> | undefined
  const folders = new Map<string, Seen>()

  /** Reads the names again only after the folder has changed. `undefined`: there is no such folder. */
  async function namesIn(folder: string, camera: CameraId): Promise<Seen | undefined> {
    const changed = await stat(folder, { bigint: true }).then(
      ({ mtimeNs }) => mtimeNs,
      () => undefined,
    )
    const known = folders.get(folder)
    if (changed === undefined) return undefined
    if (known?.isFinal && known.mark.changed === changed) return known
    const began = monotonic()
    const mark = markAt(known?.mark, changed, began)
    const names = new Set(await readdir(folder).catch(() => []))
    const settled = book.of(folder)
    const gone = [...settled.keys()].filter((name) => !names.has(name))
    book.note(
      folder,
      gone.map((name) => [name, undefined]),
    )
    const open = [...names].filter((name) => !settled.has(name) && isSegmentName(camera, name))
    const seen = { mark, isFinal: isPast(mark, began), open, next: known?.next ?? settled.keys() }
    folders.set(folder, seen)
    return seen
  }

  /** Some of the settled files, in turn: one may have been replaced while the time of the folder did not show it. */
  function someSettled(folder: string, seen: Seen): string[] {
    const names: string[] = []
    while (names.length < rechecked) {
      const { value, done } = seen.next.next()
      if (done) {
        seen.next = book.of(folder).keys()
        break
      }
      names.push(value)
    }
    return names
  }

  async function search(dir: string, camera: CameraId, signal: AbortSignal): Promise<Unindexed[]> {
    const folder = join(dir, camera)
    const known = await namesIn(folder, camera)
    if (!known) return []
    const found: Unindexed[] = []
    const settled: [string, string | undefined][] = []
    const open: string[] = []
    await pLimit(readers).map([...known.open, ...someSettled(folder, known)], async (name) => {
      signal.throwIfAborted()
      const path = join(folder, name)
      const stats = await lstat(path).catch(() => undefined)
      if (!stats?.isFile()) return
      const text = markOf(stats)
      const before = book.of(folder).get(name)
      if (before === text) return
      const seen = lookOf(stats)
      // A file of the future was written before the clock was set back.
      const age = Math.abs(clock.now() - stats.mtimeMs)
      const settle = () => settled.push([name, text])
      const keep = (file?: Unindexed) => {
        if (before !== undefined) settled.push([name, undefined])
        open.push(name)
        if (file) found.push(file)
      }
      // An empty file may get its first bytes. Another name would keep the original.
      if (!seen) return stats.size === 0 ? keep() : settle()
      if (age < rest || (age < longRest && !(await isFinal(path))))
        return keep({ name, camera, path, ...seen, complete: false, duration: 0, isAtRest: false })
      const mp4 = await readMp4(path).catch(() => undefined)
      // Without a duration there is nothing that could get an index, until the file changes.
      if (!mp4 || mp4.indexed || mp4.duration === 0) return settle()
      return keep({ name, camera, path, ...seen, ...mp4, isAtRest: true })
    })
    book.note(folder, settled)
    folders.set(folder, { ...known, open })
    return found
  }

  /** A search does not return the file again, until it changes. */
  async function giveUp({ path, name }: Unindexed) {
    const stats = await lstat(path).catch(() => undefined)
    if (stats) book.note(dirname(path), [[name, markOf(stats)]])
  }

  async function searchAll(dir: string, signal: AbortSignal): Promise<Unindexed[]> {
    const cameras = await readdir(dir, { withFileTypes: true })
    const found: Unindexed[] = []
    for (const { name } of cameras.filter((entry) => entry.isDirectory()))
      if (isCameraId(name)) found.push(...(await search(dir, name, signal)))
    return found
  }

  async function copy(file: Unindexed, temporary: string, format: IndexFormat, signal: AbortSignal) {
    const original = await readTracks(file.path)
    const retag = original.tracks.some(({ codec, hasParameterSets }) => codec === 'hev1' && hasParameterSets)
    // Of H.265, Apple's players accept `hvc1` only.
    const tag = retag ? ['-tag:v', 'hvc1'] : []
    // A file may begin in the middle: MediaMTX discards a keyframe that is late.
    const args = ['-i', `file:${file.path}`, '-map', '0', '-c', 'copy', '-copyinkf', ...tag, ...layout(file, format)]
    background ??= inBackground(path)
    const [program = 'ffmpeg', ...words] = [...(await background), 'ffmpeg', ...quiet, ...args]
    const timeout = Math.min(limit.most, limit.least + file.bytes * limit.perByte)
    const { code, stderr } = await run(program, [...words, '-f', 'mp4', `file:${temporary}`], { signal, timeout })
    if (code !== 0) throw failureOf(stderr, 'failed', 'ffmpeg failed')
    if (file.complete && format === 'fmp4') await writeDuration(temporary, file.duration)
    await verify(file, original, temporary)
  }

  return {
    async unindexed(signal) {
      await tidied
      const { read } = await whatCanBeRead(dirs.map((dir) => searchAll(dir, signal)))
      const found = read.flat()
      return found.sort((one, other) => other.modifiedAt - one.modifiedAt || (one.name < other.name ? 1 : -1))
    },

    async index(file, wanted, signal) {
      await tidied
      // An MP4 without parts cannot say that its end is missing.
      const format = file.complete ? wanted : 'fmp4'
      const temporary = join(dirname(file.path), temporaryOf(file.name))
      try {
        if (!(await isUnchanged(file))) return undefined
        await copy(file, temporary, format, signal)
        signal.throwIfAborted()
        return await inTurn(() => replace(file, temporary))
      } catch (error) {
        signal.throwIfAborted()
        if (!(await isUnchanged(file))) return undefined
        if (error instanceof Failure) {
          // It fails for each file of such a camera, after each restart.
          if (error.code === 'ffmpeg_incomplete') await giveUp(file)
          throw error
        }
        const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
        throw new Failure(isFull ? 'storage_full' : 'failed', `the copy failed (${codeOf(error)})`)
      } finally {
        await rm(temporary, { force: true }).catch(() => {})
      }
    },
  }
}

function layout({ duration }: Unindexed, format: IndexFormat): string[] {
  if (format === 'mp4') return ['-movflags', '+faststart']
  const part = Math.max(shortestPart, duration / mostParts)
  return [
    ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+global_sidx+skip_trailer'],
    ...['-min_frag_duration', String(Math.round(part * 1_000)), '-frag_size', String(largestBytes)],
  ]
}

/** Rejects unless the copy has an index, and each sample of the original. */
async function verify(file: Unindexed, original: Awaited<ReturnType<typeof readTracks>>, temporary: string) {
  const copy = await readTracks(temporary)
  const mp4 = await readMp4(temporary)
  // The last part of a file that was cut off may be incomplete: ffmpeg reads some more samples than we count.
  const more = file.complete ? 0 : Math.max(1, original.largestPart)
  const hasAll =
    copy.tracks.length === original.tracks.length &&
    original.tracks.every(({ samples }, index) => {
      const extra = (copy.tracks[index]?.samples ?? 0) - samples
      return extra >= 0 && extra <= more
    })
  const isWhole = hasAll && mp4?.indexed && mp4.complete === file.complete
  if (!isWhole || Math.abs(mp4.duration - file.duration) > tolerance)
    throw new Failure('failed', 'the copy is not whole')
}

/** Puts the copy in the place of the original; `undefined`: the original has changed, or is gone. */
async function replace(file: Unindexed, temporary: string): Promise<number | undefined> {
  const original = await lstat(file.path).catch(() => undefined)
  if (!original || !(await isUnchanged(file))) return undefined
  await chmod(temporary, original.mode & 0o777)
  await utimes(temporary, original.atimeMs / 1_000, original.mtimeMs / 1_000)
  const handle = await open(temporary, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (!(await isUnchanged(file))) return undefined
  const { size } = await lstat(temporary)
  await rename(temporary, file.path)
  await syncFolder(file.path)
  return size
}

const markOf = ({ size, mtimeMs, ino, nlink }: Stats): string => [size, mtimeMs, ino, nlink].join(' ')

const isSame = (one: Look, other: Look): boolean =>
  one.bytes === other.bytes && one.modifiedAt === other.modifiedAt && one.inode === other.inode

/** `undefined`: there is no such file, it is empty, or it has another name that would keep the original. */
const look = (path: string): Promise<Look | undefined> => lstat(path).then(lookOf, () => undefined)

const lookOf = (stats: Stats): Look | undefined =>
  stats.isFile() && stats.size > 0 && stats.nlink === 1
    ? { bytes: stats.size, modifiedAt: stats.mtimeMs, inode: stats.ino }
    : undefined

async function isUnchanged(file: Unindexed): Promise<boolean> {
  const now = await look(file.path)
  return now !== undefined && isSame(file, now)
}
