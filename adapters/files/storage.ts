import { statfs } from 'node:fs/promises'
import type { Storage } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'

/** Measures the file system of `dir`, which must exist. Rejects with `storage_unknown`. */
export function createStorage({ dir }: { dir: string }): Storage {
  return {
    usage: async () => {
      const { bsize, blocks, bfree, bavail } = await statfs(dir).catch((error: unknown) => {
        throw new Failure('storage_unknown', `the free space of the disk cannot be measured (${codeOf(error)})`)
      })
      const used = (blocks - bfree) * bsize
      const available = bavail * bsize
      // Blocks reserved for root are neither used nor available, as in `df`.
      return {
        total: blocks * bsize,
        used,
        available,
        percent: used + available === 0 ? 0 : (used / (used + available)) * 100,
      }
    },
  }
}
