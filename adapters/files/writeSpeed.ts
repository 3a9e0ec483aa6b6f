import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** How much is written at most, in one piece of these bytes after the other. */
const piece = 1024 ** 2
const most = 16 * piece

/**
 * Writes and syncs a hidden file for at most `limit` ms, but one piece at least, and removes it. Resolves with bytes
 * per second, or rejects with the error of the system.
 */
export async function writeSpeed(dir: string, limit: number, now: () => number): Promise<number> {
  const path = join(dir, `.speed-test-${process.pid}`)
  const file = await open(path, 'wx', 0o600)
  try {
    const bytes = Buffer.alloc(piece)
    const start = now()
    let written = 0
    do {
      await file.write(bytes)
      // Otherwise the memory would be measured.
      await file.datasync()
      written += piece
    } while (written < most && now() - start < limit)
    return (written * 1000) / Math.max(1, now() - start)
  } finally {
    await file.close().finally(() => rm(path, { force: true }))
  }
}
