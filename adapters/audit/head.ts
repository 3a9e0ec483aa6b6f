import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { type Link, sealed, unsealed } from './chain.js'

/** A file of the log: the end of the chain before its first line, and its length in bytes when it was last synced. */
export interface HeadFile {
  number: number
  before: Link
  bytes: number
}

/**
 * The content of the log in short, in another folder and with a mac: lines cannot be cut off, removed or replaced
 * without forging it. It is written after the lines, so that it never names lines that a power cut has destroyed.
 */
export interface Head {
  last: Link
  /** Oldest first; entries are appended to the last one. */
  files: HeadFile[]
  /** Where the log could not be verified and was started again: after entry `seq`, `at` (ISO). */
  breaks: { seq: number; at: string; fault: string }[]
}

const version = 1
export const headName = 'audit_head.json'
const fileIn = (dir: string) => join(dir, headName)

/** `damaged`: its mac is wrong. Rejects if it cannot be read, or was written by a newer version of the service. */
export async function readHead(dir: string, key: Uint8Array): Promise<Head | 'missing' | 'damaged'> {
  let text: string
  try {
    text = await readFile(fileIn(dir), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'missing'
    throw new Error(`state/${headName}: the head of the audit log cannot be read (${codeOf(error)})`)
  }
  const found = unsealed(key, text.trimEnd()) as (Head & { version: number }) | undefined
  if (found === undefined) return 'damaged'
  if (found.version > version)
    throw new Error(`state/${headName}: the audit log was written by a newer version of this service: start that one`)
  const { last, files, breaks } = found
  return { last, files, breaks }
}

export const writeHead = (dir: string, key: Uint8Array, { last, files, breaks }: Head): Promise<void> =>
  writeAtomically(fileIn(dir), `${sealed(key, JSON.stringify({ version, last, files, breaks }).slice(0, -1)).text}\n`)
