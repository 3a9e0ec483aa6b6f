import { chmod, mkdtemp, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import type { RecordingFolder } from '../../machines/domain/files.js'
import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { makeFolder } from '../data/folder.js'
import { codeOf } from '../errorCode.js'
import { tryWrite } from './tryWrite.js'

export interface RecordingFolders {
  main: string
  /** Absent: there is none. */
  fallback?: string
  /** The folder that the media server writes to: the main one, or with a fallback a link to the folder in use. */
  record: string
  /** Lets new files be written to this folder. Rejects with `not_written` if the link cannot be changed. */
  use(folder: RecordingFolder): Promise<void>
  remove(): Promise<void>
}

export interface RecordingFoldersOptions {
  main: string
  /** Empty: none. */
  fallback: string
  /** The folder of run files. */
  runDir: string
  log: Log
}

/** Disks in memory for the link, if the run files are on the disk of the recordings. */
const memory = ['/dev/shm', tmpdir()]

/**
 * Creates the fallback folder and the link. A fallback that cannot be used now is a warning, because its disk may be
 * mounted later. Without a link, the media server writes to the main folder only.
 */
export async function openRecordingFolders(options: RecordingFoldersOptions): Promise<RecordingFolders> {
  const { main, fallback, runDir, log } = options
  const single = { main, record: main, use: async () => {}, remove: async () => {} }
  if (fallback === '') return single
  const problem = await makeFolder(fallback, 0o750)
    .then(() => tryWrite(fallback))
    .catch(codeOf)
  if (problem !== undefined) log.warn('storage.fallback_path cannot be used at present', { reason: problem })
  if (await areNested(main, fallback)) {
    const advice = 'select a folder of another disk'
    log.warn('storage.fallback_path is not used: it leads to the folder of the recordings', { advice })
    return single
  }
  const place = await placeOfLink(main, runDir)
  const link = join(place.dir, 'recordings')
  const use = async (folder: RecordingFolder) => {
    try {
      await point(link, folder === 'main' ? main : fallback)
    } catch (error) {
      throw new Failure('not_written', `the folder of new recordings cannot be changed (${codeOf(error)})`)
    }
  }
  const both = { main, fallback, use, remove: place.remove }
  try {
    await use('main')
    return { ...both, record: link }
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    log.warn('storage.fallback_path takes no recordings: run files cannot be written', { reason })
    return { ...both, record: main, use: () => Promise.reject(error) }
  }
}

/** Replaces the link in one step: the media server may open a file at any time. */
async function point(link: string, target: string): Promise<void> {
  const next = `${link}.next`
  await rm(next, { force: true })
  await symlink(target, next)
  await rename(next, link)
}

/** The link must not be on the disk whose fault it is for. Other users may follow it. */
async function placeOfLink(main: string, runDir: string): Promise<{ dir: string; remove(): Promise<void> }> {
  const deviceOf = (path: string) => stat(path).then(({ dev }) => dev, codeOf)
  const own = { dir: runDir, remove: async () => {} }
  const device = await deviceOf(runDir)
  if (device !== (await deviceOf(main))) return own
  for (const place of memory) {
    if ((await deviceOf(place)) === device) continue
    const dir = await mkdtemp(join(place, 'camera-service-')).catch(() => undefined)
    if (dir === undefined) continue
    await chmod(dir, 0o755)
    return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
  }
  return own
}

/** True if one folder is the other one, or in it. Links may hide that from the check of the configuration. */
async function areNested(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => path)))
  return `${a}${sep}`.startsWith(`${b}${sep}`) || `${b}${sep}`.startsWith(`${a}${sep}`)
}
