import { lstat, unlink } from 'node:fs/promises'
import type { CameraId } from '../../machines/domain/camera.js'
import { checkFileName, extensions, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind, FileSize, MediaFile, MediaFiles } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { describeRecording } from './describe.js'
import { createFolders, inPool } from './folders.js'

export interface MediaFilesOptions {
  recordingsDir: string
  snapshotsDir: string
}

/** How long the sizes of the files are reused, in ms. */
const SIZES_FOR = 5_000

/** Reads the recordings and snapshots from disk. Only their names and times are kept in memory. */
export function createMediaFiles({ recordingsDir, snapshotsDir }: MediaFilesOptions): MediaFiles {
  const folders = {
    recordings: createFolders({ root: recordingsDir, kind: 'recordings' }),
    snapshots: createFolders({ root: snapshotsDir, kind: 'snapshots' }),
  }
  const measured: Partial<Record<FileKind, { at: number; files: Promise<FileSize[]> } | undefined>> = {}

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

  async function measure(kind: FileKind): Promise<FileSize[]> {
    const sizes = await inPool.map(await folders[kind].entries(), async ({ path, name, camera, time }) => {
      const stats = await lstat(path).catch(() => undefined)
      return stats && { name, camera, bytes: stats.size, createdAt: time, modifiedAt: Math.round(stats.mtimeMs) }
    })
    return sizes.filter((size) => size !== undefined)
  }

  const all = (kind: FileKind): Promise<FileSize[]> => {
    const now = performance.now()
    const known = measured[kind]
    if (known && now - known.at < SIZES_FOR) return known.files
    const files = measure(kind)
    measured[kind] = { at: now, files }
    files.catch(() => {
      measured[kind] = undefined
    })
    return files
  }
  const sum = (files: FileSize[]) => files.reduce((total, { bytes }) => total + bytes, 0)

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
      measured[kind] = undefined
      return true
    },

    all,

    sizes: async () => {
      const [recordings, snapshots] = await Promise.all([all('recordings'), all('snapshots')])
      return { recordings: sum(recordings), snapshots: sum(snapshots) }
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
