import type { Log } from '../machines/domain/ports.js'

/** What was opened, to be closed in the opposite order. */
export interface Closers {
  push(...closers: (() => unknown)[]): void
  /** Closes everything, also if one part fails, which is logged. Never rejects; a second call waits for the first. */
  close(): Promise<void>
}

export function createClosers(log: Log): Closers {
  const closers: (() => unknown)[] = []
  let closing: Promise<void> | undefined
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) {
      try {
        await close()
      } catch (error) {
        log.error('a part could not be closed', { error })
      }
    }
  }
  return {
    push: (...more) => void closers.push(...more),
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}
