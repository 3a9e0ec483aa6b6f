import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../errorCode.js'
import { useReserve } from './reserve.js'

/**
 * Replaces the content of a file atomically, and so that it survives a power cut: temporary file, fsync, rename, fsync
 * of the folder. If there is no room, the reserve of the folder is used up; machines/storage.ts decides when it is made
 * again. The writer cannot wait for a machine: a recording that is not noted now is lost. `hasReserve`: false for other
 * folders than that of the state files.
 */
export async function writeAtomically(
  path: string,
  content: string,
  { mode = 0o600, hasReserve = true } = {},
): Promise<void> {
  try {
    await replace(path, content, mode)
  } catch (error) {
    if (!hasReserve || !['ENOSPC', 'EDQUOT'].includes(codeOf(error))) throw error
    await useReserve(dirname(path))
    await replace(path, content, mode)
  }
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await synced(temporary, 'w', async (file) => {
      if (mode !== 0o600) await file.chmod(mode)
      await file.writeFile(content)
    })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(path)
}

/** Makes a rename or a link in the folder of `path` survive a power cut. */
export const syncFolder = (path: string) => syncPath(dirname(path))

/** Makes the content of a file or a folder survive a power cut. */
export const syncPath = (path: string) => synced(path, 'r', async () => {})

async function synced(path: string, flags: string, use: (file: Awaited<ReturnType<typeof open>>) => Promise<void>) {
  const file = await open(path, flags, 0o600)
  try {
    await use(file)
    await file.sync()
  } finally {
    await file.close()
  }
}
