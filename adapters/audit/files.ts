import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errorCode.js'

/** `audit-000001.jsonl` … */
export const nameOf = (number: number): string => `audit-${String(number).padStart(6, '0')}.jsonl`
export const pathOf = (dir: string, number: number): string => join(dir, nameOf(number))

/** The numbers of the existing files, lowest first. */
export async function numbersIn(dir: string): Promise<number[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw new Error(`the folder of the audit log cannot be read (${codeOf(error)})`)
  })
  return names
    .flatMap((name) => /^audit-(\d{6,9})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other)
}

/** Opens the file for `use`; `undefined`: there is no file. */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`a file of the audit log cannot be read (${codeOf(error)})`)
  })
  if (file === undefined) return undefined
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

export interface Line {
  text: string
  /** The position after the line, in bytes. */
  end: number
  /** It ends with a line feed. */
  complete: boolean
}

const chunk = 65_536
/** In bytes, ten times more than an entry has. The rest of a file with a longer line is not read. */
const longestLine = 65_536

/** The lines of a file, from byte `from`. */
export async function* linesOf(file: FileHandle, from: number): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0)
  let at = from
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(chunk), 0, chunk, at)
    if (bytesRead === 0) break
    at += bytesRead
    const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
    let begin = 0
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, begin)) {
      yield { text: data.toString('utf8', begin, end), end: at - data.length + end + 1, complete: true }
      begin = end + 1
    }
    rest = data.subarray(begin)
    if (rest.length > longestLine) break
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), end: at, complete: false }
}

/** The lines before byte `to`, the last one first. */
export async function* linesBefore(file: FileHandle, to: number): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  let at = to
  while (at > 0) {
    const length = Math.min(chunk, at)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at - length)
    if (bytesRead < length) return
    at -= length
    let data = Buffer.concat([buffer, rest])
    for (let end = data.lastIndexOf(10); end >= 0; end = data.lastIndexOf(10)) {
      if (end + 1 < data.length) yield data.toString('utf8', end + 1)
      data = data.subarray(0, end)
    }
    rest = data
    if (rest.length > longestLine) return
  }
  if (rest.length > 0) yield rest.toString('utf8')
}
