import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalEntry } from '../../machines/domain/journal.js'
import { attempt } from '../attempt.js'
import { linesBefore } from '../audit/files.js'
import { codeOf } from '../errorCode.js'

/** `journal-000001.jsonl` … */
export const pathOf = (dir: string, number: number): string =>
  join(dir, `journal-${String(number).padStart(6, '0')}.jsonl`)

/** A file of the journal. `newest`: time of its last change, epoch ms. */
export interface JournalFile {
  number: number
  bytes: number
  newest: number
}

/** The existing files, oldest first. Rejects with the system's error. */
export async function filesIn(dir: string): Promise<JournalFile[]> {
  const names = await readdir(dir)
  const numbers = names.flatMap((name) => /^journal-(\d{6,9})\.jsonl$/.exec(name)?.[1] ?? []).map(Number)
  const files = await Promise.all(
    numbers.map(async (number) => {
      const { size, mtimeMs } = await stat(pathOf(dir, number))
      return { number, bytes: size, newest: mtimeMs }
    }),
  )
  return files.sort((one, other) => one.number - other.number)
}

/** The entries of the files, newest first. A line that was cut off, or is damaged, is left out. */
export async function* entriesBefore(dir: string, numbers: readonly number[]): AsyncGenerator<JournalEntry> {
  for (const number of numbers.toReversed()) {
    const file = await openIfThere(pathOf(dir, number))
    if (file === undefined) continue
    try {
      const { size } = await file.stat()
      for await (const line of linesBefore(file, size)) {
        const entry = entryOf(line)
        if (entry !== undefined) yield entry
      }
    } finally {
      await file.close()
    }
  }
}

/** The newest entries on disk, oldest first, of a service that does not run. None without a journal. */
export async function lastEntries(dir: string, most: number): Promise<JournalEntry[]> {
  const files = await filesIn(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  const numbers = files.map(({ number }) => number)
  const entries: JournalEntry[] = []
  for await (const entry of entriesBefore(dir, numbers)) if (entries.push(entry) >= most) break
  return entries.reverse()
}

/** The file was removed by the rotation meanwhile. */
const openIfThere = (path: string): Promise<FileHandle | undefined> =>
  open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })

function entryOf(line: string): JournalEntry | undefined {
  const value: unknown = attempt(() => JSON.parse(line))
  if (typeof value !== 'object' || value === null) return undefined
  const { seq, at, actor, event } = value as Partial<Record<string, unknown>>
  const isEntry =
    Number.isSafeInteger(seq) && typeof at === 'number' && typeof actor === 'string' && typeof event === 'string'
  return isEntry ? (value as JournalEntry) : undefined
}

export const removeFile = (dir: string, number: number): Promise<void> => rm(pathOf(dir, number), { force: true })

/** The length of a file up to its last line feed. */
export async function completeLength(dir: string, number: number): Promise<number> {
  const file = await open(pathOf(dir, number), 'r')
  try {
    const { size } = await file.stat()
    for await (const line of linesBefore(file, size)) {
      const end = Buffer.alloc(1)
      await file.read(end, 0, 1, size - 1)
      return end[0] === 10 ? size : size - Buffer.byteLength(line)
    }
    return 0
  } finally {
    await file.close()
  }
}
