import { statfs } from 'node:fs/promises'
import type { DiskUsage, Log, RecordingFolder, Storage } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { keepReserve } from '../data/reserve.js'
import { faultOf } from './diskFault.js'
import { createOwnFolder } from './ownFolder.js'
import { tryWrite } from './tryWrite.js'

export interface StorageOptions {
  /** The main folder of the recordings. */
  dir: string
  /** Default: none. */
  fallbackDir?: string | undefined
  /** Lets new recordings be written to this folder. Default: there is only one. */
  use?: (folder: RecordingFolder) => Promise<void>
  stateDir: string
  /** Writes a test file; rejects with the error of the system. */
  write?: (dir: string) => Promise<void>
  /** Learns that the main folder was created again. */
  log?: Pick<Log, 'warn'>
}

export function createStorage(options: StorageOptions): Storage {
  const { dir: main, fallbackDir = '', stateDir, use = async () => {}, write = tryWrite, log } = options
  const writeMain = createOwnFolder(main, write, () =>
    log?.warn('the folder of the recordings was removed, and has been created again'),
  )
  const measure = async (dir: string): Promise<DiskUsage> => {
    const fault = await (dir === main ? writeMain() : write(dir)).then(
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
  const running: Partial<Record<RecordingFolder, Promise<DiskUsage> | undefined>> = {}
  return {
    usage(folder) {
      // Each call that hangs takes one of the few threads for all files.
      running[folder] ??= measure(folder === 'main' ? main : fallbackDir).finally(() => {
        running[folder] = undefined
      })
      return running[folder]
    },
    use,
    keepReserve: () => keepReserve(stateDir),
  }
}

const shareOf = (part: number, whole: number) => (whole <= 0 ? 0 : (part / whole) * 100)
