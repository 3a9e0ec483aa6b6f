/** Reads and writes RTSP 1.0 (RFC 2326) over TCP: requests, responses and interleaved frames. */

import { bytesText } from '../../machines/domain/amounts.js'

/** Names in lower case. Values of a repeated header are joined with `, `. The object has no prototype. */
export type Headers = Record<string, string>

export interface RtspRequest {
  method: string
  url: string
  headers: Headers
  body: Buffer
}

export interface RtspResponse {
  status: number
  reason: string
  headers: Headers
  body: Buffer
}

/** The peer does not speak RTSP, or a message is larger than allowed. */
export class RtspSyntaxError extends Error {
  override readonly name = 'RtspSyntaxError'
}

export interface ParserOptions {
  onRequest?: (request: RtspRequest) => void
  onResponse?: (response: RtspResponse) => void
  /** `payload` is a view of the received bytes, which are never overwritten. */
  onFrame?: (channel: number, payload: Buffer) => void
  /** Most bytes of start line and headers; 16 KiB by default. */
  maxHeader?: number
  /** Most bytes of a body; 64 KiB by default. */
  maxBody?: number
}

export interface Parser {
  /** Calls back for every message that is now complete. Throws RtspSyntaxError, then the same one at each call. */
  push(chunk: Buffer): void
  /** Drops all further bytes. No call-back follows, also when called inside one. */
  end(): void
}

const DOLLAR = 0x24
const CR = 0x0d
const LF = 0x0a
const NONE = Buffer.alloc(0)
const isFiller = (byte: number | undefined): boolean => byte === 0 || byte === 0x20 || byte === 0x09

/**
 * Parses a byte stream that may be cut anywhere. Keeps at most one incomplete message, and copies each byte at most
 * twice. Skips messages without a call-back.
 */
export function createParser({
  onRequest,
  onResponse,
  onFrame,
  maxHeader = 16_384,
  maxBody = 65_536,
}: ParserOptions): Parser {
  const kept = createKeeper()
  /** Least number of bytes that the incomplete message needs. */
  let needed = 1
  let ended = false
  /** The peer speaks RTSP: then some cameras fill the stream with zeros or spaces between messages. */
  let hasMessage = false
  let failure: unknown

  /** Calls back for the message at the start of `bytes` and returns its length, or 0 if it is incomplete. */
  const take = (bytes: Buffer): number => {
    if (bytes[0] === DOLLAR) return takeFrame(bytes)
    if (bytes[0] === CR || bytes[0] === LF || (hasMessage && isFiller(bytes[0]))) return 1
    const view = bytes.subarray(0, maxHeader)
    const kind = startLineOf(view)
    const end = endOfHeader(view)
    if (end === 0) {
      if (bytes.length >= maxHeader) throw new RtspSyntaxError(`the header is larger than ${bytesText(maxHeader)}`)
      return wait(bytes.length + 1)
    }
    if (!kind) throw new RtspSyntaxError('the start line is not RTSP')
    const headers = headersOf(bytes.toString('utf8', 0, end))
    const length = bodyLength(headers, maxBody)
    if (bytes.length < end + length) return wait(end + length)
    const body = length === 0 ? NONE : bytes.subarray(end, end + length)
    hasMessage = true
    if ('status' in kind) onResponse?.({ ...kind, headers, body })
    else onRequest?.({ ...kind, headers, body })
    return end + length
  }

  const takeFrame = (bytes: Buffer): number => {
    if (bytes.length < 4) return wait(4)
    const end = 4 + bytes.readUInt16BE(2)
    if (bytes.length < end) return wait(end)
    onFrame?.(bytes[1] ?? 0, bytes.subarray(4, end))
    return end
  }

  const wait = (bytes: number): 0 => {
    needed = bytes
    return 0
  }

  const read = (chunk: Buffer): void => {
    if (kept.length + chunk.length < needed) {
      kept.add(chunk, needed)
      return
    }
    const bytes = kept.length === 0 ? chunk : kept.join(chunk)
    let at = 0
    while (at < bytes.length && !ended) {
      const length = take(at === 0 ? bytes : bytes.subarray(at))
      if (length === 0) break
      needed = 1
      at += length
    }
    kept.keep(bytes, at, needed)
  }

  return {
    push: (chunk) => {
      if (failure !== undefined) throw failure
      if (ended || chunk.length === 0) return
      try {
        read(chunk)
      } catch (error) {
        failure = error
        kept.clear()
        throw error
      }
    },
    end: () => {
      ended = true
    },
  }
}

/**
 * Keeps the incomplete message. Its buffer doubles when it is full, and is replaced rather than overwritten after a
 * read.
 */
function createKeeper() {
  let room: Buffer = NONE
  let length = 0
  const add = (chunk: Buffer, expected: number): void => {
    if (length + chunk.length > room.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length + chunk.length, Math.min(expected, 4096), room.length * 2))
      room.copy(larger, 0, 0, length)
      room = larger
    }
    chunk.copy(room, length)
    length += chunk.length
  }
  const clear = (): void => {
    room = NONE
    length = 0
  }
  return {
    get length() {
      return length
    },
    add,
    clear,
    /** Returns the kept bytes with `chunk` behind them. */
    join: (chunk: Buffer): Buffer => {
      add(chunk, 0)
      return room.subarray(0, length)
    },
    /** Keeps the rest of `bytes` from `from` on. */
    keep: (bytes: Buffer, from: number, expected: number): void => {
      if (from === 0 && bytes.buffer === room.buffer) return
      clear()
      if (from < bytes.length) add(bytes.subarray(from), expected)
    },
  }
}

type StartLine = { method: string; url: string } | { status: number; reason: string }

/**
 * Returns `undefined` if the line is incomplete. Throws as soon as it is certain that this is another protocol (HTTP,
 * SSH).
 */
function startLineOf(bytes: Buffer): StartLine | undefined {
  const first = bytes[0] ?? 0
  if (first < 0x41 || first > 0x5a) throw new RtspSyntaxError('the start line is not RTSP')
  const end = bytes.indexOf(LF)
  if (end === -1) return undefined
  const line = bytes.toString('utf8', 0, bytes[end - 1] === CR ? end - 1 : end)
  const response = /^RTSP\/\d\.\d\s+(\d{3})\s*(.*?)\s*$/.exec(line)
  if (response) return { status: Number(response[1]), reason: response[2] ?? '' }
  const request = /^([A-Z_]{1,32}) (\S+) RTSP\/\d\.\d$/.exec(line)
  if (request?.[1] && request[2]) return { method: request[1], url: request[2] }
  throw new RtspSyntaxError('the start line is not RTSP')
}

/** Returns the length of the header with its empty line, or 0. Accepts bare line feeds: some cameras send them. */
function endOfHeader(bytes: Buffer): number {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return 0
}

function headersOf(text: string): Headers {
  const headers: Headers = Object.create(null)
  const lines = text
    .replace(/\r?\n[ \t]+/g, ' ')
    .trimEnd()
    .split(/\r?\n/)
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    // Some cameras send a line that is no header.
    if (colon === -1) continue
    if (colon === 0) throw new RtspSyntaxError('a header has no name')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    const earlier = headers[name]
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  return headers
}

function bodyLength(headers: Headers, maxBody: number): number {
  // Some cameras send the same length twice.
  const [text, ...others] = new Set((headers['content-length'] ?? '').split(',').map((each) => each.trim()))
  if (text === undefined || text === '') return 0
  if (others.length > 0) throw new RtspSyntaxError('Content-Length is not a number')
  if (!/^\d{1,12}$/.test(text)) throw new RtspSyntaxError('Content-Length is not a number')
  if (Number(text) > maxBody) throw new RtspSyntaxError(`the body is larger than ${bytesText(maxBody)}`)
  return Number(text)
}

/** Names in any case; they are written in their usual form (`cseq` → `CSeq`). A list becomes several lines. */
export type HeaderFields = Record<string, string | number | readonly string[]>

interface Content {
  headers?: HeaderFields
  body?: string | Uint8Array
}

/** Adds `Content-Length` if there is a body. Throws if a field holds a line break. */
export const formatRequest = ({ method, url, headers, body }: { method: string; url: string } & Content) =>
  formatMessage(`${method} ${url} RTSP/1.0`, headers, body)

export const formatResponse = ({ status, headers, body }: { status: number } & Content): Buffer =>
  formatMessage(`RTSP/1.0 ${status} ${phrases[status] ?? 'Unknown'}`, headers, body)

/** Writes one interleaved frame. `payload` has at most 65535 bytes. */
export function formatFrame(channel: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + payload.length)
  frame[0] = DOLLAR
  frame[1] = channel
  frame.writeUInt16BE(payload.length, 2)
  frame.set(payload, 4)
  return frame
}

const phrases: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'RTSP Version Not Supported',
}

const spellings: Record<string, string> = {
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
  'rtp-info': 'RTP-Info',
}
const spelling = (name: string): string =>
  spellings[name.toLowerCase()] ?? name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())

function formatMessage(startLine: string, fields: HeaderFields = {}, body: string | Uint8Array = NONE): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const lines = [startLine]
  for (const [name, value] of Object.entries(fields)) {
    if (name.toLowerCase() === 'content-length') continue
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${spelling(name)}: ${one}`)
  }
  if (bytes.length > 0) lines.push(`Content-Length: ${bytes.length}`)
  if (lines.some((line) => /[\r\n]/.test(line))) throw new RtspSyntaxError('a header holds a line break')
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  return bytes.length === 0 ? head : Buffer.concat([head, bytes])
}
