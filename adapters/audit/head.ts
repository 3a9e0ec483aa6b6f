import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { type Link, sealed, unsealed } from './chain.js'

/** A file of the log: where the chain stood before its first line, and how long it was when it was last known whole. */
export interface HeadFile {
  number: number
  before: Link
  bytes: number
}

/**
 * What the log is known to hold, kept apart from it and sealed: whoever cuts, removes or swaps lines would have to forge
 * this too. Written after the lines, so that it never promises what a power cut may have taken.
 */
export interface Head {
  last: Link
  /** Oldest first; the last one is written to. */
  files: HeadFile[]
  /** Where the log could not be proven and was begun anew: after entry `seq`, `at` (ISO). */
  breaks: { seq: number; at: string; fault: string }[]
}

const version = 1
const fileIn = (dir: string) => join(dir, 'audit_head.json')
export const headName = 'audit_head.json'

/** `missing`: there is none; `damaged`: not sealed with this key. Rejects when it cannot be read, or is of a later version. */
export async function readHead(dir: string, key: Uint8Array): Promise<Head | 'missing' | 'damaged'> {
  let text: string
  try {
    text = await readFile(fileIn(dir), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'missing'
    throw new Error(`the head of the audit log cannot be read (${codeOf(error)})`)
  }
  const found = unsealed(key, text.trimEnd()) as (Head & { version: number }) | undefined
  if (found === undefined) return 'damaged'
  if (found.version > version) throw new Error('the audit log was written by a newer version of this service')
  const { last, files, breaks } = found
  return { last, files, breaks }
}

export const writeHead = (dir: string, key: Uint8Array, { last, files, breaks }: Head): Promise<void> =>
  writeAtomically(fileIn(dir), `${sealed(key, JSON.stringify({ version, last, files, breaks }).slice(0, -1)).text}\n`)
