import { lstat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CameraId } from '../../machines/domain/camera.js'
import { checkFileName, extensions, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind, MediaFile, MediaFiles } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { describeRecording } from './describe.js'
import { createFolders, type Folders, inPool } from './folders.js'
import { quarantineFolder } from './quarantine.js'

export interface MediaFilesOptions {
  recordingsDir: string
  snapshotsDir: string
  /** Called after a recording was deleted. Never rejects. */
  forget?: (name: string) => Promise<void>
}

/** How long the sums of sizes are reused, in ms. */
const SIZES_FOR = 5_000

/** Reads the recordings and snapshots from disk. Only their names and times are kept in memory. */
export function createMediaFiles({ recordingsDir, snapshotsDir, forget }: MediaFilesOptions): MediaFiles {
  const folders = {
    recordings: createFolders({ root: recordingsDir, kind: 'recordings' }),
    snapshots: createFolders({ root: snapshotsDir, kind: 'snapshots' }),
  }
  const quarantine = createFolders({
    root: join(recordingsDir, quarantineFolder),
    kind: 'recordings',
    isOurs: true,
  })
  let sizes: { at: number; sums: Promise<Record<FileKind, number>> } | undefined

  /** The entries of the folder itself, which is the only way to its files: names of clients are only compared. */
  async function findQuarantined(names: readonly string[]): Promise<MediaFile | undefined> {
    const entry = (await quarantine.entries()).find(({ name }) => names.includes(name))
    return entry && look(entry.path, entry.name, entry.camera, true)
  }

  async function find(kind: FileKind, name: string, only?: { quarantined: boolean }): Promise<MediaFile | undefined> {
    checkFileName(name)
    const names = hasExtension(kind, name)
      ? [name]
      : extensions[kind].map((extension) => `${name}${extension}`).filter(isFileName)
    for (const full of only?.quarantined ? [] : names) {
      for (const { path, camera } of await folders[kind].candidates(full)) {
        const file = camera && (await look(path, full, camera))
        if (file) return file
      }
    }
    return kind === 'recordings' && only?.quarantined !== false ? findQuarantined(names) : undefined
  }

  async function sum({ entries }: Pick<Folders, 'entries'>): Promise<number> {
    const all = await inPool.map(await entries(), ({ path }) => lstat(path).catch(() => ({ size: 0 })))
    return all.reduce((bytes, { size }) => bytes + size, 0)
  }

  return {
    find: (kind, name) => find(kind, name),

    list: async (kind, { limit, offset, mayUse, quarantined = false }) => {
      const folder = quarantined && kind === 'recordings' ? quarantine : folders[kind]
      const all = quarantined && kind === 'snapshots' ? [] : await folder.entries()
      const entries = mayUse === undefined ? all : all.filter(({ camera }) => mayUse(camera))
      const page = entries.slice(offset, offset + limit)
      const files = await Promise.all(page.map(({ path, name, camera }) => look(path, name, camera, quarantined)))
      return { files: files.filter((file) => file !== undefined), total: entries.length }
    },

    recording: async (name) => {
      const file = await find('recordings', name)
      return file && describeRecording(file)
    },

    remove: async (kind, name, only) => {
      const file = await find(kind, name, only)
      if (!file) return false
      try {
        await unlink(file.path)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw new Failure('not_written', `the file cannot be deleted (${codeOf(error)})`)
      }
      sizes = undefined
      if (kind === 'recordings') await forget?.(file.name)
      return true
    },

    sizes: () => {
      const now = performance.now()
      if (sizes && now - sizes.at < SIZES_FOR) return sizes.sums
      const parts = [folders.recordings, folders.snapshots, quarantine]
      const sums = Promise.all(parts.map(sum)).then(([recordings = 0, snapshots = 0, aside = 0]) => ({
        recordings: recordings + aside,
        snapshots,
      }))
      sizes = { at: now, sums }
      return sums
    },

    quarantined: async () => ({ files: (await quarantine.entries()).length, bytes: await sum(quarantine) }),
  }
}

/** Returns the file if it is regular, and not empty unless it is quarantined; follows no links. */
export async function look(
  path: string,
  name: string,
  camera: CameraId,
  quarantined = false,
): Promise<MediaFile | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  if (!stats?.isFile() || (stats.size === 0 && !quarantined)) return undefined
  const modifiedAt = Math.round(stats.mtimeMs)
  return {
    name,
    camera,
    path,
    bytes: stats.size,
    modifiedAt,
    createdAt: timeOf(name) ?? (Math.round(stats.birthtimeMs) || modifiedAt),
    ...(quarantined && { quarantined }),
  }
}
