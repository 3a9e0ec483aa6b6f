import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { chmod, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { attempt } from '../attempt.js'
import { codeOf } from '../errorCode.js'
import { makeFolder } from './folder.js'
import { flock } from './lock.js'

/** The folders of one service; absolute paths. */
export interface DataDirectory {
  dir: string
  recordings: string
  snapshots: string
  state: string
  /** Sockets, locks and logs of the running service; may be deleted while it is stopped. */
  run: string
  secrets: string
  /** Unlocks the directory. May be called twice; the end of the process unlocks it too. */
  release(): Promise<void>
}

const folders = { recordings: 0o750, snapshots: 0o750, state: 0o700, run: 0o750, secrets: 0o700 }

/**
 * Creates the missing folders and locks `directory` for this process. Rejects with one sentence for the operator: it is
 * not writable, no folder, or in use by another service.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const dir = resolve(directory)
  const explained = (error: unknown): never => {
    throw new Error(explain(dir, error))
  }
  await makeFolder(dir, 0o750).catch(explained)
  const lock = await lockDirectory(dir)
  try {
    // An operator may have given others access to a folder, but never to the secrets.
    for (const [name, mode] of Object.entries(folders)) await makeFolder(join(dir, name), mode)
    const { mode } = await stat(join(dir, 'secrets'))
    // On a read-only disk it is an error to set even the same mode.
    if ((mode & 0o777) !== folders.secrets) await chmod(join(dir, 'secrets'), folders.secrets)
  } catch (error) {
    closeSync(lock)
    explained(error)
  }
  let held = true
  const release = async () => {
    if (!held) return
    held = false
    emptied(lock)
    closeSync(lock)
  }
  const path = (name: keyof typeof folders) => join(dir, name)
  return {
    dir,
    recordings: path('recordings'),
    snapshots: path('snapshots'),
    state: path('state'),
    run: path('run'),
    secrets: path('secrets'),
    release,
  }
}

/** The pid in the lock file is only for the message: no pid is compared, since another process may have it by now. */
async function lockDirectory(dir: string): Promise<number> {
  // A descriptor, not a FileHandle: the garbage collector closes those that nothing refers to.
  const file = openLockFile(dir)
  try {
    if (!(await flock(file, 0)))
      throw new Error(`data directory ${dir} is in use by another camera service${holder(file)}`)
    emptied(file)
    // A full disk is no reason not to start.
    attempt(() => writeSync(file, `${process.pid}\n`))
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

function openLockFile(dir: string): number {
  const path = join(dir, 'service.lock')
  try {
    return openSync(path, 'a+', 0o600)
  } catch (error) {
    // A file can be locked on a read-only disk too, where an earlier run has left it.
    const file = codeOf(error) === 'EROFS' ? attempt(() => openSync(path, 'r')) : undefined
    if (file !== undefined) return file
    throw new Error(explain(dir, error))
  }
}

/** The file itself stays: another service may have it open already, to lock it. */
function emptied(file: number) {
  // A stale pid only makes a message less exact.
  attempt(() => ftruncateSync(file))
}

function holder(file: number): string {
  const buffer = Buffer.alloc(16)
  const pid = /^\d+$/.exec(buffer.toString('latin1', 0, readSync(file, buffer, 0, 16, 0)).trim())
  return pid ? ` (pid ${pid[0]})` : ''
}

function explain(dir: string, error: unknown): string {
  const code = codeOf(error)
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return `data directory ${dir} is not writable (${code})`
  if (['ENOTDIR', 'EEXIST'].includes(code)) return `data directory ${dir} is not a folder, or a folder of it is a file`
  if (['ENOSPC', 'EDQUOT'].includes(code)) return `data directory ${dir} cannot be created: the disk is full`
  return `data directory ${dir} cannot be used (${code})`
}
