import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { FileKind } from '../../machines/domain/ports.js'
import { cameraOf, hasExtension, isFileName, timeOf } from './names.js'

/** A file with bytes in it, as a listing knows it. */
export interface Entry {
  name: string
  camera: CameraId
  path: string
  /** Of the name, else the modification time when it was first seen; epoch ms. */
  time: number
}

interface Listing {
  /** Of the folder, in ns; 0: not to be relied on. */
  changed: bigint
  entries: Map<string, Entry>
  /** Empty when last seen: they are looked at again. */
  empty: string[]
}

export interface Folders {
  /** All files, newest first. */
  entries(): Promise<readonly Entry[]>
  /** The camera's folder, then the root, then the others: where a file of this name may be. */
  candidates(name: string): Promise<{ path: string; camera: CameraId | undefined }[]>
}

/** A change this close to its listing may have more behind it that bears the same time. */
const RACY = 1_000_000_000n

/**
 * The files below `<root>/<camera>/`, and those in `<root>` whose names begin with a camera's. A folder is read again only
 * when it changed, a file looked at once. No link is followed, no other name seen.
 */
export function createFolders({ root, kind }: { root: string; kind: FileKind }): Folders {
  const listings = new Map<string, Listing>()
  let sorted: { of: Listing[]; entries: Entry[] } | undefined

  async function list(dir: string, owner: CameraId | undefined): Promise<Listing> {
    const known = listings.get(dir)
    const changed = await stat(dir, { bigint: true }).then(
      ({ mtimeNs }) => mtimeNs,
      () => undefined,
    )
    if (changed === undefined) {
      listings.delete(dir)
      return { changed: 0n, entries: new Map(), empty: [] }
    }
    if (known && known.changed === changed && known.empty.length === 0) return known
    const now = BigInt(Date.now()) * 1_000_000n
    const names = await readdir(dir, { withFileTypes: true }).catch(() => [])
    const entries = new Map<string, Entry>()
    const fresh: Entry[] = []
    for (const file of names) {
      const { name } = file
      const camera = owner ?? cameraOf(name)
      if (!camera || !file.isFile() || !isFileName(name) || !hasExtension(kind, name)) continue
      const seen = known?.entries.get(name)
      if (seen) entries.set(name, seen)
      else fresh.push({ name, camera, path: join(dir, name), time: timeOf(name) ?? 0 })
    }
    const empty: string[] = []
    await eachOf(fresh, async (entry) => {
      const { size, mtimeMs } = await lstat(entry.path).catch(() => ({ size: -1, mtimeMs: 0 }))
      if (size > 0) entries.set(entry.name, { ...entry, time: entry.time || Math.round(mtimeMs) })
      else if (size === 0) empty.push(entry.name)
    })
    const listing = { changed: now - changed > RACY ? changed : 0n, entries, empty }
    // The same files: what was sorted stays so.
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
    const names = await readdir(root, { withFileTypes: true }).catch(() => [])
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
      const entries = all
        .flatMap((listing) => [...listing.entries.values()])
        .sort((a, b) => b.time - a.time || (a.name < b.name ? 1 : -1))
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
      }))
    },
  }
}

/** Runs the task for each item, 32 at a time. */
export async function eachOf<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await task(item)
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}
