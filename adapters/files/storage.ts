import { statfs } from 'node:fs/promises'
import type { DiskUsage, Storage } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { keepReserve } from '../data/reserve.js'
import { faultOf } from './diskFault.js'
import { tryWrite } from './tryWrite.js'

export interface StorageOptions {
  /** The folder of the recordings. */
  dir: string
  stateDir: string
  /** Writes a test file; rejects with the error of the system. */
  write?: (dir: string) => Promise<void>
}

export function createStorage({ dir, stateDir, write = tryWrite }: StorageOptions): Storage {
  const measure = async (): Promise<DiskUsage> => {
    const fault = await write(dir).then(
      () => undefined,
      (error: unknown) => faultOf(error),
    )
    const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(dir).catch((error: unknown) => {
      const { code, details } = faultOf(error)
      throw new Failure(code, details)
    })
    const used = (blocks - bfree) * bsize
    const available = bavail * bsize
    return {
      total: blocks * bsize,
      used,
      available,
      // Blocks reserved for root are neither used nor available, as in `df`.
      percent: shareOf(used, used + available),
      // Some file systems have no fixed number of inodes and report 0.
      inodesPercent: shareOf(files - ffree, files),
      inodes: files,
      ...(fault && { fault }),
    }
  }
  let running: Promise<DiskUsage> | undefined
  return {
    usage() {
      // Each call that hangs takes one of the few threads for all files.
      running ??= measure().finally(() => {
        running = undefined
      })
      return running
    },
    keepReserve: () => keepReserve(stateDir),
  }
}

const shareOf = (part: number, whole: number) => (whole <= 0 ? 0 : (part / whole) * 100)
