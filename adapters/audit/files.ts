import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errorCode.js'

/** `audit-000001.jsonl` … */
export const nameOf = (number: number): string => `audit-${String(number).padStart(6, '0')}.jsonl`
export const pathOf = (dir: string, number: number): string => join(dir, nameOf(number))

/** The numbers of the files that are there, least first. */
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

/** Calls `use` with the open file; `undefined`: there is none. */
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
  /** Bytes of the file up to its end. */
  end: number
  /** It ends with a line feed. */
  complete: boolean
}

const chunk = 65_536
/** Ours have a tenth of it at most; a longer one is cut here, and is no entry. */
const longestLine = 65_536

/** The lines of a file from byte `from` on. */
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

/** The lines before byte `to`, the last first. What comes before the first line feed is a line only at the file's beginning. */
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

/** A byte behind the entries below `seq` and near them: found by halving, since entries stand in order. */
export async function endBelow(file: FileHandle, size: number, seq: number): Promise<number> {
  let [low, high] = [0, size]
  while (high - low > chunk) {
    const middle = Math.floor((low + high) / 2)
    const found = await firstEntryFrom(file, middle)
    if (found !== undefined && found < seq) low = middle
    else high = middle
  }
  return Math.min(size, high + chunk)
}

async function firstEntryFrom(file: FileHandle, at: number): Promise<number | undefined> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(chunk), 0, chunk, at)
  const seq = /\n\{"seq":(\d{1,15}),/.exec(buffer.toString('latin1', 0, bytesRead))?.[1]
  return seq === undefined ? undefined : Number(seq)
}
