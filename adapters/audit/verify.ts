import type { AuditVerdict } from '../../machines/domain/access.js'
import type { AuditOptions } from './auditLog.js'
import { follow, keysOf, type Link } from './chain.js'
import { linesOf, nameOf, numbersIn, pathOf, withFile } from './files.js'
import { type Head, headName, readHead } from './head.js'

type VerifyOptions = Pick<AuditOptions, 'dir' | 'headDir' | 'secret'>

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

  const oldest = head.files[0]?.number ?? 0
  const known = head.files.map(({ number }) => number)
  // The head may not name the newest files yet.
  const all = [...known, ...numbers.filter((number) => number >= oldest && !known.includes(number))]
  for (const [index, number] of all.entries()) {
    const isNext = index < known.length || number === (all[index - 1] ?? 0) + 1
    if (!isNext) return bad(`${nameOf(number)} is not of the log`)
    const path = pathOf(dir, number)
    const until = head.files[index + 1]?.before
    const isLast = until === undefined
    const { link, fault } = await verifyFile({ path, key, at, until: until ?? head.last, isLast })
    at = link
    if (fault !== undefined) return bad(`${nameOf(number)} ${fault}`)
  }
  const [broken] = head.breaks
  if (broken !== undefined)
    return bad(`after entry ${broken.seq} the log begins again at ${broken.at}: ${broken.fault}`)
  return { good: true, entries: at.seq - first }
}

interface FileQuestion {
  path: string
  key: Uint8Array
  /** The end of the chain before the file. */
  at: Link
  /** The entry with which the file must end; the last file may continue after it. */
  until: Link
  isLast: boolean
}

async function verifyFile({ path, key, at, until, isLast }: FileQuestion): Promise<{ link: Link; fault?: string }> {
  let link = at
  const fault = await withFile(path, async (handle) => {
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
