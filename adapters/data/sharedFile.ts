import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Static, TObject } from 'typebox'
import { dependencyFailed, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { Dispose } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { markOf } from '../files/markOf.js'
import { watchFolder } from '../files/watchFolder.js'
import { makeFolder } from './folder.js'
import { createListeners } from './listeners.js'
import { underLock } from './lock.js'
import { openStateFile, type StateFileOptions, stateText, withFile } from './stateFile.js'

/**
 * How often the file is looked at, in ms, besides the events of its folder: the command line promises that the service
 * knows its changes within a second.
 */
const lookInterval = { polled: 900, trusted: 10_000 }
/** How long after a failed write the changes that are already in force are written again, in ms. */
const retryAfter = 30_000
const untilWritten =
  'the change is in force until the service ends, and is written again every 30 s: ' +
  'make room on the disk, or check the permissions of the state folder'

/** `dir` is created if it is missing. */
export interface SharedFileOptions<Shape extends TObject> extends StateFileOptions<Shape> {
  /** What to do before the service can start with a damaged file; absent: it starts with its copy, or empty. */
  whenDamaged?: string
}

/** A new value, the one before it, and the process that made the change. */
export interface Change<T> {
  value: T
  before: T
  by: 'us' | 'another process'
}

/** A state file that the service and the command line both change. */
export interface SharedFile<T> {
  value(): T
  /**
   * Applies `change` to the latest content of the file and writes the result. `change` is pure, may run several times
   * and returns its argument when nothing changes. Rejects with the ServiceError that `change` throws, or
   * `dependencyFailed` if the file cannot be written. `atOnce`: the change is in force in this process before it is
   * written, and stays in force if that fails; such a `change` never throws.
   */
  change(change: (value: T) => T, also?: { atOnce?: boolean }): Promise<void>
  onChange(listener: (change: Change<T>) => void): Dispose
  /** Waits for the writes in progress. */
  close(): Promise<void>
}

/** Rejects with one sentence if the file cannot be used. Once it is open, the last good value stays in force. */
export async function openSharedFile<Shape extends TObject>(
  options: SharedFileOptions<Shape>,
): Promise<SharedFile<Static<Shape>>> {
  type Value = Static<Shape>
  const { dir, name, what, empty, whenDamaged, keepsCopy = false, log } = options
  const path = join(dir, name)
  const lock = `${path}.lock`
  const file = openStateFile(options)
  const listeners = createListeners<Change<Value>>()
  const inTurn = pLimit(1)
  /** Changes that are in force and not in the file yet. */
  const unwritten = new Set<(value: Value) => Value>()
  /** The last good text of the file, and its value. */
  let text: string | undefined
  let written = empty
  let value = empty
  /** Of the file at the last poll or write. */
  let mark = await markOf(path)
  let retry: NodeJS.Timeout | undefined

  const apply = (changes: Iterable<(value: Value) => Value>) =>
    [...changes].reduce((before, change) => change(before), written)

  const show = (by: Change<Value>['by']) => {
    const before = value
    value = apply(unwritten)
    if (value !== before) listeners.notify({ value, before, by })
  }

  /** Takes over what another process has written. False: the file is damaged. */
  const look = async (): Promise<boolean> => {
    const found = await file.text()
    if (found === text) return true
    const parsed = found === undefined ? empty : file.parse(found)
    if (parsed === 'damaged') return false
    // Deleted in use: what it held is over, and must not come back from the copy.
    if (found === undefined) await file.forget()
    text = found
    written = parsed
    show('another process')
    return true
  }
  const complain = (why: string) => log.error(`state/${name}: ${why}: the last good value stays in force`)
  const poll = async () => {
    const found = await markOf(path)
    if (found === mark) return
    mark = found
    if (!(await look())) complain(`${what} is damaged`)
  }

  const writeChange = async (change?: (value: Value) => Value) => {
    const isGood = await look()
    const pending = [...unwritten]
    const next = apply(change ? [...pending, change] : pending)
    if (next !== written || !isGood) {
      if (isGood) await file.write(next)
      else
        log.error(`state/${name}: ${what} was damaged and is replaced`, {
          kept_as: await file.replace(next),
        })
      mark = await markOf(path)
      text = stateText(next)
      written = next
    }
    for (const each of pending) unwritten.delete(each)
    show('us')
  }
  const commit = (change?: (value: Value) => Value) =>
    inTurn(() => underLock(lock, what, () => writeChange(change))).catch((error: unknown) => {
      throw error instanceof ServiceError ? error : dependencyFailed('storage', reasonOf(error))
    })
  const retryLater = () => {
    retry ??= setTimeout(() => {
      retry = undefined
      if (unwritten.size > 0) void commit().catch(retryLater)
    }, retryAfter).unref()
  }

  await makeFolder(dir, 0o700).catch((error: unknown) => {
    throw new Error(`the state folder cannot be created (${codeOf(error)})`)
  })
  const isGood = await look().catch((error: unknown) => {
    throw withFile(name, error)
  })
  if (!isGood && whenDamaged) throw new Error(`state/${name}: ${what} is damaged: ${whenDamaged}`)
  if (!isGood || keepsCopy) {
    // On a disk that cannot be written there is no lock, and no change to lose.
    const loaded = await underLock(lock, what, file.load).catch(file.load)
    written = loaded.value
    value = loaded.value
    text = loaded.from === 'nothing' ? undefined : stateText(value)
    mark = await markOf(path)
  }
  const unwatch = watchFolder(dir, lookInterval, () =>
    inTurn(poll).catch((error: unknown) => complain(reasonOf(error))),
  )

  return {
    value: () => value,
    async change(change, { atOnce = false } = {}) {
      if (!atOnce) return commit(change)
      unwritten.add(change)
      show('us')
      await commit().catch((error: unknown) => {
        retryLater()
        throw error instanceof ServiceError
          ? new ServiceError(error.key, { ...error.data, suggestion: untilWritten })
          : error
      })
    },
    onChange: listeners.add,
    async close() {
      unwatch()
      await inTurn(() => {})
      unwritten.clear()
      clearTimeout(retry)
    },
  }
}
