import { appendFile, readFile } from 'node:fs/promises'
import type { Log } from '../../machines/domain/ports.js'
import { writeAtomically } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'

/**
 * What is known about files, kept over restarts: folder → name → a short text without tabs and line ends. It saves looks
 * at very many files, and may be lost: then the files are looked at again.
 */
export interface FileBook {
  /** What is known of the folder. */
  of(folder: string): ReadonlyMap<string, string>
  /** `undefined` forgets a file. Written later. */
  note(folder: string, changes: Iterable<readonly [name: string, text: string | undefined]>): void
  /** Writes what is not written yet. Never rejects. */
  flush(): Promise<void>
}

/** Keeps nothing over a restart. */
export const createMemoryBook = (): FileBook => {
  const folders = new Map<string, Map<string, string>>()
  return {
    of: (folder) => folderIn(folders, folder),
    note: (...noted) => keep(folders, ...noted),
    flush: async () => {},
  }
}

/** Lines that no longer count before the file is written anew. */
const mostStale = 10_000
/** Longest time until a change is written, in ms. */
const pause = 1_000

/** A log of changes: `@folder`, then `+name<tab>text` and `-name` of its files. A line that is not whole is skipped. */
export async function openFileBook({ file, log }: { file: string; log: Log }): Promise<FileBook> {
  const folders = new Map<string, Map<string, string>>()
  let lines = 0
  let waiting: string[] = []
  let current = ''
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  const read = (text: string) => {
    let folder = ''
    const all = text.split('\n')
    // Text after the last line end was cut off by a power failure.
    for (const line of all.slice(0, -1)) {
      const [name = '', ...value] = line.slice(1).split('\t')
      if (line[0] === '@') folder = name
      else if (line[0] === '+' && value.length === 1) folderIn(folders, folder).set(name, value[0] ?? '')
      else if (line[0] === '-') folderIn(folders, folder).delete(name)
      lines += 1
    }
    return all.at(-1) === ''
  }
  const whole = () =>
    [...folders].flatMap(([folder, names]) =>
      names.size === 0 ? [] : [`@${folder}`, ...[...names].map(([name, text]) => `+${name}\t${text}`)],
    )
  const rewrite = async () => {
    const all = whole()
    await writeAtomically(file, all.map((line) => `${line}\n`).join(''))
    lines = all.length
  }
  const count = () => [...folders.values()].reduce((sum, { size }) => sum + size + 1, 0)
  const write = async () => {
    clearTimeout(timer)
    timer = undefined
    const text = waiting.map((line) => `${line}\n`).join('')
    lines += waiting.length
    waiting = []
    current = ''
    if (text === '') return
    try {
      if (lines - count() > mostStale) await rewrite()
      else await appendFile(file, text, { mode: 0o600 })
    } catch (error) {
      log.debug('what is known about files is not kept', { reason: codeOf(error) })
    }
  }
  const later = () => {
    timer ??= setTimeout(() => void flush(), pause).unref()
  }
  const flush = () => {
    writing = writing.then(write)
    return writing
  }

  const isWhole = await readFile(file, 'utf8').then(read, () => true)
  // The next line must not become the end of a line that was cut off.
  if (!isWhole) await rewrite().catch(() => {})
  return {
    of: (folder) => folderIn(folders, folder),
    note(folder, changes) {
      const all = [...changes].filter(([name]) => isPlain(name))
      if (all.length === 0 || !isPlain(folder)) return
      keep(folders, folder, all)
      if (current !== folder) waiting.push(`@${folder}`)
      current = folder
      for (const [name, text] of all) waiting.push(text === undefined ? `-${name}` : `+${name}\t${text}`)
      later()
    },
    flush,
  }
}

const isPlain = (text: string) => !/[\t\n]/.test(text)

function folderIn(folders: Map<string, Map<string, string>>, folder: string): Map<string, string> {
  const known = folders.get(folder) ?? new Map<string, string>()
  folders.set(folder, known)
  return known
}

function keep(
  folders: Map<string, Map<string, string>>,
  folder: string,
  changes: Iterable<readonly [string, string | undefined]>,
) {
  const names = folderIn(folders, folder)
  for (const [name, text] of changes)
    if (text === undefined) names.delete(name)
    else names.set(name, text)
}
