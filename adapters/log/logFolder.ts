import { finished } from 'node:stream/promises'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import type { Clock } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'

/** Options of the log files. */
export interface LogFolderOptions {
  /** It is created if it is missing. */
  dir: string
  /** Bytes after which a file is closed. */
  maxSize: number
  /** Days after which a file is closed, at midnight. */
  maxDays: number
  /** Number of closed files that are kept. */
  kept: number
  clock: Pick<Clock, 'monotonic'>
  /** Called when no line can be written, with the cause; again only after a line was written meanwhile. */
  onFault(cause: string): void
}

/** Log files of one folder. */
export interface LogFolder {
  /** Never throws or waits. While the files have a fault, lines are dropped. */
  write(line: string): void
  close(): Promise<void>
}

/** ms after a fault until the files are tried again: a full disk may have room by then. */
const pause = 60_000
/** ms for the last lines, on a disk that does not answer. */
const longestClose = 1_000
/** Bytes that wait for a slow disk. */
const mostWaiting = 1_000_000

/** Writes `camera-service.log`. Older files have a number and are compressed: `camera-service.log.1.gz` is the newest. */
export function openLogFolder({ dir, maxSize, maxDays, kept, clock, onFault }: LogFolderOptions): LogFolder {
  let file: RotatingFileStream | undefined
  let retryAt = Number.NEGATIVE_INFINITY
  let isFaulty = false

  const open = () => {
    const opened = createStream('camera-service.log', {
      path: dir,
      size: `${maxSize}B`,
      interval: `${maxDays}d`,
      rotate: kept,
      compress: 'gzip',
      mode: 0o640,
    })
    opened.on('error', (error) => {
      if (file === opened) file = undefined
      retryAt = clock.monotonic() + pause
      if (isFaulty) return
      isFaulty = true
      onFault(codeOf(error) ?? error.message)
    })
    return opened
  }

  return {
    write(line) {
      if (!file && clock.monotonic() < retryAt) return
      file ??= open()
      if (file.writableLength > mostWaiting) return
      file.write(`${line}\n`, (error) => {
        if (!error) isFaulty = false
      })
    },
    async close() {
      const last = file
      file = undefined
      retryAt = Number.POSITIVE_INFINITY
      if (!last) return
      last.end()
      await finished(last, { signal: AbortSignal.timeout(longestClose) }).catch(() => {})
    },
  }
}
