import { mkdir, statfs } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import type { Clock } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'

/** Options of the log files. */
export interface LogFolderOptions {
  /** It is created if it is missing. */
  dir: string
  /** Bytes after which a file is closed. */
  maxSize: number
  /** Midnights after which a file is closed. */
  maxDays: number
  /** Number of closed files that are kept. */
  kept: number
  clock: Pick<Clock, 'monotonic'>
  /** Called when no line can be written, with the cause; again only after lines were written meanwhile. */
  onFault(cause: string): void
  /** Free bytes of the disk of a folder. Tests pass a fake. */
  freeBytes?: (dir: string) => Promise<number>
}

/** Log files of one folder. */
export interface LogFolder {
  /** Never throws or waits. While the files have a fault, lines are dropped. */
  write(line: string): void
  close(): Promise<void>
}

/** ms after a fault until the files are tried again: a full disk may have room by then. */
const pause = 60_000
/** ms for a disk that does not answer: to open the files, and to write the last lines. */
const longestOpening = 5_000
const longestClose = 1_000
/** Bytes that wait for a slow disk. */
const mostWaiting = 1_000_000

const fault = (code: string) => Object.assign(new Error(code), { code })

const freeBytesOf = async (dir: string) => {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** Writes `camera-service.log`. Older files have a number and are compressed: `camera-service.log.1.gz` is the newest. */
export function openLogFolder(options: LogFolderOptions): LogFolder {
  const { dir, maxSize, maxDays, kept, clock, onFault, freeBytes = freeBytesOf } = options
  let file: RotatingFileStream | undefined
  let opening: Promise<void> | undefined
  /** Of lines that wait for the files to be open. */
  let waiting: string[] = []
  let retryAt = Number.NEGATIVE_INFINITY
  let isFaulty = false

  const fail = (error: unknown) => {
    file = undefined
    waiting = []
    retryAt = clock.monotonic() + pause
    if (isFaulty) return
    isFaulty = true
    onFault(codeOf(error))
  }

  const prepare = async () => {
    await mkdir(dir, { recursive: true }).catch((error: unknown) => {
      // So mkdir says that the folder is a file.
      throw codeOf(error) === 'EEXIST' ? fault('ENOTDIR') : error
    })
    // A full disk would cut off the file that is compressed, and each new try would push out one of the older files.
    if ((await freeBytes(dir)) < maxSize) throw fault('ENOSPC')
  }

  const begin = async () => {
    try {
      const tooLong = delay(longestOpening, undefined, { ref: false }).then(() => {
        throw fault('ETIMEDOUT')
      })
      await Promise.race([prepare(), tooLong])
    } catch (error) {
      return fail(error)
    }
    const opened = createStream('camera-service.log', {
      path: dir,
      size: `${maxSize}B`,
      interval: `${maxDays}d`,
      rotate: kept,
      compress: 'gzip',
      mode: 0o640,
    })
    opened.on('error', (error) => file === opened && fail(error))
    file = opened
    for (const line of waiting) send(line)
    waiting = []
  }

  const send = (line: string) => {
    if (!file || file.writableLength > mostWaiting) return
    file.write(`${line}\n`, (error) => {
      if (!error) isFaulty = false
    })
  }

  return {
    write(line) {
      if (file) return send(line)
      if (clock.monotonic() < retryAt) return
      if (waiting.length < 1_000) waiting.push(line)
      opening ??= begin().finally(() => {
        opening = undefined
      })
    },
    async close() {
      await opening
      const last = file
      file = undefined
      retryAt = Number.POSITIVE_INFINITY
      if (!last) return
      last.end()
      await finished(last, { signal: AbortSignal.timeout(longestClose) }).catch(() => {})
    },
  }
}
