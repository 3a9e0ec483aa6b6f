import { lstat, unlink } from 'node:fs/promises'
import type { CameraId } from '../../machines/domain/camera.js'
import { checkFileName, extensions, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind, MediaFile, MediaFiles } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { describeRecording } from './describe.js'
import { createFolders, inPool } from './folders.js'

export interface MediaFilesOptions {
  recordingsDir: string
  snapshotsDir: string
}

/** How long the sums of sizes are reused, in ms. */
const SIZES_FOR = 5_000

/** Reads the recordings and snapshots from disk. Only their names and times are kept in memory. */
export function createMediaFiles({ recordingsDir, snapshotsDir }: MediaFilesOptions): MediaFiles {
  const folders = {
    recordings: createFolders({ root: recordingsDir, kind: 'recordings' }),
    snapshots: createFolders({ root: snapshotsDir, kind: 'snapshots' }),
  }
  let sizes: { at: number; sums: Promise<Record<FileKind, number>> } | undefined

  async function find(kind: FileKind, name: string): Promise<MediaFile | undefined> {
    checkFileName(name)
    const names = hasExtension(kind, name)
      ? [name]
      : extensions[kind].map((extension) => `${name}${extension}`).filter(isFileName)
    for (const full of names) {
      for (const { path, camera } of await folders[kind].candidates(full)) {
        const file = camera && (await look(path, full, camera))
        if (file) return file
      }
    }
    return undefined
  }

  async function sum(kind: FileKind): Promise<number> {
    const all = await inPool.map(await folders[kind].entries(), ({ path }) => lstat(path).catch(() => ({ size: 0 })))
    return all.reduce((bytes, { size }) => bytes + size, 0)
  }

  return {
    find,

    list: async (kind, { limit, offset, mayUse }) => {
      const all = await folders[kind].entries()
      const entries = mayUse === undefined ? all : all.filter(({ camera }) => mayUse(camera))
      const page = entries.slice(offset, offset + limit)
      const files = await Promise.all(page.map(({ path, name, camera }) => look(path, name, camera)))
      return { files: files.filter((file) => file !== undefined), total: entries.length }
    },

    recording: async (name) => {
      const file = await find('recordings', name)
      return file && describeRecording(file)
    },

    remove: async (kind, name) => {
      const file = await find(kind, name)
      if (!file) return false
      try {
        await unlink(file.path)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw new Failure('not_written', `the file cannot be deleted (${codeOf(error)})`)
      }
      sizes = undefined
      return true
    },

    sizes: () => {
      const now = performance.now()
      if (sizes && now - sizes.at < SIZES_FOR) return sizes.sums
      const sums = Promise.all([sum('recordings'), sum('snapshots')]).then(([recordings, snapshots]) => ({
        recordings,
        snapshots,
      }))
      sizes = { at: now, sums }
      return sums
    },
  }
}

/** Returns the file if it is a regular, non-empty file; follows no links. */
export async function look(path: string, name: string, camera: CameraId): Promise<MediaFile | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  if (!stats?.isFile() || stats.size === 0) return undefined
  const modifiedAt = Math.round(stats.mtimeMs)
  return {
    name,
    camera,
    path,
    bytes: stats.size,
    modifiedAt,
    createdAt: timeOf(name) ?? (Math.round(stats.birthtimeMs) || modifiedAt),
  }
}
