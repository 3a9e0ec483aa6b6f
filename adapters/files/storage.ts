import { statfs } from 'node:fs/promises'
import type { Storage } from '../../machines/domain/ports.js'

/** The file system that `dir` is on; `dir` must exist. */
export function createStorage({ dir }: { dir: string }): Storage {
  return {
    usage: async () => {
      const { bsize, blocks, bfree, bavail } = await statfs(dir).catch((error: NodeJS.ErrnoException) => {
        throw new Error(`the disk cannot be asked for its space (${error.code ?? 'no reason known'})`)
      })
      const used = (blocks - bfree) * bsize
      const available = bavail * bsize
      // What is reserved for root counts as neither, as in `df`.
      return {
        total: blocks * bsize,
        used,
        available,
        percent: used + available === 0 ? 0 : (used / (used + available)) * 100,
      }
    },
  }
}
