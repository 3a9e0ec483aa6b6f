import { rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEntry } from '../../machines/domain/access.js'
import { makeFolder } from '../data/folder.js'
import { codeOf, isDiskFault } from '../errorCode.js'
import { follow, isLine, type Link, origin, recordOf } from './chain.js'
import { linesBefore, linesOf, nameOf, numbersIn, pathOf, withFile } from './files.js'
import { type Head, type HeadFile, headName, readHead, writeHead } from './head.js'

export interface RecoverOptions {
  dir: string
  headDir: string
  keys: { lines: Uint8Array; head: Uint8Array }
  now: number
  /** True if there can be no log yet. */
  isNew: boolean
}

/** How the log continues. */
export interface Recovered {
  head: Head
  /** The newest file, if entries can be appended to it. */
  file?: { number: number; size: number }
  /** The number of the next new file. */
  nextNumber: number
  /** The findings, as the next entries. */
  notes: AuditEntry[]
}

/** An entry about the log itself. */
export const noteOf = (result: AuditEntry['result'], reason: string): AuditEntry => ({
  event: 'change',
  action: 'audit log',
  result,
  user: '',
  address: '',
  reason,
})

/**
 * Finds the end of the log. Lines that continue the chain after the head were written shortly before the service ended;
 * they are accepted. A half-written line at the end is cut off and noted. Everything else that is wrong is noted and
 * left for verification, and the log continues in a new file from the last entry in the head.
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const { dir, headDir, keys } = options
  await makeFolder(dir, 0o700)
  const head = await readHead(headDir, keys.head)
  const numbers = await numbersIn(dir)
  if (typeof head === 'string') return startAgain(options, head, numbers)
  const oldest = head.files[0]?.number ?? 0
  // The disk may be read-only: the next start removes them.
  for (const number of numbers.filter((each) => each < oldest))
    await rm(pathOf(dir, number), { force: true }).catch(() => {})

  const { files, last, file, cut, fault } = await followOn(options, head, numbers[0] ?? 1)
  const known = new Set(files.map(({ number }) => number))
  const unknown = numbers.filter((number) => number >= oldest && !known.has(number))
  const faults = [
    ...(await Promise.all(head.files.slice(0, -1).map((each) => faultOfLength(dir, each)))),
    fault,
    ...unknown.map((number) => `${nameOf(number)} is not of the log`),
  ].filter((each) => each !== '')
  return {
    head: { last, files, breaks: head.breaks },
    ...(file && { file }),
    nextNumber: Math.max(0, ...numbers, ...known) + 1,
    notes: [
      ...(cut > 0 ? [noteOf('ok', `${cut} bytes of an entry that was not written completely were cut off`)] : []),
      ...(faults.length > 0 ? [noteOf('failed', `found altered: ${faults.join('; ')}`)] : []),
    ],
  }
}

async function faultOfLength(dir: string, { number, bytes }: HeadFile): Promise<string> {
  const size = await sizeOf(pathOf(dir, number))
  if (size === bytes) return ''
  return `${nameOf(number)} ${size === undefined ? 'is missing' : 'has another length'}`
}

/** What `followOn` has found so far. */
interface Followed {
  files: HeadFile[]
  last: Link
  file?: { number: number; size: number }
  cut: number
  fault: string
}

/**
 * Follows the chain from the newest file in the head, else from file `first`, through the files that the head does not
 * know yet.
 */
async function followOn({ dir, keys }: RecoverOptions, { files, last }: Head, first: number): Promise<Followed> {
  const newest = files.at(-1)
  const state: Followed = { files: files.slice(0, -1), last, cut: 0, fault: '' }
  const faultAtEnd = newest === undefined ? '' : await faultOfEnd(dir, newest, last)
  if (newest !== undefined && faultAtEnd !== '')
    return { ...state, files, fault: `${nameOf(newest.number)} ${faultAtEnd}` }
  for (let next = newest ?? { number: first, before: last, bytes: 0 }; ; ) {
    const found = await followFile(dir, keys.lines, next, state.last)
    if (found === undefined) return state
    const { bytes, fault } = found
    state.cut += found.cut
    state.last = found.last
    state.fault = fault
    delete state.file
    if (fault !== '' && bytes === 0 && next !== newest) return state
    state.files.push({ ...next, bytes })
    if (fault !== '') return state
    state.file = { number: next.number, size: bytes }
    next = { number: next.number + 1, before: found.last, bytes: 0 }
  }
}

/**
 * Checks that the last entry in the head still ends the file: this mac cannot be kept when the file is cut or changed.
 */
async function faultOfEnd(dir: string, { number, bytes }: HeadFile, { seq, mac }: Link): Promise<string> {
  const size = await sizeOf(pathOf(dir, number))
  if (size === undefined) return 'is missing'
  if (size < bytes) return `was cut off before entry ${seq}`
  if (bytes === 0) return ''
  const text = await withFile(pathOf(dir, number), async (file) => {
    for await (const line of linesBefore(file, bytes)) return line
    return ''
  })
  return text?.startsWith(`{"seq":${seq},`) && text.endsWith(`"mac":"${mac}"}`) ? '' : `was altered at entry ${seq}`
}

/** Follows the chain in a file behind its `bytes`, and cuts off what is no line; `undefined`: there is no file. */
async function followFile(dir: string, key: Uint8Array, { number, bytes }: HeadFile, before: Link) {
  const path = pathOf(dir, number)
  let [last, end, isForeign] = [before, bytes, false]
  const size = await withFile(path, async (file) => {
    let isChained = true
    for await (const { text, end: lineEnd, complete } of linesOf(file, bytes)) {
      const next: Link | { fault: string } = isChained && complete ? follow(key, last, text) : { fault: '' }
      isChained = !('fault' in next)
      if ('fault' in next) isForeign ||= complete && isLine(text)
      else [last, end] = [next, lineEnd]
    }
    return (await file.stat()).size
  })
  if (size === undefined) return undefined
  if (isForeign)
    return {
      last,
      bytes: end,
      cut: 0,
      fault: `${nameOf(number)} holds lines after entry ${last.seq} that are not of the chain`,
    }
  // On a disk that cannot be written, the first entry cuts it off.
  if (size > end) await truncate(path, end).catch(() => {})
  return { last, bytes: end, cut: size - end, fault: '' }
}

/**
 * Starts a log without a valid head. If there may have been one before, nothing of it can be verified: the files are
 * kept under other names, and the head remembers the break.
 */
async function startAgain(
  { dir, headDir, keys, now, isNew }: RecoverOptions,
  found: 'missing' | 'damaged',
  numbers: number[],
): Promise<Recovered> {
  const newest = numbers.at(-1)
  const isFirst = found === 'missing' && newest === undefined && isNew
  const at = new Date(now).toISOString()
  const aside = `unproven-${at.replace(/[:.]/g, '-')}`
  const seq = newest === undefined ? 0 : ((await lastSeqOf(pathOf(dir, newest))) ?? 0)
  const what = found === 'missing' ? 'was missing' : 'was altered, or written with another key'
  const kept = newest === undefined ? 'no file of the log is left' : `the older entries are kept as ${aside}-…`
  const fault = `${headName} ${what}; ${kept}`
  const head: Head = { last: { seq, mac: origin.mac }, files: [], breaks: isFirst ? [] : [{ seq, at, fault }] }
  if (found === 'damaged') await rename(join(headDir, headName), join(headDir, `${headName}.${aside}`))
  // Before everything else: a crash must not hide the break, nor make a new log look like one whose head was removed.
  await writeHead(headDir, keys.head, head).catch((error: unknown) => {
    // Without room there are no entries either: they wait, and the head is written with the first one.
    if (isDiskFault(error)) return
    throw new Error(`state/${headName}: the head of the audit log cannot be written (${codeOf(error)})`)
  })
  for (const number of numbers) await rename(pathOf(dir, number), join(dir, `${aside}-${nameOf(number)}`))
  return {
    head,
    nextNumber: (newest ?? 0) + 1,
    notes: [isFirst ? noteOf('ok', 'the log begins') : noteOf('failed', `the log begins again: ${fault}`)],
  }
}

const lastSeqOf = (path: string) =>
  withFile(path, async (file) => {
    for await (const line of linesBefore(file, (await file.stat()).size)) {
      const record = recordOf(line)
      if (record) return record.seq
    }
    return undefined
  })

const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size
