import { createHmac } from 'node:crypto'
import type { AuditEntry, AuditRecord } from '../../machines/domain/access.js'
import { attempt } from '../attempt.js'

/** The end of a chain: the number of its last entry, and that entry's mac in hexadecimal. */
export interface Link {
  seq: number
  mac: string
}

/** The end of an empty chain. */
export const origin: Link = { seq: 0, mac: '0'.repeat(64) }

/** One key for each purpose, so that the mac of a line is never valid for a head. */
export const keysOf = (secret: Uint8Array) => ({ lines: hmac(secret, 'audit lines'), head: hmac(secret, 'audit head') })

const macOf = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex')

const hmac = (secret: Uint8Array, purpose: string) => createHmac('sha256', secret).update(purpose).digest()

/** The line of the entry after `last`, with its line feed, and the new end of the chain. */
export function lineOf(key: Uint8Array, last: Link, entry: AuditEntry, at: number): { line: string; link: Link } {
  const seq = last.seq + 1
  const members = readable(JSON.stringify(bounded(entry))).slice(1, -1)
  const body = `{"seq":${seq},"at":"${new Date(at).toISOString()}",${members}`
  const { text, mac } = sealed(key, body, last.mac)
  return { line: `${text}\n`, link: { seq, mac } }
}

/** Appends its mac to a JSON object, which is given without its last brace. The mac also covers `before`. */
export function sealed(key: Uint8Array, body: string, before = ''): { text: string; mac: string } {
  const mac = macOf(key, before + body)
  return { text: `${body},"mac":"${mac}"}`, mac }
}

/** The object without its mac; `undefined`: the mac is wrong. */
export function unsealed(key: Uint8Array, text: string): unknown {
  const [, body, mac] = seal.exec(text) ?? []
  return body !== undefined && macOf(key, body) === mac ? JSON.parse(`${body}}`) : undefined
}

const seal = /^(\{.*),"mac":"([0-9a-f]{64})"\}$/
const shape = /^(\{"seq":(\d{1,15}),.*),"mac":"([0-9a-f]{64})"\}$/

/** True if a line has the shape of an entry. Its mac may be wrong. */
export const isLine = (text: string): boolean => shape.test(text)

/** The end of the chain after this line, or what is wrong: a fragment that follows the name of the place. */
export function follow(key: Uint8Array, last: Link, text: string): Link | { fault: string } {
  const [, body, number, mac = ''] = shape.exec(text) ?? []
  if (body === undefined) return { fault: 'is no entry' }
  const seq = Number(number)
  if (seq !== last.seq + 1) return { fault: `holds entry ${seq} instead of ${last.seq + 1}` }
  return macOf(key, last.mac + body) === mac
    ? { seq, mac }
    : { fault: `was altered, or a line before it (entry ${seq})` }
}

/** `undefined`: the line is no entry. */
export function recordOf(text: string): AuditRecord | undefined {
  if (!isLine(text)) return undefined
  return attempt(() => {
    const { mac: _mac, at, ...entry } = JSON.parse(text)
    return { ...entry, at: Date.parse(at) }
  })
}

/** In characters: clients choose many of the texts. */
const longest = 512

const bounded = (entry: AuditEntry) =>
  Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, short(value)]))
const short = (value: unknown) =>
  typeof value === 'string' && value.length > longest ? `${value.slice(0, longest)}…` : value

/** JSON does not escape the characters that break or reverse a line on a terminal (C1, bidirectional, separators). */
const readable = (json: string) =>
  /^[\x20-\x7e]*$/.test(json)
    ? json
    : json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => [...unitsOf(char)].map(escaped).join(''))
const unitsOf = (char: string) => Array.from({ length: char.length }, (_, index) => char.charCodeAt(index))
const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`
