import type { FileKind } from '../../machines/domain/ports.js'
import { because, Failure, type Reason, type ReasonCode } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'

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
  EFBIG: 'file_too_large',
}

/** Returns the fault of the disk that the error shows. Throws `storage_unknown` if it is none of the disk. */
export function faultOf(error: unknown, folder: FileKind = 'recordings'): Reason {
  const system = codeOf(error)
  const code = faults[system]
  if (code === undefined)
    throw new Failure('storage_unknown', `the disk cannot be checked (${system})`, { errno: system })
  const what = code === 'storage_full' ? 'no file can be written' : because(code).details
  return because(code, `${what.replace('recordings', folder)} (${system})`, { errno: system })
}

/** Throws the fault. */
export function failedBy(error: unknown, folder: FileKind): never {
  const { code, details, evidence } = faultOf(error, folder)
  throw new Failure(code, details, evidence)
}
