import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CameraId } from '../../machines/domain/camera.js'
import { isSegmentName, timeOf } from '../../machines/domain/fileName.js'
import type { Segment } from '../../machines/domain/ports.js'

/** The names of the camera's segments; none when it has no folder yet. */
export async function segmentNames(folder: string, camera: CameraId): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Error(`the recordings folder cannot be read (${error.code})`)
  })
  return entries.filter((entry) => entry.isFile() && isSegmentName(camera, entry.name)).map((entry) => entry.name)
}

/** Each call: the segments that have got their first bytes since the last one, oldest first. `known` are passed over. */
export function newSegments(folder: string, camera: CameraId, known: Iterable<string>): () => Promise<Segment[]> {
  const seen = new Set(known)
  const empty = new Set<string>()
  let changed = -1

  return async () => {
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: -1 }))
    // The folder's time ticks in ms: a change soon after the last look may bear the same one.
    if (mtimeMs !== changed || Date.now() - mtimeMs < 1_000) {
      changed = mtimeMs
      for (const name of await segmentNames(folder, camera)) if (!seen.has(name)) empty.add(name)
    }
    const found: Segment[] = []
    for (const name of empty) {
      const size = await lstat(join(folder, name)).then(
        (stats) => stats.size,
        () => -1,
      )
      if (size === 0) continue
      empty.delete(name)
      if (size < 0) continue
      seen.add(name)
      found.push({ filename: name, startedAt: timeOf(name) ?? 0 })
    }
    return found.sort((a, b) => a.startedAt - b.startedAt || (a.filename < b.filename ? -1 : 1))
  }
}
