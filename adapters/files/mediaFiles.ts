import { lstat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CameraId } from '../../machines/domain/camera.js'
import { checkFileName, extensions, hasExtension, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { FileKind, FileSize, MediaFile, MediaFiles } from '../../machines/domain/ports.js'
import { Failure, reasonFrom } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { joinFolders } from './bothFolders.js'
import { describeRecording } from './describe.js'
import { createMemoryBook, type FileBook } from './fileBook.js'
import { createFolders, type Entry, type FoldersOptions, inPool } from './folders.js'
import { inTurn } from './inTurn.js'
import { quarantineFolder } from './quarantine.js'

export interface MediaFilesOptions {
  recordingsDir: string
  /** A second folder of recordings. Default: none. */
  fallbackDir?: string | undefined
  snapshotsDir: string
  /** Called after a recording was deleted. Never rejects. */
  forget?: (name: string) => Promise<void>
  /** What is known of the files from the last run of the service. Default: nothing. */
  book?: FileBook
  /** In ms. */
  monotonic?: () => number
}

/** `refresh` looks for changes of the folders, so that the next list need not. Never rejects. */
export interface ListedFiles extends MediaFiles {
  refresh(): Promise<void>
}

type Group = FileKind | 'quarantined'

/** How long the sizes of the files are reused, in ms. */
const SIZES_FOR = 5_000

/** Reads the recordings and snapshots from disk. Only their names and times are kept in memory. */
export function createMediaFiles(options: MediaFilesOptions): ListedFiles {
  const { recordingsDir, fallbackDir, snapshotsDir, forget, book = createMemoryBook(), monotonic } = options
  const shared = { book, ...(monotonic && { monotonic }) }
  const kind: FileKind = 'recordings'
  const roots: FoldersOptions[] = [
    { root: recordingsDir, kind, ...shared },
    ...(fallbackDir === undefined ? [] : [{ root: fallbackDir, kind, isFallback: true, ...shared }]),
  ]
  const folders = {
    recordings: joinFolders(roots.map(createFolders)),
    snapshots: joinFolders([createFolders({ root: snapshotsDir, kind: 'snapshots', ...shared })]),
  }
  const quarantine = joinFolders(
    roots.map(({ root, ...more }) => createFolders({ ...more, root: join(root, quarantineFolder), isOurs: true })),
  )
  const groups = { ...folders, quarantined: quarantine }
  const measured: Partial<Record<Group, { at: number; files: Promise<FileSize[]> } | undefined>> = {}

  /** The entries of the folder itself, which is the only way to its files: names of clients are only compared. */
  async function findQuarantined(names: readonly string[]): Promise<MediaFile | undefined> {
    const { found, unreadable } = await quarantine.entries()
    const entry = found.find(({ name }) => names.includes(name))
    if (!entry && unreadable) throw unreadable
    return entry && lookAt(entry, true)
  }

  async function find(kind: FileKind, name: string, only?: { quarantined: boolean }): Promise<MediaFile | undefined> {
    checkFileName(name)
    const names = hasExtension(kind, name)
      ? [name]
      : extensions[kind].map((extension) => `${name}${extension}`).filter(isFileName)
    let hidden: unknown
    for (const name of only?.quarantined ? [] : names) {
      const { found, unreadable } = await folders[kind].candidates(name)
      hidden ??= unreadable
      for (const { camera, ...place } of found) {
        const file = camera && (await lookAt({ ...place, name, camera }))
        if (file) return file
      }
    }
    const aside = kind === 'recordings' && only?.quarantined !== false ? await findQuarantined(names) : undefined
    // It may be in the folder that cannot be read.
    if (!aside && hidden) throw hidden
    return aside
  }

  /** Deletes the file of the same name in the other folder: it would be in the lists instead. */
  async function removeTwin(kind: FileKind, { name, quarantined, fallback }: MediaFile): Promise<void> {
    if (kind === 'snapshots' || fallback || fallbackDir === undefined) return
    const twin = await find(kind, name, { quarantined: quarantined === true }).catch(() => undefined)
    if (twin?.fallback) await unlink(twin.path)
  }

  async function measure(group: Group): Promise<FileSize[]> {
    const { found } = await groups[group].entries()
    const sizes = await inPool.map(found, async ({ path, name, camera, time }) => {
      const stats = await lstat(path).catch(() => undefined)
      return stats && { name, camera, bytes: stats.size, createdAt: time, modifiedAt: Math.round(stats.mtimeMs) }
    })
    return sizes.filter((size) => size !== undefined)
  }

  const all = (group: Group): Promise<FileSize[]> => {
    const now = performance.now()
    const known = measured[group]
    if (known && now - known.at < SIZES_FOR) return known.files
    const files = measure(group)
    measured[group] = { at: now, files }
    files.catch(() => {
      measured[group] = undefined
    })
    return files
  }
  const sum = (files: FileSize[]) => files.reduce((total, { bytes }) => total + bytes, 0)

  return {
    find: (kind, name) => find(kind, name),

    list: async (kind, { limit, offset, mayUse, quarantined = false }) => {
      const folder = quarantined && kind === 'recordings' ? quarantine : folders[kind]
      const { found, unreadable } = quarantined && kind === 'snapshots' ? { found: [] } : await folder.entries()
      const entries = mayUse === undefined ? found : found.filter(ofCameras(mayUse))
      const page = entries.slice(offset, offset + limit)
      const files = await Promise.all(page.map((entry) => lookAt(entry, quarantined)))
      return {
        files: files.filter((file) => file !== undefined),
        total: entries.length,
        ...(unreadable !== undefined && { unreadable: reasonFrom(unreadable) }),
      }
    },

    recording: async (name) => {
      const file = await find('recordings', name)
      return file && describeRecording(file)
    },

    described: describeRecording,

    refresh: async () => {
      await Promise.allSettled(Object.values(groups).map((group) => group.entries()))
    },

    remove: async (kind, name, only) => {
      const file = await find(kind, name, only)
      if (!file) return false
      try {
        await inTurn(() => unlink(file.path))
        await removeTwin(kind, file)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw new Failure('not_written', `the file cannot be deleted (${codeOf(error)})`)
      }
      measured[kind] = undefined
      measured.quarantined = undefined
      if (kind === 'recordings') await forget?.(file.name)
      return true
    },

    all,

    sizes: async () => {
      const [recordings, snapshots, aside] = await Promise.all([
        all('recordings'),
        all('snapshots'),
        all('quarantined'),
      ])
      return { recordings: sum(recordings) + sum(aside), snapshots: sum(snapshots) }
    },

    quarantined: async () => {
      const files = await measure('quarantined')
      return { files: files.length, bytes: sum(files) }
    },
  }
}

/** Judges each camera once: there may be very many files. */
const ofCameras = (mayUse: (camera: CameraId) => boolean) => {
  const judged = new Map<CameraId, boolean>()
  return ({ camera }: Entry): boolean => {
    const known = judged.get(camera) ?? mayUse(camera)
    judged.set(camera, known)
    return known
  }
}

const lookAt = async ({ path, name, camera, fallback }: Omit<Entry, 'time'>, quarantined = false) => {
  const file = await look(path, name, camera, quarantined)
  return file && { ...file, ...(fallback && { fallback }) }
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
