import { spawn } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeFolder } from './folder.js'

/** The folders of one service; absolute paths. */
export interface DataDirectory {
  dir: string
  recordings: string
  snapshots: string
  state: string
  /** Sockets, locks and logs of this life; nothing in it is worth keeping. */
  run: string
  secrets: string
  /** Lets the next service in. May be called twice; the end of the process does the same. */
  release(): Promise<void>
}

const folders = { recordings: 0o750, snapshots: 0o750, state: 0o700, run: 0o750, secrets: 0o700 }

/**
 * Makes the folders that are missing and locks `dir` for this process. Rejects with one line for the operator: not
 * writable, no folder, in use by another service.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const dir = resolve(directory)
  const explained = (error: unknown): never => {
    throw new Error(explain(dir, error))
  }
  await makeFolder(dir, 0o750).catch(explained)
  const lock = await lockDirectory(dir)
  try {
    // One that is there may have been opened to others by the operator; the secrets must not be.
    for (const [name, mode] of Object.entries(folders)) await makeFolder(join(dir, name), mode)
    await chmod(join(dir, 'secrets'), folders.secrets)
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

/**
 * flock(2) by the program of that name, on a descriptor that it inherits: the lock belongs to the open file, which is
 * ours, and so outlives the program and dies with this process, however it ends. No pid is compared, so none can be
 * taken for another's; the one in the file only words the message. A bare descriptor, since a FileHandle that nobody
 * holds any more is closed by the garbage collector.
 */
async function lockDirectory(dir: string): Promise<number> {
  const file = openLockFile(dir)
  try {
    const code = await flock(file)
    if (code === 1) throw new Error(`data directory ${dir} is in use by another camera service${holder(file)}`)
    if (code !== 0) throw new Error(`data directory ${dir} cannot be locked: flock ended with ${code}`)
    emptied(file)
    writeSync(file, `${process.pid}\n`)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

function openLockFile(dir: string): number {
  try {
    return openSync(join(dir, 'service.lock'), 'a+', 0o600)
  } catch (error) {
    throw new Error(explain(dir, error))
  }
}

/** Not removed: whoever waits for the lock holds the same file open. */
function emptied(file: number) {
  try {
    ftruncateSync(file)
  } catch {
    // The pid in it is only for people.
  }
}

const flock = (fd: number) =>
  new Promise<number | string>((done, fail) => {
    const child = spawn('flock', ['--exclusive', '--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.on('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT'
      fail(
        new Error(
          missing ? 'the program flock (package util-linux) is missing' : `flock cannot be started: ${error.message}`,
        ),
      )
    })
    child.on('exit', (code, signal) => done(code ?? signal ?? 'no code'))
  })

function holder(file: number): string {
  const buffer = Buffer.alloc(16)
  const pid = /^\d+$/.exec(buffer.toString('latin1', 0, readSync(file, buffer, 0, 16, 0)).trim())
  return pid ? ` (pid ${pid[0]})` : ''
}

function explain(dir: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return `data directory ${dir} is not writable (${code})`
  if (['ENOTDIR', 'EEXIST'].includes(code)) return `data directory ${dir} is not a folder, or a folder of it is a file`
  if (['ENOSPC', 'EDQUOT'].includes(code)) return `data directory ${dir} cannot be made: the disk is full`
  return `data directory ${dir} cannot be used (${code})`
}
