/** The code of a system error (`ENOENT`), for judging it and for telling of it without its path. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
