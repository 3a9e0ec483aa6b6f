import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Creates, writes, syncs and removes a small hidden file: whether a disk takes data is only known when it did. Rejects
 * with the error of the system.
 */
export async function tryWrite(dir: string): Promise<void> {
  const path = join(dir, '.write-test')
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile('x')
    await file.sync()
  } finally {
    await file.close().finally(() => rm(path, { force: true }))
  }
}
