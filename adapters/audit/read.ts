import type { AuditLog, AuditRecord } from '../../machines/domain/access.js'
import { recordOf } from './chain.js'
import { linesBefore, pathOf, withFile } from './files.js'
import type { Head } from './head.js'

/** How many entries one page reads; filters may leave fewer, and the next page continues. */
const most = 20_000

/** Returns one page, newest first. Reads the files backwards. */
export async function readPage(
  dir: string,
  { last, files }: Head,
  page: Parameters<AuditLog['read']>[0],
): ReturnType<AuditLog['read']> {
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
      for await (const text of linesBefore(handle, size)) {
        const record = recordOf(text)
        // Later entries may be in the file already, even a part of one.
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
