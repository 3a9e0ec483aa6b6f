import { watch } from 'node:fs'
import { link, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { dependencyFailed, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Dispose, Log } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { makeFolder } from './folder.js'
import { underLock } from './lock.js'

/** The newest layout; a file of a later one is left alone. */
const version = 1
const largest = 64 * 1024 * 1024
/** How soon a change that could not be written is tried again. */
const retryAfter = 30_000
const untilThen =
  'it holds until the service ends, and writing is tried again every 30 s: make room, or see to the state folder'

export interface SharedFileOptions<T extends object> {
  /** Made when it is missing. */
  dir: string
  name: string
  /** For messages: `list of API keys`. */
  what: string
  /** `undefined`: this is no such value, the file is damaged. */
  parse(value: Record<string, unknown>): T | undefined
  empty: T
  /** What a damaged file is at the start: `empty`, or a reason not to start. While running, the last good value stays in force either way. */
  damaged: 'empty' | 'refuse'
  clock: Clock
  log: Log
}

/** A value that the service and the command line both keep in one file. */
export interface SharedFile<T> {
  value(): T
  /**
   * Applies `how` to what the file holds by then and writes it; `how` is pure, may be applied several times and returns
   * the very value when it changes nothing. A ServiceError that it throws comes out; that it could not be written is a
   * ServiceError `dependencyFailed`. `atOnce`: holds in this process from now on, also when it could not be written,
   * which is then tried again; such a `how` never throws.
   */
  change(how: (value: T) => T, also?: { atOnce?: boolean }): Promise<void>
  /** Told of each new value, whoever changed it; `from`: whether this or another process did. */
  onChange(listener: (value: T, before: T, from: 'here' | 'outside') => void): Dispose
  /** Waits for what is being written. */
  close(): Promise<void>
}

export async function openSharedFile<T extends object>(options: SharedFileOptions<T>): Promise<SharedFile<T>> {
  const { dir, name, what, parse, empty, damaged, clock, log } = options
  const path = join(dir, name)
  const listeners = new Set<(value: T, before: T, from: 'here' | 'outside') => void>()
  /** Changes that hold here and are not in the file yet. */
  const waiting = new Set<(value: T) => T>()
  let inFile = empty
  let shown = empty
  let seen: string | undefined
  let remains = false
  let queue: Promise<unknown> = Promise.resolve()
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const show = (from: 'here' | 'outside') => {
    const before = shown
    shown = [...waiting].reduce((value, how) => how(value), inFile)
    if (shown === before) return
    for (const listener of listeners) listener(shown, before, from)
  }

  /** Takes over what the file holds, if that has changed. Rejects when it cannot be used. */
  const look = async () => {
    const mark = await markOf(path)
    if (mark === seen) return
    const text = mark === undefined ? undefined : await textOf(path)
    const found = text === undefined ? empty : read(text, parse)
    remains = found === 'damaged'
    seen = mark
    if (typeof found === 'string')
      throw new Error(
        `the ${what} (state/${name}) ${found === 'damaged' ? 'is damaged' : 'was written by a newer version'}`,
      )
    inFile = found
    show('outside')
  }

  const write = async (value: T) => {
    if (remains) {
      // A second name before the new content: no crash between them leaves nothing at all.
      const aside = `${name}.damaged-${new Date(clock.now()).toISOString().replace(/[:.]/g, '-')}`
      await link(path, join(dir, aside))
      log.error(`the ${what} was damaged and is written anew`, { kept_as: aside })
      remains = false
    }
    await writeAtomically(path, `${JSON.stringify({ version, ...value }, null, 2)}\n`)
    seen = await markOf(path)
    inFile = value
  }

  const inTurn = <R>(step: () => Promise<R>): Promise<R> => {
    const done = queue.then(step)
    queue = done.catch(() => {})
    return done
  }

  const reason = (error: unknown) =>
    error instanceof Error && 'code' in error
      ? `the ${what} cannot be read or written (${codeOf(error)})`
      : reasonOf(error)

  const commit = (how?: (value: T) => T) =>
    inTurn(() =>
      underLock(`${path}.lock`, what, async () => {
        // What is damaged by now gives way to the value that is in force.
        await look().catch((error: unknown) => {
          if (!remains) throw error
        })
        const written = [...waiting]
        const value = [...written, ...(how ? [how] : [])].reduce((before, each) => each(before), inFile)
        if (value !== inFile || remains) await write(value)
        for (const each of written) waiting.delete(each)
        show('here')
      }),
    ).catch((error: unknown) => {
      throw error instanceof ServiceError ? error : dependencyFailed('storage', reason(error))
    })

  const tryAgain = () => {
    if (closed || retry !== undefined) return
    retry = setTimeout(() => {
      retry = undefined
      if (waiting.size > 0) void commit().catch(tryAgain)
    }, retryAfter).unref()
  }

  await makeFolder(dir, 0o700).catch((error: unknown) => {
    throw new Error(`the folder of the ${what} cannot be made (${codeOf(error)})`)
  })
  await inTurn(look).catch((error: unknown) => {
    if (!remains || damaged === 'refuse') throw new Error(reason(error))
    log.error(`${reason(error)}: it begins anew, and what is there is kept aside with the first change`)
  })

  const unwatch = watchFile(dir, name, () => {
    if (!closed)
      void inTurn(look).catch((error: unknown) => log.error(`${reason(error)}; what it held before stays in force`))
  })

  return {
    value: () => shown,
    async change(how, { atOnce = false } = {}) {
      if (!atOnce) return commit(how)
      waiting.add(how)
      show('here')
      await commit().catch((error: unknown) => {
        tryAgain()
        throw error instanceof ServiceError
          ? new ServiceError(error.key, { ...error.data, suggestion: untilThen })
          : error
      })
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      clearTimeout(retry)
      unwatch()
      await queue
    },
  }
}

/** Changes with each writing: `rename` brings a new inode. */
async function markOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function textOf(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    return (await file.stat()).size > largest ? '' : await readFile(file, 'utf8')
  } finally {
    await file.close()
  }
}

function read<T extends object>(
  text: string,
  parse: (value: Record<string, unknown>) => T | undefined,
): T | 'damaged' | 'newer' {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'damaged'
    const { version: written, ...content } = value as Record<string, unknown>
    if (typeof written === 'number' && written > version) return 'newer'
    return (written === version ? parse(content) : undefined) ?? 'damaged'
  } catch {
    return 'damaged'
  }
}

/** By inotify and, since that says nothing on some file systems and may be used up, by asking. Keeps no process alive. */
function watchFile(dir: string, name: string, look: () => void): Dispose {
  let timer = setInterval(look, 5_000).unref()
  const askOften = () => {
    clearInterval(timer)
    timer = setInterval(look, 800).unref()
  }
  try {
    const watcher = watch(dir, { persistent: false }, (_event, changed) => {
      if (changed === null || changed === name) look()
    })
    watcher.on('error', () => {
      watcher.close()
      askOften()
    })
    return () => {
      clearInterval(timer)
      watcher.close()
    }
  } catch {
    askOften()
    return () => clearInterval(timer)
  }
}
