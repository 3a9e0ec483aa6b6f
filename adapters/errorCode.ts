/** The code of a system error (`ENOENT`), for judging it and for telling of it without its path. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'

/** Whether a write failed because the disk is full or read-only, not because of what was written. */
export const isDiskFault = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EROFS'].includes(codeOf(error))
