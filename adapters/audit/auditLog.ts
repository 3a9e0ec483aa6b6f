import { type FileHandle, open as openFile, rm } from 'node:fs/promises'
import pLimit from 'p-limit'
import type { AuditEntry, AuditLog } from '../../machines/domain/access.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { syncFolder } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { keysOf, lineOf } from './chain.js'
import { pathOf } from './files.js'
import { writeHead } from './head.js'
import { readPage } from './read.js'
import { noteOf, recover } from './recover.js'
import { createRepeats } from './repeats.js'

export interface AuditOptions {
  /** The folder of the log; created if it is missing. */
  dir: string
  /** The folder of the head, which must exist: a different one, so that the two are not lost together. */
  headDir: string
  /** The key of the macs: at least 32 bytes, used for nothing else. A log cannot be verified with another key. */
  secret: Uint8Array
  clock: WallClock
  log: Log
  /** In bytes, of one file. */
  maxSize: number
  /** How many files are kept. */
  maxFiles: number
  /** True if the secret was just generated: only then a missing log is no fault. */
  isNew?: boolean
  /** How long similar entries are counted together, in ms. */
  repeatPeriod?: number
  /** How many entries may wait while the disk is full. */
  maxWaiting?: number
  open?: (path: string, flags: string) => Promise<Sink>
}

/** A file to append to. */
export type Sink = Pick<FileHandle, 'appendFile' | 'truncate' | 'sync' | 'close'>

/** Lines are synced, the head is written and failed writes are repeated once in this time, in ms. */
const pause = 1_000
/** Entries of one write. */
const batch = 500

/** Continues the log where it ended. Rejects if its folder or its head cannot be read or written. */
export async function openAuditLog(options: AuditOptions): Promise<AuditLog> {
  const { dir, headDir, secret, clock, log, maxSize, maxFiles, isNew = true } = options
  const { repeatPeriod = 60_000, maxWaiting = 10_000, open = openSink } = options
  const keys = keysOf(secret)
  const { head, notes, ...found } = await recover({ dir, headDir, keys, now: clock.now(), isNew })

  const inTurn = pLimit(1)
  const waiting: { entry: AuditEntry; at: number }[] = []
  /** Entries for which there was no room. */
  let lost = 0
  /** The newest file; absent: the next entry begins one. */
  let file: { number: number; size: number; sink?: Sink } | undefined = found.file
  let { nextNumber } = found
  /** The last entry that the head on the disk names. */
  let synced = head.last.seq
  /** The codes of the errors that are logged already. */
  const trouble = { lines: '', head: '' }
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const enqueue = (entry: AuditEntry) => {
    if (waiting.length >= maxWaiting) {
      lost += 1
      return
    }
    noteLoss()
    waiting.push({ entry, at: clock.now() })
    // A drain that has not begun yet finds the later ones.
    if (waiting.length === 1) void inTurn(drain)
  }
  const repeats = createRepeats({
    write: enqueue,
    period: repeatPeriod,
    most: { strangers: 60, network: 20, user: 20 },
  })

  function noteLoss() {
    if (lost === 0 || waiting.length >= maxWaiting) return
    const reason = trouble.lines || 'too many at once'
    const note = noteOf('failed', `${lost} entries were lost while the log could not be written (${reason})`)
    waiting.push({ entry: note, at: clock.now() })
    lost = 0
  }

  async function drain() {
    try {
      while (waiting.length > 0) {
        await append()
        noteLoss()
        succeeded('lines')
      }
    } catch (error) {
      failed('lines', error)
    }
    if (head.last.seq > synced) later()
  }

  async function append() {
    file ??= await begin()
    file.sink ??= await open(pathOf(dir, file.number), 'a')
    // Removes what a failed write has left.
    await file.sink.truncate(file.size)
    const lines: string[] = []
    let [link, size] = [head.last, file.size]
    for (const { entry, at } of waiting.slice(0, batch)) {
      const next = lineOf(keys.lines, link, entry, at)
      const bytes = Buffer.byteLength(next.line)
      if (size > 0 && size + bytes > maxSize) break
      lines.push(next.line)
      link = next.link
      size += bytes
    }
    if (lines.length === 0) return finish(file.sink)
    await file.sink.appendFile(lines.join(''))
    file.size = size
    head.last = link
    waiting.splice(0, lines.length)
  }

  async function begin() {
    const number = nextNumber
    const sink = await open(pathOf(dir, number), 'ax')
    nextNumber += 1
    head.files.push({ number, before: head.last, bytes: 0 })
    return { number, size: 0, sink }
  }

  async function finish(sink: Sink) {
    await syncLines()
    file = undefined
    await sink.close()
  }

  async function syncLines() {
    await file?.sink?.sync()
    const newest = head.files.at(-1)
    if (newest && file) newest.bytes = file.size
  }

  /** First the lines, then the head that names them, then the removal of the files that it does not name. */
  async function sync() {
    const surplus = head.files.slice(0, -maxFiles)
    if (head.last.seq === synced && surplus.length === 0) return
    try {
      await syncLines()
      const files = head.files.slice(surplus.length)
      const first = files[0]?.before.seq ?? 0
      const breaks = head.breaks.filter(({ seq }) => seq >= first).slice(-20)
      await writeHead(headDir, keys.head, { last: head.last, files, breaks })
      Object.assign(head, { files, breaks })
      synced = head.last.seq
      succeeded('head')
    } catch (error) {
      return failed('head', error)
    }
    // The next start removes a file that cannot be removed now.
    for (const { number } of surplus) await rm(pathOf(dir, number), { force: true }).catch(() => {})
  }

  function later() {
    timer ??= setTimeout(() => {
      timer = undefined
      void inTurn(drain)
      void inTurn(sync)
    }, pause).unref()
  }

  function failed(part: 'lines' | 'head', error: unknown) {
    const what = part === 'lines' ? 'written: entries wait' : 'synced to the disk'
    if (trouble[part] === '') log.error(`the audit log cannot be ${what}`, { reason: codeOf(error) })
    trouble[part] = codeOf(error)
    later()
  }

  function succeeded(part: 'lines' | 'head') {
    if (trouble[part] !== '') log.info(`the audit log is ${part === 'lines' ? 'written' : 'synced to the disk'} again`)
    trouble[part] = ''
  }

  /**
   * In the service's log, which may be kept elsewhere, it shows whether the audit log was replaced by an older copy.
   */
  const anchor = () => ({ entry: head.last.seq, mac: head.last.mac.slice(0, 16) })
  for (const note of notes) {
    if (note.result === 'failed') log.error(`audit log: ${note.reason}`)
    enqueue(note)
  }
  log.info('the audit log is open', anchor())

  return {
    write(entry) {
      if (isClosed)
        log.warn('an audit entry came after the end of the log', { action: entry.action, result: entry.result })
      else if (entry.result === 'ok' && entry.event !== 'authentication') enqueue(entry)
      else repeats.take(entry)
    },

    async read(page) {
      await inTurn(drain)
      return readPage(dir, { ...head, files: [...head.files] }, page)
    },

    async close() {
      if (isClosed) return inTurn(() => {})
      repeats.close()
      isClosed = true
      await inTurn(drain)
      await inTurn(sync)
      clearTimeout(timer)
      if (waiting.length + lost > 0)
        log.error('audit entries are lost: the log could not be written', {
          entries: waiting.length + lost,
          reason: trouble.lines,
        })
      await file?.sink?.close().catch(() => {})
      log.info('the audit log is closed', anchor())
    },
  }
}

async function openSink(path: string, flags: string): Promise<Sink> {
  const file = await openFile(path, flags, 0o600)
  if (flags === 'a') return file
  try {
    // After a power cut, the head must not name a file that does not exist.
    await syncFolder(path)
    return file
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}
