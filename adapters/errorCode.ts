import { FileFault } from '../machines/domain/fileFault.js'

const unknown = 'unknown error'

/** The code of a system error (`ENOENT`), for judging it and for telling of it without its path. */
export const codeOf = (error: unknown): string => {
  if (error instanceof FileFault) return error.about.code ?? unknown
  return error instanceof Error && 'code' in error ? String(error.code) : unknown
}

/** Whether a write failed because the disk is full or read-only, not because of what was written. */
export const isDiskFault = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EROFS'].includes(codeOf(error))
