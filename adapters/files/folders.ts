import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { cameraOf, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { failedBy } from './diskFault.js'

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
  /** Modification time of the folder in ns; 0 if it cannot be relied on. */
  changed: bigint
  entries: Map<string, Entry>
  /** Names of files that were empty. The next listing checks them again. */
  empty: string[]
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

/** A folder that changed less than this many ns before its listing may change again without a new modification time. */
const RACY = 1_000_000_000n

/** Limits the files that are examined at the same time, over all listings. */
export const inPool = pLimit(32)

/**
 * Lists the files in `<root>/<camera>/`, and the files in `<root>` whose names begin with a camera id. Reads a folder
 * again only after it has changed, and examines each file once. Follows no links and skips all other names.
 * `isOurs`: the folder itself must not be a link, and its empty files are listed, too. `isFallback`: marks its files.
 */
export function createFolders({
  root,
  kind,
  isOurs = false,
  isFallback = false,
}: {
  root: string
  kind: FileKind
  isOurs?: boolean
  isFallback?: boolean
}): Folders {
  const mark = isFallback ? { fallback: true as const } : {}
  const least = isOurs ? 0 : 1
  const listings = new Map<string, Listing>()
  /** The folder of a camera may be removed at any time; any other error is one of the disk. */
  const ifGone = (dir: string) => (error: unknown) =>
    (isOurs || dir !== root) && codeOf(error) === 'ENOENT' ? undefined : failedBy(error, kind)
  let sorted: { of: Listing[]; entries: Entry[] } | undefined

  async function list(dir: string, owner: CameraId | undefined): Promise<Listing> {
    const known = listings.get(dir)
    const changed = await (isOurs ? lstat : stat)(dir, { bigint: true }).then(
      (stats) => (stats.isDirectory() ? stats.mtimeNs : undefined),
      ifGone(dir),
    )
    if (changed === undefined) {
      listings.delete(dir)
      return { changed: 0n, entries: new Map(), empty: [] }
    }
    if (known && known.changed === changed && known.empty.length === 0) return known
    const now = BigInt(Date.now()) * 1_000_000n
    const names = (await readdir(dir, { withFileTypes: true }).catch(ifGone(dir))) ?? []
    const entries = new Map<string, Entry>()
    const fresh: Entry[] = []
    for (const file of names) {
      const { name } = file
      const camera = owner ?? cameraOf(name)
      if (!camera || !file.isFile() || !isFileName(name) || !hasExtension(kind, name)) continue
      const seen = known?.entries.get(name)
      if (seen) entries.set(name, seen)
      else fresh.push({ name, camera, path: join(dir, name), time: timeOf(name) ?? 0, ...mark })
    }
    const empty: string[] = []
    await inPool.map(fresh, async (entry) => {
      const { size, mtimeMs } = await lstat(entry.path).catch(() => ({ size: -1, mtimeMs: 0 }))
      if (size >= least) entries.set(entry.name, { ...entry, time: entry.time || Math.round(mtimeMs) })
      else if (size === 0) empty.push(entry.name)
    })
    const listing = { changed: now - changed > RACY ? changed : 0n, entries, empty }
    // The files are the same: keep the listing, so that the sorted list stays valid.
    if (
      known &&
      known.entries.size === entries.size &&
      fresh.length === empty.length &&
      [...entries.keys()].every((name) => known.entries.has(name))
    ) {
      known.changed = listing.changed
      known.empty = empty
      return known
    }
    listings.set(dir, listing)
    return listing
  }

  const cameras = async (): Promise<CameraId[]> => {
    const names = (await readdir(root, { withFileTypes: true }).catch(ifGone(root))) ?? []
    return names.flatMap((entry) => (entry.isDirectory() && isCameraId(entry.name) ? [entry.name] : []))
  }

  return {
    entries: async () => {
      const all = await Promise.all([
        list(root, undefined),
        ...(await cameras()).map((camera) => list(join(root, camera), camera)),
      ])
      if (sorted && sorted.of.length === all.length && all.every((listing, i) => sorted?.of[i] === listing))
        return sorted.entries
      const entries = all.flatMap((listing) => [...listing.entries.values()]).sort(newestFirst)
      sorted = { of: all, entries }
      return entries
    },
    candidates: async (name) => {
      const own = cameraOf(name)
      const present = await cameras()
      const first = present.filter((camera) => camera === own)
      const rest = present.filter((camera) => camera !== own)
      return [...first, undefined, ...rest].map((camera) => ({
        path: camera ? join(root, camera, name) : join(root, name),
        camera: camera ?? own,
        ...mark,
      }))
    },
  }
}
