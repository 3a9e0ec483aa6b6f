import type { AuditRecord } from '../../machines/domain/access.js'
import { recordOf } from './chain.js'
import { endBelow, linesBefore, pathOf, withFile } from './files.js'
import type { Head } from './head.js'

export interface Page {
  limit: number
  before?: number
  user?: string
  action?: string
}

/** What one page looks at, at most: with filters that match little, the rest is the next page's. */
const most = 20_000

/** One page, newest first, from the files backwards. */
export async function readPage(
  dir: string,
  { last, files }: Head,
  page: Page,
): Promise<{ records: AuditRecord[]; total: number; next?: number }> {
  const { limit, before = last.seq + 1, user, action } = page
  const first = files[0]?.before.seq ?? last.seq
  const total = last.seq - first
  const records: AuditRecord[] = []
  let lowest = before
  let seen = 0
  for (const file of files.toReversed()) {
    if (file.before.seq + 1 >= before) continue
    await withFile(pathOf(dir, file.number), async (handle) => {
      const { size } = await handle.stat()
      for await (const text of linesBefore(handle, await endBelow(handle, size, before))) {
        const record = recordOf(text)
        // What is being written at this moment is the next reader's.
        if (record === undefined || record.seq >= lowest || record.seq > last.seq) continue
        lowest = record.seq
        seen += 1
        if ((user === undefined || record.user === user) && (action === undefined || record.action === action))
          records.push(record)
        if (records.length >= limit || seen >= most) return
      }
    })
    if (records.length >= limit || seen >= most) break
  }
  const isEnd = lowest <= first + 1 || seen === 0
  return { records, total, ...(!isEnd && { next: lowest }) }
}
