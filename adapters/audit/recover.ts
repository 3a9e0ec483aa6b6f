import { mkdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEntry } from '../../machines/domain/access.js'
import { codeOf } from '../errorCode.js'
import { follow, isLine, type Link, origin, recordOf } from './chain.js'
import { linesBefore, linesOf, nameOf, numbersIn, pathOf, withFile } from './files.js'
import { type Head, type HeadFile, headName, readHead, writeHead } from './head.js'

export interface RecoverOptions {
  dir: string
  headDir: string
  keys: { lines: Uint8Array; head: Uint8Array }
  now: number
  /** There can be no log yet. */
  isNew: boolean
}

/** How the log can go on. */
export interface Recovered {
  head: Head
  /** It is not on the disk yet. */
  isNew: boolean
  /** The newest file can be written to, behind its `bytes`; else a new one must be begun, with this number. */
  goOn: boolean
  nextNumber: number
  /** What was found, to be the next entries. */
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
 * Finds where the log ended. Lines behind the head that go on with the chain were written just before the end of the last
 * life: they are ours. What a power cut left half written is cut off and told. All else that is wrong is told too and left
 * as it is, where a check will find it, and the log goes on in a new file from what the head knows.
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const { dir, headDir, keys, isNew } = options
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const head = await readHead(headDir, keys.head)
  const numbers = await numbersIn(dir)
  if (typeof head === 'string') {
    return head === 'missing' && numbers.length === 0 && isNew
      ? {
          head: { last: origin, files: [], breaks: [] },
          isNew: true,
          goOn: false,
          nextNumber: 1,
          notes: [noteOf('ok', 'the log begins')],
        }
      : beginAnew(options, head, numbers)
  }
  const oldest = head.files[0]?.number ?? 0
  for (const number of numbers.filter((each) => each < oldest)) await rm(pathOf(dir, number), { force: true })

  const wrong: string[] = []
  for (const { number, bytes } of head.files.slice(0, -1)) {
    const size = await sizeOf(pathOf(dir, number))
    if (size !== bytes)
      wrong.push(`${nameOf(number)} ${size === undefined ? 'is missing' : 'is not as long as it was'}`)
  }
  const { files, last, goOn, cut, fault } = await followOn(options, head)
  if (fault !== '') wrong.push(fault)
  const known = new Set(files.map(({ number }) => number))
  wrong.push(
    ...numbers
      .filter((number) => number >= oldest && !known.has(number))
      .map((number) => `${nameOf(number)} is not of the log`),
  )
  return {
    head: { last, files, breaks: head.breaks },
    isNew: false,
    goOn,
    nextNumber: Math.max(0, ...numbers, ...known) + 1,
    notes: [
      ...(cut > 0
        ? [noteOf('ok', `${cut} bytes of an entry that was being written at the end of the last life were cut off`)]
        : []),
      ...(wrong.length > 0 ? [noteOf('failed', `found altered: ${wrong.join('; ')}`)] : []),
    ],
  }
}

/** From the newest file that the head knows, over those that it does not know yet. */
async function followOn({ dir, keys }: RecoverOptions, head: Head) {
  const files = [...head.files]
  let state: { last: Link; goOn: boolean; cut: number; fault: string } = {
    last: head.last,
    goOn: false,
    cut: 0,
    fault: '',
  }
  const newest = files.at(-1)
  if (newest !== undefined) {
    const fault = await faultOfEnd(dir, newest, head.last)
    if (fault !== '') return { ...state, files, fault: `${nameOf(newest.number)} ${fault}` }
  }
  let file = newest ?? { number: 1, before: head.last, bytes: 0 }
  for (;;) {
    const found = await followFile(dir, keys.lines, file, state.last)
    if (found === undefined) return { ...state, files }
    const { bytes, ...rest } = found
    state = { ...rest, cut: state.cut + rest.cut }
    if (file !== newest && bytes === 0 && found.fault !== '') return { ...state, files }
    const at = files.findIndex(({ number }) => number === file.number)
    files.splice(at < 0 ? files.length : at, 1, { ...file, bytes })
    if (!found.goOn) return { ...state, files }
    file = { number: file.number + 1, before: state.last, bytes: 0 }
  }
}

/** What the chain's last proven entry must be: whoever cut or changed the file's end could not keep it. */
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

/** What of the file behind its `bytes` goes on with the chain; `undefined`: there is no file. */
async function followFile(dir: string, key: Uint8Array, { number, bytes }: HeadFile, before: Link) {
  const path = pathOf(dir, number)
  let [last, end, isForeign] = [before, bytes, false]
  const size = await withFile(path, async (file) => {
    let ours = true
    for await (const { text, end: lineEnd, complete } of linesOf(file, bytes)) {
      const next: Link | { fault: string } = ours && complete ? follow(key, last, text) : { fault: '' }
      ours = !('fault' in next)
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
      goOn: false,
      cut: 0,
      fault: `${nameOf(number)} holds lines behind entry ${last.seq} that are not of the chain`,
    }
  if (size > end) await truncate(path, end)
  return { last, bytes: end, goOn: true, cut: size - end, fault: '' }
}

/** Without a head nothing can be proven: what is there is kept under another name, and that it was so stays known. */
async function beginAnew(
  { dir, headDir, keys, now }: RecoverOptions,
  found: 'missing' | 'damaged',
  numbers: number[],
): Promise<Recovered> {
  const at = new Date(now).toISOString()
  const aside = `unproven-${at.replace(/[:.]/g, '-')}`
  const newest = numbers.at(-1)
  const seq = newest === undefined ? 0 : ((await lastSeqOf(pathOf(dir, newest))) ?? 0)
  const what = found === 'missing' ? 'was missing' : 'was altered, or made with another key'
  const kept = numbers.length === 0 ? 'no file of the log is left' : `what was written before is kept as ${aside}-…`
  const fault = `${headName} ${what}; ${kept}`
  const head: Head = { last: { seq, mac: origin.mac }, files: [], breaks: [{ seq, at, fault }] }
  if (found === 'damaged') await rename(join(headDir, headName), join(headDir, `${headName}.${aside}`))
  // First of all: whatever happens next, the break is known.
  await writeHead(headDir, keys.head, head).catch((error: unknown) => {
    throw new Error(`the head of the audit log cannot be written (${codeOf(error)})`)
  })
  for (const number of numbers) await rename(pathOf(dir, number), join(dir, `${aside}-${nameOf(number)}`))
  return {
    head,
    isNew: false,
    goOn: false,
    nextNumber: (newest ?? 0) + 1,
    notes: [noteOf('failed', `the log begins anew: ${fault}`)],
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

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
