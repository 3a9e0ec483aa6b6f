import { type FileHandle, open as openFile } from 'node:fs/promises'
import pLimit from 'p-limit'
import { ServiceError } from '../../machines/domain/errors.js'
import {
  type Journal,
  type JournalEntry,
  type JournalPage,
  type JournalQuery,
  matches,
} from '../../machines/domain/journal.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { entriesBefore, pathOf, removeFile } from './files.js'
import { recall } from './recall.js'

export interface JournalOptions {
  /** The folder of the files; created if it is missing. */
  dir: string
  /** Of all files together, in bytes. */
  maxSize: number
  /** Entries older than this are removed, in ms. */
  maxAge: number
  /** Of the service. */
  version: string
  clock: WallClock
  log: Log
  /** Number of entries in memory; default 4000. */
  most?: number
  /** Entries are written once in this time, in ms. */
  pause?: number
  /** Time between two marks that the service runs, in ms; default 10 s. */
  markEvery?: number
  open?: (path: string) => Promise<Sink>
}

/** A file to append to. */
export type Sink = Pick<FileHandle, 'appendFile' | 'truncate' | 'utimes' | 'sync' | 'close'>

/** The oldest of so many files is removed when the next one begins. */
const parts = 8
/** Entries that wait while the disk takes none; the oldest are dropped. */
const mostWaiting = 5_000
/** Entries of one write. */
const batch = 500
/** Entries that one page reads to find those that match. */
const mostRead = 20_000

/**
 * Continues the journal where it ended. Says with its first entry that the service started, and whether the last run
 * ended without a stop: then the time of the newest file tells until when it was alive. Never rejects: without a usable folder the journal is kept in memory.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { dir, maxSize, maxAge, version, clock, log, most = 4_000, pause = 1_000, open = openSink } = options
  const { markEvery = 10_000 } = options
  const partSize = Math.max(1, Math.floor(maxSize / parts))
  const inTurn = pLimit(1)
  const { entries: recent, files, fault } = await recall(dir, most)
  let seq = recent.at(-1)?.seq ?? 0
  const waiting: string[] = []
  let lost = 0
  /** The code of the error that is logged already. */
  let trouble = ''
  let timer: NodeJS.Timeout | undefined
  /** The newest file, while it is open. */
  let sink: Sink | undefined
  let isClosed = false

  const failed = (code: string) => {
    if (trouble === '') log.warn('the journal cannot be written and is kept in memory', { reason: code })
    trouble = code
  }
  if (fault !== undefined) failed(fault)

  const append: Journal['append'] = (draft) => {
    seq += 1
    const entry: JournalEntry = { seq, ...draft }
    recent.push(entry)
    // Not with each entry, because all others are moved.
    if (recent.length >= most + Math.min(most, batch)) recent.splice(0, recent.length - most)
    waiting.push(`${JSON.stringify(entry)}\n`)
    if (waiting.length > mostWaiting) {
      waiting.shift()
      lost += 1
    }
    if (!isClosed) timer ??= setTimeout(writeSoon, trouble === '' ? pause : pause * 10).unref()
    return entry
  }

  function writeSoon() {
    timer = undefined
    void inTurn(write)
  }

  /** What fails stays, and is tried again after a longer pause. */
  async function write() {
    try {
      while (waiting.length > 0) await writeBatch()
      await expire()
      if (trouble !== '') log.info('the journal is written again', { lost })
      trouble = ''
      lost = 0
    } catch (error) {
      failed(codeOf(error))
      await sink?.close().catch(() => {})
      sink = undefined
      if (!isClosed) timer ??= setTimeout(writeSoon, pause * 10).unref()
    }
  }

  async function writeBatch() {
    let file = files.at(-1)
    const first = Buffer.byteLength(waiting[0] ?? '')
    if (file === undefined || (file.bytes > 0 && file.bytes + first > partSize)) {
      await finish()
      file = { number: (file?.number ?? 0) + 1, bytes: 0, newest: clock.now() }
      sink = await open(pathOf(dir, file.number))
      files.push(file)
    }
    sink ??= await open(pathOf(dir, file.number))
    // Removes what a failed write, or the end of the process within one, has left.
    await sink.truncate(file.bytes)
    let [count, size] = [0, file.bytes]
    while (count < Math.min(batch, waiting.length)) {
      const bytes = Buffer.byteLength(waiting[count] ?? '')
      if (count > 0 && size + bytes > partSize) break
      count += 1
      size += bytes
    }
    await sink.appendFile(waiting.slice(0, count).join(''))
    Object.assign(file, { bytes: size, newest: clock.now() })
    waiting.splice(0, count)
  }

  async function finish() {
    const ended = sink
    sink = undefined
    await ended?.sync()
    await ended?.close()
  }

  /** Removes files beyond the size and the age, but never the newest. */
  async function expire() {
    const isOld = () => files.length > 1 && (files[0]?.newest ?? 0) < clock.now() - maxAge
    // One part less, because the newest still grows.
    while (files.length > parts - 1 || isOld()) {
      const file = files.shift()
      if (file) await removeFile(dir, file.number)
    }
  }

  append({
    at: clock.now(),
    actor: 'service',
    to: 'running',
    state: 'running',
    event: 'started',
    evidence: { version, ...runBefore(recent, files.at(-1)?.newest ?? 0) },
  })
  /** Changes the time of the file, which costs no write of data. */
  const mark = async () => {
    const now = clock.now() / 1_000
    await sink?.utimes(now, now).catch(() => {})
  }
  const marking = setInterval(() => void inTurn(mark), markEvery).unref()
  // At once: a process that is killed in its first second must not be missing.
  clearTimeout(timer)
  writeSoon()

  return {
    append,
    recent: () => recent,
    async read(query) {
      const oldest = clock.now() - maxAge
      const wanted = { ...query, since: Math.max(query.since ?? 0, oldest) }
      const first = recent[0]?.seq ?? 0
      const known = pageOf(recent, wanted)
      const isEnough = known.next !== undefined || (query.after ?? 0) >= first - 1
      if (isEnough) return known
      await inTurn(write)
      const numbers = files.map(({ number }) => number)
      return readOlder(dir, numbers, { ...wanted, before: Math.min(wanted.before ?? first, first) }, known)
    },
    async close() {
      if (isClosed) return
      append({ at: clock.now(), actor: 'service', from: 'running', to: 'stopped', state: 'stopped', event: 'stopped' })
      isClosed = true
      clearTimeout(timer)
      clearInterval(marking)
      await inTurn(write)
      if (waiting.length > 0) log.warn('entries of the journal are lost', { entries: waiting.length, reason: trouble })
      await finish().catch(() => {})
    },
  }
}

/** How the last run ended. `marked`: when it was last seen alive by the time of its file, epoch ms. */
function runBefore(entries: readonly JournalEntry[], marked: number): JournalEntry['evidence'] {
  const last = entries.at(-1)
  if (last === undefined) return {}
  if (last.event === 'stopped') return { previous_run: 'stopped' }
  return { previous_run: 'ended without a stop', last_alive: new Date(Math.max(marked, last.at)).toISOString() }
}

/** Keeps nothing. */
export const noJournal: Journal = {
  append: (draft) => ({ seq: 0, ...draft }),
  recent: () => [],
  read: () => Promise.reject(new ServiceError('unsupported', { feature: 'the journal (journal.enabled is false)' })),
  close: async () => {},
}

/** The page from the entries in memory. `next` is absent if the limit was not reached. */
function pageOf(recent: readonly JournalEntry[], query: JournalQuery): JournalPage {
  const entries: JournalEntry[] = []
  for (let index = recent.length - 1; index >= 0 && entries.length < query.limit; index -= 1) {
    const entry = recent[index]
    if (entry && matches(entry, query)) entries.push(entry)
  }
  const last = entries.at(-1)
  return { entries, ...(entries.length >= query.limit && last && { next: last.seq }) }
}

/** Continues a page with the entries on disk. */
async function readOlder(
  dir: string,
  numbers: number[],
  query: JournalQuery,
  known: JournalPage,
): Promise<JournalPage> {
  const { entries } = known
  let [seen, lowest] = [0, query.before ?? 0]
  try {
    for await (const entry of entriesBefore(dir, numbers)) {
      if (entry.seq >= lowest) continue
      lowest = entry.seq
      if (entry.seq <= (query.after ?? 0) || entry.at < (query.since ?? 0) - hour) return { entries }
      seen += 1
      if (matches(entry, query)) entries.push(entry)
      if (entries.length >= query.limit || seen >= mostRead) return { entries, next: lowest }
    }
  } catch (error) {
    throw new Error(`the journal cannot be read (${codeOf(error)})`)
  }
  return { entries }
}

/** The clock may have been set: entries are in the order of their numbers, not quite of their times. In ms. */
const hour = 3_600_000

const openSink = (path: string): Promise<Sink> => openFile(path, 'a', 0o600)
