import { lstat, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../errorCode.js'

/**
 * Returns `write` for a folder that is created again when it was removed, and then calls `created`. Not one that is a
 * mount point or a link, or whose parent is gone or on another disk: its own disk may be missing, and the files would
 * fill that of the system.
 */
export function createOwnFolder(
  dir: string,
  write: (dir: string) => Promise<void>,
  created: () => void,
): () => Promise<void> {
  let disk: Promise<number | undefined> | undefined
  return async () => {
    try {
      await write(dir)
    } catch (error) {
      const known = await disk
      if (codeOf(error) !== 'ENOENT' || known === undefined || (await diskOf(dirname(dir))) !== known) throw error
      await mkdir(dir, { mode: 0o750 })
      created()
      return write(dir)
    }
    disk ??= sharedDisk(dir)
  }
}

const diskOf = (dir: string): Promise<number | undefined> =>
  stat(dir).then(
    ({ dev }) => dev,
    () => undefined,
  )

/** The disk of a folder that is an ordinary part of the folder above it. */
async function sharedDisk(dir: string): Promise<number | undefined> {
  const own = await lstat(dir).catch(() => undefined)
  return own?.isDirectory() && (await diskOf(dirname(dir))) === own.dev ? own.dev : undefined
}
