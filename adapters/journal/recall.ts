import type { JournalEntry } from '../../machines/domain/journal.js'
import { makeFolder } from '../data/folder.js'
import { codeOf } from '../errorCode.js'
import { completeLength, entriesBefore, filesIn, type JournalFile } from './files.js'

/** Reads the end of the journal: the newest entries, oldest first. `fault`: code of the error of the folder. */
export async function recall(
  dir: string,
  most: number,
): Promise<{ entries: JournalEntry[]; files: JournalFile[]; fault?: string }> {
  const files: JournalFile[] = []
  const entries: JournalEntry[] = []
  try {
    await makeFolder(dir, 0o700)
    files.push(...(await filesIn(dir)))
    const newest = files.at(-1)
    // The next write removes what is behind the last complete line.
    if (newest) newest.bytes = await completeLength(dir, newest.number)
    const numbers = files.map(({ number }) => number)
    for await (const entry of entriesBefore(dir, numbers)) {
      entries.push(entry)
      if (entries.length >= most) break
    }
    return { entries: entries.reverse(), files }
  } catch (error) {
    return { entries: entries.reverse(), files, fault: codeOf(error) }
  }
}
