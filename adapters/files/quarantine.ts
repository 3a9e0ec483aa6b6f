import { lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { cameraOf, isFileName, timeOf } from '../../machines/domain/fileName.js'
import type { Quarantine, Suspect } from '../../machines/domain/ports.js'
import { because, Failure, type Reason } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { whatCanBeRead } from './bothFolders.js'
import { moveNew } from './moveNew.js'
import { hasNoMedia } from './mp4.js'

/** The folder of quarantined recordings, in the folder of the recordings. */
export const quarantineFolder = 'quarantine'

/** Files that are examined at the same time: few, because a search must not disturb the recorder. */
const readers = 2
/** Names that are tried for one file. */
const mostNames = 100

interface Look {
  bytes: number
  modifiedAt: number
}

/**
 * Both folders of the recordings as one. Each has a quarantine of its own, because a file can only be moved on its
 * disk. A folder that cannot be read has no suspects, unless none can be read.
 */
export function createQuarantines(folders: readonly string[]): Quarantine {
  const each = folders.map((folder) => ({ folder, quarantine: createQuarantine({ recordingsDir: folder }) }))
  return {
    suspects: async (cameras, signal) => {
      const searches = each.map(({ quarantine }) => quarantine.suspects(cameras, signal))
      const { read } = await whatCanBeRead(searches)
      signal.throwIfAborted()
      return read.flat()
    },
    move: async (suspect) =>
      each.find(({ folder }) => suspect.path.startsWith(join(folder, '/')))?.quarantine.move(suspect),
  }
}

/** Finds recordings without media, and moves them aside. Remembers the files that can be played, by name and time. */
export function createQuarantine({ recordingsDir }: { recordingsDir: string }): Quarantine {
  const dir = join(recordingsDir, quarantineFolder)
  /** Folder → name → time of the last change: files that are not examined again. */
  const sound = new Map<string, ReadonlyMap<string, number>>()

  /** The folders to search, with their camera; without one the names of the files tell it. */
  const folders = async (cameras: readonly CameraId[] | undefined) => {
    const entries = await readdir(recordingsDir, { withFileTypes: true }).catch(missingIs([]))
    const present = entries.flatMap((entry) => (entry.isDirectory() && isCameraId(entry.name) ? [entry.name] : []))
    const wanted = present.filter((camera) => cameras?.includes(camera) ?? true)
    return [
      { folder: recordingsDir, owner: undefined },
      ...wanted.map((camera) => ({ folder: join(recordingsDir, camera), owner: camera })),
    ]
  }

  return {
    async suspects(cameras, signal) {
      const limited = pLimit(readers)
      const found: Suspect[] = []
      for (const { folder, owner } of await folders(cameras)) {
        const entries = await readdir(folder, { withFileTypes: true }).catch(missingIs([]))
        const names = entries.filter((entry) => entry.isFile() && isRecording(entry.name)).map(({ name }) => name)
        // Made anew, so that it does not keep files that are gone.
        const stillSound = new Map<string, number>()
        await limited.map(names, async (name) => {
          signal.throwIfAborted()
          const camera = cameraOf(name)
          const isOurs = camera !== undefined && camera === (owner ?? camera) && (cameras?.includes(camera) ?? true)
          if (!isOurs) return
          const path = join(folder, name)
          const seen = await look(path)
          if (!seen) return
          const isSound = sound.get(folder)?.get(name) === seen.modifiedAt
          const reason = isSound ? undefined : await reasonToMove(path, seen)
          if (reason) found.push({ name, camera, path, ...seen, reason })
          else stillSound.set(name, seen.modifiedAt)
        })
        sound.set(folder, stillSound)
      }
      return found
    },

    async move({ name, path, bytes, modifiedAt }) {
      const now = await look(path)
      if (now?.bytes !== bytes || now.modifiedAt !== modifiedAt || !(await reasonToMove(path, now))) return undefined
      try {
        await mkdir(dir).catch(existingIs(undefined))
        // A link could lead elsewhere.
        if (!(await lstat(dir)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
        for (const free of names(name)) if (await moveNew(path, join(dir, free))) return free
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw new Failure('not_written', `the file cannot be moved aside (${codeOf(error)})`)
      }
      throw new Failure('name_taken')
    },
  }
}

/** The names of the media server's files, and of the conversions of this service. */
const isRecording = (name: string): boolean =>
  isFileName(name) && /\.(mp4|mkv)$/.test(name) && timeOf(name) !== undefined

/** The same name, then `<name>_2.mp4`, `<name>_3.mp4` …, which keep the camera and the time. */
function* names(name: string): Generator<string> {
  yield name
  for (let n = 2; n <= mostNames; n += 1) yield name.replace(/(?=\.\w+$)/, `_${n}`)
}

/** `undefined`: there is no such file, or it cannot be examined. */
const look = (path: string): Promise<Look | undefined> =>
  lstat(path).then(
    (stats) => (stats.isFile() ? { bytes: stats.size, modifiedAt: stats.mtimeMs } : undefined),
    () => undefined,
  )

/** Returns `undefined` for a file that may be played, or that cannot be read. */
async function reasonToMove(path: string, { bytes }: Look): Promise<Reason | undefined> {
  if (bytes === 0) return because('file_empty')
  // A Matroska file without a duration can be played.
  const isHollow = path.endsWith('.mp4') && (await hasNoMedia(path).catch(() => false))
  return isHollow ? because('file_without_media') : undefined
}

const unless =
  (code: string) =>
  <T>(value: T) =>
  (error: unknown): T => {
    if (codeOf(error) === code) return value
    throw error
  }
const missingIs = unless('ENOENT')
const existingIs = unless('EEXIST')
