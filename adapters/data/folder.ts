import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates a folder and the folders above it; existing folders keep their mode. The option `recursive` of Node never
 * returns if a folder cannot be created although its parent exists (`/proc/x`: ENOENT for ever).
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if ((code === 'EEXIST' || code === 'EROFS' || code === 'EACCES') && (await isFolder(path))) return
    if (code !== 'ENOENT' || dirname(path) === path || (await isFolder(dirname(path)))) throw error
    await makeFolder(dirname(path), 0o750)
    await mkdir(path, { mode })
  }
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true
