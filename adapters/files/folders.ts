import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { cameraOf, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { failedBy } from './diskFault.js'
import { createMemoryBook, type FileBook } from './fileBook.js'
import { type FolderMark, isPast, markAt } from './folderMark.js'

/** A file of a listing. */
export interface Entry {
  name: string
  camera: CameraId
  path: string
  /** The time in the name, or the modification time when the file was first seen; epoch ms. */
  time: number
  /** It lies in the fallback folder. */
  fallback?: true
}

interface Listing {
  mark: FolderMark
  /** The listing has everything that bears the time of the mark. */
  isFinal: boolean
  entries: Map<string, Entry>
  /** Names of files that were empty. The next listing checks them again. */
  empty: readonly string[]
}

export interface Folders {
  /** Returns all files, newest first. Rejects with a storage reason if the folder cannot be read. */
  entries(): Promise<readonly Entry[]>
  /** Returns every place where a file of this name may be: the folder of its camera, the root, the other cameras. */
  candidates(name: string): Promise<Place[]>
}

/** A place where a file may be. */
export interface Place {
  path: string
  camera: CameraId | undefined
  /** It is in the fallback folder. */
  fallback?: true
}

export const newestFirst = (a: Entry, b: Entry): number => b.time - a.time || (a.name < b.name ? 1 : -1)

/** Limits the files that are examined at the same time, over all listings. */
export const inPool = pLimit(32)

export interface FoldersOptions {
  root: string
  kind: FileKind
  /** The folder itself must not be a link, and its empty files are listed, too. */
  isOurs?: boolean
  /** Marks its files. */
  isFallback?: boolean
  /** Keeps the names of files with bytes, and the times of files without a time in their name. */
  book?: FileBook
  /** In ms. */
  monotonic?: () => number
}

/**
 * Lists the files in `<root>/<camera>/`, and the files in `<root>` whose names begin with a camera id. Reads a folder
 * again only after it has changed, and examines each file once. Follows no links and skips all other names.
 */
export function createFolders({
  root,
  kind,
  isOurs = false,
  isFallback = false,
  book = createMemoryBook(),
  monotonic = () => performance.now(),
}: FoldersOptions): Folders {
  const fallbackMark = isFallback ? { fallback: true as const } : {}
  const least = isOurs ? 0 : 1
  const listings = new Map<string, Listing>()
  const order = createOrder()
  /** The folder of a camera may be removed at any time; any other error is one of the disk. */
  const ifGone = (dir: string) => (error: unknown) =>
    (isOurs || dir !== root) && codeOf(error) === 'ENOENT' ? undefined : failedBy(error, kind)

  const entryOf = (dir: string, name: string, owner: CameraId | undefined): Entry | undefined => {
    const camera = owner ?? cameraOf(name)
    if (!camera || !isFileName(name) || !hasExtension(kind, name)) return undefined
    return { name, camera, path: join(dir, name), time: timeOf(name) ?? 0, ...fallbackMark }
  }

  const drop = (dir: string): void => {
    order.change([], [...(listings.get(dir)?.entries.values() ?? [])])
    listings.delete(dir)
  }

  /** Adds the new files that have bytes to the listing, and notes the empty ones in it. */
  async function examine(dir: string, listing: Listing, fresh: readonly Entry[]): Promise<Entry[]> {
    const known = book.of(dir)
    const added: Entry[] = []
    const noted: [string, string][] = []
    const empty: string[] = []
    await inPool.map(fresh, async (entry) => {
      const text = known.get(entry.name)
      const stats = text === undefined ? await lstat(entry.path).catch(() => undefined) : undefined
      if (stats && !stats.isFile()) return
      if (stats?.size === 0) empty.push(entry.name)
      if (text === undefined && (stats?.size ?? -1) < least) return
      const time = entry.time || (text === undefined ? Math.round(stats?.mtimeMs ?? 0) : Number(text))
      added.push({ ...entry, time })
      if (stats && stats.size > 0) noted.push([entry.name, entry.time ? '' : String(time)])
    })
    for (const entry of added) listing.entries.set(entry.name, entry)
    listing.empty = least === 0 ? [] : empty
    book.note(dir, noted)
    return added
  }

  async function list(dir: string, owner: CameraId | undefined): Promise<Listing | undefined> {
    const known = listings.get(dir)
    const changed = await (isOurs ? lstat : stat)(dir, { bigint: true }).then(
      (stats) => (stats.isDirectory() ? stats.mtimeNs : undefined),
      ifGone(dir),
    )
    if (changed === undefined) {
      drop(dir)
      return undefined
    }
    const began = monotonic()
    const mark = markAt(known?.mark, changed, began)
    const listing: Listing = known ?? { mark, isFinal: false, entries: new Map(), empty: [] }
    if (known?.isFinal && known.mark.changed === changed) {
      const again = known.empty.flatMap((name) => entryOf(dir, name, owner) ?? [])
      if (again.length > 0) order.change(await examine(dir, known, again), [])
      return known
    }
    const names = (await readdir(dir).catch(ifGone(dir))) ?? []
    const there = new Set(names)
    const gone = [...listing.entries.values()].filter(({ name }) => !there.has(name))
    for (const { name } of gone) listing.entries.delete(name)
    const fresh = names.filter((name) => !listing.entries.has(name)).flatMap((name) => entryOf(dir, name, owner) ?? [])
    const forgotten = [...book.of(dir).keys()].filter((name) => !there.has(name))
    book.note(
      dir,
      forgotten.map((name) => [name, undefined]),
    )
    const added = await examine(dir, listing, fresh)
    order.change(added, gone)
    listing.mark = mark
    listing.isFinal = isPast(mark, began)
    listings.set(dir, listing)
    return listing
  }

  const cameras = async (): Promise<CameraId[]> => {
    const names = (await readdir(root, { withFileTypes: true }).catch(ifGone(root))) ?? []
    return names.flatMap((entry) => (entry.isDirectory() && isCameraId(entry.name) ? [entry.name] : []))
  }

  const listAll = async () => {
    const present = await cameras()
    const dirs = new Map<string, CameraId | undefined>([[root, undefined]])
    for (const camera of present) dirs.set(join(root, camera), camera)
    for (const dir of listings.keys()) if (!dirs.has(dir)) drop(dir)
    const results = await Promise.allSettled([...dirs].map(([dir, owner]) => list(dir, owner)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    return order.entries()
  }
  /** Two listings at once would add their files twice; a listing that has begun may lack the newest file. */
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<readonly Entry[]> | undefined

  return {
    entries: () => {
      next ??= running.then(() => {
        next = undefined
        const listing = listAll()
        running = listing.catch(() => {})
        return listing
      })
      return next
    },
    candidates: async (name) => {
      const own = cameraOf(name)
      const present = await cameras()
      const first = present.filter((camera) => camera === own)
      const rest = present.filter((camera) => camera !== own)
      return [...first, undefined, ...rest].map((camera) => ({
        path: camera ? join(root, camera, name) : join(root, name),
        camera: camera ?? own,
        ...fallbackMark,
      }))
    },
  }
}

/** Changes of more files are sorted in as a whole. */
const fewChanges = 1_000

/** The files of all listings, newest first, sorted anew only after large changes: there may be very many. */
function createOrder() {
  let entries: readonly Entry[] = []
  return {
    entries: () => entries,
    change(added: readonly Entry[], gone: readonly Entry[]): void {
      if (added.length + gone.length === 0) return
      const without = new Set(gone)
      const kept = gone.length === 0 ? [...entries] : entries.filter((entry) => !without.has(entry))
      if (added.length > fewChanges) entries = [...kept, ...added].sort(newestFirst)
      else {
        for (const entry of added) kept.splice(placeOf(kept, entry), 0, entry)
        entries = kept
      }
    },
  }
}

/** Where the entry belongs. */
function placeOf(entries: readonly Entry[], entry: Entry): number {
  let [from, to] = [0, entries.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const other = entries[middle]
    if (other && newestFirst(other, entry) <= 0) from = middle + 1
    else to = middle
  }
  return from
}
