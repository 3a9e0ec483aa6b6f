import { createHmac } from 'node:crypto'
import type { AuditEntry, AuditRecord } from '../../machines/domain/access.js'

/** Where a chain stands: the last entry's number and its mac, hex. */
export interface Link {
  seq: number
  mac: string
}

/** Before the first entry of a chain. */
export const origin: Link = { seq: 0, mac: '0'.repeat(64) }

/** A key for each purpose, so that a line's mac can never pass for a head's. */
export const keysOf = (secret: Uint8Array) => ({ lines: hmac(secret, 'audit lines'), head: hmac(secret, 'audit head') })

const macOf = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex')

const hmac = (secret: Uint8Array, purpose: string) => createHmac('sha256', secret).update(purpose).digest()

/** The line of an entry that follows `last`, with its line feed, and where the chain then stands. */
export function lineOf(key: Uint8Array, last: Link, entry: AuditEntry, at: number): { line: string; link: Link } {
  const seq = last.seq + 1
  const body = `{"seq":${seq},"at":"${new Date(at).toISOString()}",${readable(JSON.stringify(bounded(entry))).slice(1, -1)}`
  const { text, mac } = sealed(key, body, last.mac)
  return { line: `${text}\n`, link: { seq, mac } }
}

/** A JSON object, given without its last brace, that ends with its own mac; `before`: what the mac also covers. */
export function sealed(key: Uint8Array, body: string, before = ''): { text: string; mac: string } {
  const mac = macOf(key, before + body)
  return { text: `${body},"mac":"${mac}"}`, mac }
}

/** `undefined`: the text was not sealed with this key. */
export function unsealed(key: Uint8Array, text: string): unknown {
  const [, body, mac] = seal.exec(text) ?? []
  return body !== undefined && macOf(key, body) === mac ? JSON.parse(`${body}}`) : undefined
}

const seal = /^(\{.*),"mac":"([0-9a-f]{64})"\}$/
const shape = /^(\{"seq":(\d{1,15}),.*),"mac":"([0-9a-f]{64})"\}$/

/** Whether a line looks like one of ours, its mac not yet proven. */
export const isLine = (text: string): boolean => shape.test(text)

/** Where the chain stands after this line; else what is wrong with it, in words that follow its place. */
export function follow(key: Uint8Array, last: Link, text: string): Link | { fault: string } {
  const [, body, number, mac = ''] = shape.exec(text) ?? []
  if (body === undefined) return { fault: 'is no entry' }
  const seq = Number(number)
  if (seq !== last.seq + 1) return { fault: `holds entry ${seq} where ${last.seq + 1} should stand` }
  return macOf(key, last.mac + body) === mac
    ? { seq, mac }
    : { fault: `was altered, or what stood before it (entry ${seq})` }
}

/** `undefined`: it is no entry. */
export function recordOf(text: string): AuditRecord | undefined {
  if (!isLine(text)) return undefined
  try {
    const { mac: _mac, at, ...entry } = JSON.parse(text)
    return { ...entry, at: Date.parse(at) }
  } catch {
    return undefined
  }
}

/** What stands where a client could choose the words. */
const longest = 512

function bounded({
  event,
  action,
  result,
  user,
  role,
  credential,
  address,
  session,
  request,
  subject,
  reason,
  count,
}: AuditEntry) {
  const short = (text: string | undefined) => {
    if (typeof text !== 'string') return undefined
    return text.length > longest ? `${text.slice(0, longest)}…` : text
  }
  const texts = { event, action, result, user, role, credential, address, session, request, subject, reason }
  return { ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, short(text)])), count }
}

/** JSON leaves what turns a line round or breaks it on a terminal (C1, bidirectional and separating characters) as it is. */
const readable = (json: string) =>
  /^[\x20-\x7e]*$/.test(json)
    ? json
    : json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => [...unitsOf(char)].map(escaped).join(''))
const unitsOf = (char: string) => Array.from({ length: char.length }, (_, index) => char.charCodeAt(index))
const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`
