import { type FileHandle, open as openFile, rm } from 'node:fs/promises'
import type { AuditEntry, AuditLog } from '../../machines/domain/access.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { syncFolder } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { keysOf, lineOf } from './chain.js'
import { pathOf } from './files.js'
import { writeHead } from './head.js'
import { readPage } from './read.js'
import { noteOf, recover } from './recover.js'
import { createRepeats } from './repeats.js'

export interface AuditOptions {
  /** The folder of the log; made when it is missing. */
  dir: string
  /** The folder of its head, which must be there: another one, so that both do not go at once. */
  headDir: string
  /** Of the macs; at least 32 bytes, and its own: with another one the log cannot be proven. */
  secret: Uint8Array
  clock: Clock
  log: Log
  /** Bytes after which a new file is begun. */
  maxSize: number
  /** Files that are kept. */
  maxFiles: number
  /** The secret was made just now, so there can be no log yet; else one that is gone is told, and stays known. */
  isNew?: boolean
  /** How long entries that are alike are counted together, in ms. */
  repeatPeriod?: number
  /** Entries that may wait while the disk is full. */
  maxWaiting?: number
  open?: (path: string, flags: string) => Promise<Sink>
}

/** A file to append to. */
export type Sink = Pick<FileHandle, 'appendFile' | 'truncate' | 'sync' | 'close'>

/** Lines are made durable, and the head written, at most once in so many ms; one that failed is tried again after as many. */
const pause = 1_000
/** Entries of one write. */
const batch = 500

/** Opens the log where it ended. Rejects when its folder or its head cannot be read or made. */
export async function openAuditLog(options: AuditOptions): Promise<AuditLog> {
  const {
    dir,
    headDir,
    secret,
    clock,
    log,
    maxSize,
    maxFiles,
    isNew: isNewSecret = true,
    repeatPeriod = 60_000,
    maxWaiting = 10_000,
    open = opened,
  } = options
  const keys = keysOf(secret)
  const { head, isNew, goOn, nextNumber, notes } = await recover({
    dir,
    headDir,
    keys,
    now: clock.now(),
    isNew: isNewSecret,
  })

  const waiting: { entry: AuditEntry; at: number }[] = []
  /** What did not fit into it. */
  let lost = 0
  let file: { sink: Sink; size: number } | undefined
  let next = nextNumber
  let mayResume = goOn
  // At once: until there is one, its absence could as well be somebody's work.
  let hasHead =
    !isNew ||
    (await writeHead(headDir, keys.head, head).then(
      () => true,
      () => false,
    ))
  /** A write failed half-way: what it left must go before the next. */
  let isUnclean = false
  let isUnsynced = false
  let dropped: number[] = []
  const trouble = { lines: '', head: '' }
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let last: Promise<unknown> = Promise.resolve()

  const enqueue = (entry: AuditEntry) => {
    if (waiting.length >= maxWaiting) {
      lost += 1
      return
    }
    tellLoss()
    waiting.push({ entry, at: clock.now() })
    // A drain that has not begun yet will find it.
    if (waiting.length === 1) void run(drain)
  }
  const repeats = createRepeats({
    write: enqueue,
    period: repeatPeriod,
    most: { strangers: 60, network: 20, user: 20 },
  })

  function tellLoss() {
    if (lost === 0 || waiting.length >= maxWaiting) return
    waiting.push({
      entry: noteOf(
        'failed',
        `${lost} entries were lost while the log could not be written (${trouble.lines || 'too many at once'})`,
      ),
      at: clock.now(),
    })
    lost = 0
  }

  /** One thing at a time, in order; `task` never rejects. */
  function run(task: () => Promise<void>): Promise<void> {
    const done = last.then(task)
    last = done
    return done
  }

  async function drain() {
    // While the disk is full, the timer tries again, not each entry.
    if (trouble.lines !== '' && timer !== undefined) return
    while (waiting.length > 0) {
      try {
        await append()
      } catch (error) {
        return failed('lines', error)
      }
      tellLoss()
      worked('lines')
    }
    if (isUnsynced) later()
  }

  async function append() {
    // Lines without any head would be taken for those of a removed one.
    if (!hasHead) await writeHead(headDir, keys.head, head)
    hasHead = true
    file ??= mayResume ? await resume() : await begin()
    if (isUnclean) {
      await file.sink.truncate(file.size)
      isUnclean = false
    }
    const lines: string[] = []
    let [link, size] = [head.last, file.size]
    for (const { entry, at } of waiting.slice(0, batch)) {
      const made = lineOf(keys.lines, link, entry, at)
      const bytes = Buffer.byteLength(made.line)
      if (size > 0 && size + bytes > maxSize) break
      lines.push(made.line)
      link = made.link
      size += bytes
    }
    if (lines.length === 0) return rotate(file)
    isUnclean = true
    await file.sink.appendFile(lines.join(''))
    isUnclean = false
    file.size = size
    head.last = link
    waiting.splice(0, lines.length)
    isUnsynced = true
  }

  async function resume() {
    const newest = head.files.at(-1)
    if (newest === undefined) return begin()
    const sink = await open(pathOf(dir, newest.number), 'a')
    mayResume = false
    return { sink, size: newest.bytes }
  }

  async function begin() {
    const sink = await open(pathOf(dir, next), 'ax')
    mayResume = false
    head.files.push({ number: next, before: head.last, bytes: 0 })
    next += 1
    return { sink, size: 0 }
  }

  async function rotate(full: { sink: Sink; size: number }) {
    await full.sink.sync()
    setBytes(full.size)
    file = undefined
    await full.sink.close()
  }

  const setBytes = (bytes: number) => {
    const newest = head.files.at(-1)
    if (newest) newest.bytes = bytes
  }

  /** Lines first, then the head that promises them, then the files that it no longer names. */
  async function sync() {
    if (!isUnsynced && dropped.length === 0) return
    try {
      await file?.sink.sync()
      if (file) setBytes(file.size)
      const surplus = head.files.splice(0, Math.max(0, head.files.length - maxFiles))
      dropped.push(...surplus.map(({ number }) => number))
      const first = head.files[0]?.before.seq ?? 0
      head.breaks = head.breaks.filter(({ seq }) => seq >= first).slice(-20)
      await writeHead(headDir, keys.head, head)
      isUnsynced = false
      for (const number of dropped) await rm(pathOf(dir, number), { force: true })
      dropped = []
      worked('head')
    } catch (error) {
      failed('head', error)
    }
  }

  function later() {
    timer ??= setTimeout(() => {
      timer = undefined
      void run(drain)
      void run(sync)
    }, pause).unref()
  }

  function failed(part: 'lines' | 'head', error: unknown) {
    if (trouble[part] === '')
      log.error(`the audit log cannot be ${part === 'lines' ? 'written: entries wait' : 'made durable'}`, {
        reason: codeOf(error),
      })
    trouble[part] = codeOf(error)
    later()
  }

  function worked(part: 'lines' | 'head') {
    if (trouble[part] !== '') log.info(`the audit log is ${part === 'lines' ? 'written' : 'made durable'} again`)
    trouble[part] = ''
  }

  const anchor = () => ({ entry: head.last.seq, mac: head.last.mac.slice(0, 16) })
  for (const note of notes) {
    if (note.result === 'failed') log.error(`audit log: ${note.reason}`)
    enqueue(note)
  }
  // In a log that is kept elsewhere, this is what a log that was put back to an older state can be told by.
  log.info('the audit log goes on', anchor())

  return {
    write(entry) {
      if (isClosed)
        log.warn('an audit entry came after the end of the log', { action: entry.action, result: entry.result })
      else if (entry.result === 'ok' && entry.event !== 'authentication') enqueue(entry)
      else repeats.take(entry)
    },

    async read(page) {
      await run(drain)
      return readPage(dir, { ...head, files: [...head.files] }, page)
    },

    async close() {
      if (isClosed) return last.then(() => {})
      repeats.close()
      isClosed = true
      await last
      clearTimeout(timer)
      timer = undefined
      await run(drain)
      await run(sync)
      clearTimeout(timer)
      if (waiting.length + lost > 0)
        log.error('audit entries are lost: the log could not be written', {
          entries: waiting.length + lost,
          reason: trouble.lines,
        })
      await file?.sink.close().catch(() => {})
      log.info('the audit log ends', anchor())
    },
  }
}

async function opened(path: string, flags: string): Promise<Sink> {
  const file = await openFile(path, flags, 0o600)
  if (flags === 'a') return file
  try {
    // A head that names a file which a power cut took back would accuse where nobody did anything.
    await syncFolder(path)
    return file
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}
