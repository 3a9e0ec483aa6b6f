import { spawn } from 'node:child_process'
import { chmod, type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

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
  await makeFolder(dir, dir, 0o750)
  const lock = await lockDirectory(dir)
  try {
    for (const [name, mode] of Object.entries(folders)) await makeFolder(dir, join(dir, name), mode)
    await chmod(join(dir, 'secrets'), folders.secrets)
  } catch (error) {
    await lock.close()
    throw error
  }
  let released: Promise<void> | undefined
  const release = async () => {
    // Emptied, not removed: whoever waits for the lock holds the same file open.
    await lock.truncate(0).catch(() => {})
    await lock.close()
  }
  const path = (name: keyof typeof folders) => join(dir, name)
  return {
    dir,
    recordings: path('recordings'),
    snapshots: path('snapshots'),
    state: path('state'),
    run: path('run'),
    secrets: path('secrets'),
    release: () => {
      released ??= release()
      return released
    },
  }
}

/** A folder that is there keeps its mode: the operator may have opened it to others. */
async function makeFolder(dir: string, path: string, mode: number) {
  try {
    const made = await mkdir(path, { recursive: true, mode })
    if (made === undefined && !(await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
  } catch (error) {
    throw new Error(explain(dir, error))
  }
}

/**
 * flock(2) by the program of that name, on a descriptor that it inherits: the lock belongs to the open file, which is
 * ours, and so outlives the program and dies with this process, however it ends. No pid is compared, so none can be
 * taken for another's; the one in the file only words the message.
 */
async function lockDirectory(dir: string): Promise<FileHandle> {
  const file = await open(join(dir, 'service.lock'), 'a+', 0o600).catch((error: unknown) => {
    throw new Error(explain(dir, error))
  })
  try {
    const code = await flock(file.fd)
    if (code === 1) throw new Error(`data directory ${dir} is in use by another camera service${await holder(file)}`)
    if (code !== 0) throw new Error(`data directory ${dir} cannot be locked: flock ended with ${code}`)
    await file.truncate(0)
    await file.write(`${process.pid}\n`)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

const flock = (fd: number) =>
  new Promise<number | string>((done, fail) => {
    const child = spawn('flock', ['--exclusive', '--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.on('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT'
      fail(new Error(missing ? 'the program flock (package util-linux) is missing' : `flock cannot be started: ${error.message}`))
    })
    child.on('exit', (code, signal) => done(code ?? signal ?? 'no code'))
  })

async function holder(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
  const pid = /^\d+$/.exec(buffer.toString('latin1', 0, bytesRead).trim())
  return pid ? ` (pid ${pid[0]})` : ''
}

function explain(dir: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return `data directory ${dir} is not writable (${code})`
  if (['ENOTDIR', 'EEXIST'].includes(code)) return `data directory ${dir} is not a folder, or a folder of it is a file`
  if (['ENOSPC', 'EDQUOT'].includes(code)) return `data directory ${dir} cannot be made: the disk is full`
  return `data directory ${dir} cannot be used (${code})`
}
