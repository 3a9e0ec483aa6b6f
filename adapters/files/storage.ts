import { statfs } from 'node:fs/promises'
import type { DiskUsage, Storage } from '../../machines/domain/ports.js'
import { because, Failure, type Reason, type ReasonCode } from '../../machines/domain/reason.js'
import { keepReserve } from '../data/reserve.js'
import { codeOf } from '../errorCode.js'
import { tryWrite } from './tryWrite.js'

/** What the errors of the system mean. All others, such as too many open files, are no fault of the disk. */
const faults: Readonly<Record<string, ReasonCode>> = {
  EROFS: 'storage_read_only',
  EIO: 'storage_failed',
  ENODEV: 'storage_failed',
  ENXIO: 'storage_failed',
  ENOTCONN: 'storage_failed',
  ESTALE: 'storage_failed',
  EUCLEAN: 'storage_failed',
  ENOENT: 'storage_missing',
  ENOTDIR: 'storage_missing',
  EACCES: 'storage_denied',
  EPERM: 'storage_denied',
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
}

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

/** Throws if the error is none of the disk. */
function faultOf(error: unknown): Reason {
  const system = codeOf(error)
  const code = faults[system]
  if (code === undefined) throw new Failure('storage_unknown', `the disk cannot be checked (${system})`)
  const what = code === 'storage_full' ? 'no file can be written' : because(code).details
  return because(code, `${what} (${system})`)
}
