import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Gives the file the name `to`, beside its present one if the file system supports links. Returns false if the name
 * exists. Uses `link`, which fails in this case, because `rename` would replace the file.
 */
export async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch(async (error: unknown) => {
      if (!noLinks.has(codeOf(error))) throw error
      await (await open(to, 'wx')).close()
      await rename(from, to)
    })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Moves the file to a new name. Returns false if another file has the name. */
export async function moveNew(from: string, to: string): Promise<boolean> {
  // After a power cut in the middle of a move, the file has both names.
  const isNew = (await linkNew(from, to)) || (await isSameFile(from, to))
  if (isNew) await unlink(from).catch(unlessMissing)
  return isNew
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([lstat(one), lstat(other)])
  return a.dev === b.dev && a.ino === b.ino
}

function unlessMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'])
