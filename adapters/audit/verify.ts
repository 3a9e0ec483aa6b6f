import type { AuditVerdict } from '../../machines/domain/access.js'
import { follow, keysOf, type Link } from './chain.js'
import { linesOf, nameOf, numbersIn, pathOf, withFile } from './files.js'
import { type Head, type HeadFile, headName, readHead } from './head.js'

export interface VerifyOptions {
  /** The folder of the log. */
  dir: string
  /** The folder of its head. */
  headDir: string
  secret: Uint8Array
}

/**
 * Compares the whole log with its head and names the first fault: file, line and what is wrong. May run while the
 * service writes the log: a difference that a newer head explains is no fault. Rejects if a file cannot be read.
 */
export async function verifyAudit(options: VerifyOptions): Promise<AuditVerdict> {
  const keys = keysOf(options.secret)
  let head = await readHead(options.headDir, keys.head)
  for (let tries = 0; ; tries += 1) {
    const verdict = await verifyAgainst(head, options.dir, keys.lines)
    if (verdict.good || tries >= 4) return verdict
    const newer = await readHead(options.headDir, keys.head)
    if (JSON.stringify(newer) === JSON.stringify(head)) return verdict
    head = newer
  }
}

async function verifyAgainst(head: Head | 'missing' | 'damaged', dir: string, key: Uint8Array): Promise<AuditVerdict> {
  const numbers = await numbersIn(dir)
  if (head === 'damaged')
    return { good: false, entries: 0, fault: `${headName} was altered, or written with another key` }
  // There is a secret, so there was a log: both are created together.
  if (head === 'missing')
    return {
      good: false,
      entries: 0,
      fault: `${headName} is missing${numbers.length === 0 ? ', and so is every file of the log' : ''}`,
    }
  const first = head.files[0]?.before.seq ?? head.last.seq
  let at: Link = head.files[0]?.before ?? head.last
  const bad = (fault: string): AuditVerdict => ({ good: false, entries: at.seq - first, fault })

  for (const [index, file] of head.files.entries()) {
    const next = head.files[index + 1]?.before
    const { link, fault } = await verifyFile({ dir, key, file, until: next ?? head.last, isLast: next === undefined })
    at = link
    if (fault !== undefined) return bad(`${nameOf(file.number)} ${fault}`)
  }
  // The head may not name the newest files yet.
  let last = head.files.at(-1)?.number ?? 0
  const known = new Set(head.files.map(({ number }) => number))
  for (const number of numbers) {
    if (known.has(number) || number < (head.files[0]?.number ?? 0)) continue
    if (number !== last + 1) return bad(`${nameOf(number)} is not of the log`)
    const { link, fault } = await verifyFile({
      dir,
      key,
      file: { number, before: at, bytes: 0 },
      until: at,
      isLast: true,
    })
    at = link
    last = number
    if (fault !== undefined) return bad(`${nameOf(number)} ${fault}`)
  }
  const [broken] = head.breaks
  if (broken !== undefined)
    return bad(`after entry ${broken.seq} the log begins again at ${broken.at}: ${broken.fault}`)
  return { good: true, entries: at.seq - first }
}

interface FileQuestion {
  dir: string
  key: Uint8Array
  file: HeadFile
  /** The entry with which the file must end; the last file may continue after it. */
  until: Link
  isLast: boolean
}

async function verifyFile({ dir, key, file, until, isLast }: FileQuestion): Promise<{ link: Link; fault?: string }> {
  let link = file.before
  const fault = await withFile(pathOf(dir, file.number), async (handle) => {
    let number = 0
    for await (const { text, complete } of linesOf(handle, 0)) {
      number += 1
      // A line that is being written, or was when the power failed.
      if (!complete && isLast && link.seq >= until.seq) return ''
      const next = follow(key, link, text)
      if ('fault' in next) return `line ${number}: ${next.fault}`
      if (!complete) return `line ${number}: is cut off`
      link = next
      if (link.seq === until.seq && link.mac !== until.mac)
        return `line ${number}: is not the entry ${link.seq} that was written`
      if (link.seq > until.seq && !isLast) return `line ${number}: entry ${link.seq} is in the wrong file`
    }
    return link.seq < until.seq ? `ends with entry ${link.seq} instead of ${until.seq}` : ''
  })
  if (fault === undefined) return { link, fault: 'is missing' }
  return fault === '' ? { link } : { link, fault }
}
