/** RTSP 1.0 (RFC 2326) on one TCP connection: requests, responses and interleaved frames, in and out. */

/** Names in lower case; a header that came twice is joined with `, `. The object has no prototype. */
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

/** The peer does not speak RTSP, or more of it than was agreed. */
export class RtspSyntaxError extends Error {
  override readonly name = 'RtspSyntaxError'
}

export interface ParserOptions {
  onRequest?: (request: RtspRequest) => void
  onResponse?: (response: RtspResponse) => void
  /** `payload` is a view of the received bytes; it stays valid for as long as it is kept. */
  onFrame?: (channel: number, payload: Buffer) => void
  /** Bytes of start line and headers; 16 KiB by default. */
  maxHeader?: number
  /** Bytes; 64 KiB by default. */
  maxBody?: number
}

export interface Parser {
  /** Calls back for every message that is now complete. Throws RtspSyntaxError, and from then on always the same one. */
  push(chunk: Buffer): void
  /** Drops the rest: no call-back comes after it, also when it is called inside one. */
  end(): void
}

const DOLLAR = 0x24
const CR = 0x0d
const LF = 0x0a
const NONE = Buffer.alloc(0)

/**
 * Reads a byte stream piece by piece, however it is cut. What is incomplete is kept, at most one message of it: each byte is
 * copied once or twice, never again with every piece. A message of a kind that has no call-back is skipped.
 */
export function createParser({
  onRequest,
  onResponse,
  onFrame,
  maxHeader = 16_384,
  maxBody = 65_536,
}: ParserOptions): Parser {
  const kept = createKeeper()
  /** Bytes that the present message is known to need: below that, there is nothing to try. */
  let needed = 1
  let ended = false
  let failure: unknown

  /** Length of the message at the start of `bytes`, once it was told; 0: incomplete. */
  const take = (bytes: Buffer): number => {
    if (bytes[0] === DOLLAR) return takeFrame(bytes)
    if (bytes[0] === CR || bytes[0] === LF) return 1
    const view = bytes.subarray(0, maxHeader)
    const kind = startLineOf(view)
    const end = endOfHeader(view)
    if (end === 0) {
      if (bytes.length >= maxHeader) throw new RtspSyntaxError(`the header is larger than ${maxHeader} bytes`)
      return wait(bytes.length + 1)
    }
    if (!kind) throw new RtspSyntaxError('the start line is not RTSP')
    const headers = headersOf(bytes.toString('utf8', 0, end))
    const length = bodyLength(headers, maxBody)
    if (bytes.length < end + length) return wait(end + length)
    const body = length === 0 ? NONE : bytes.subarray(end, end + length)
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

/** The unfinished message. Grows by doubling, and is never written to where a view was handed out. */
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
    /** What is kept with `chunk` behind it. */
    join: (chunk: Buffer): Buffer => {
      add(chunk, 0)
      return room.subarray(0, length)
    },
    /** `bytes` from `from` on is what is left after a try. */
    keep: (bytes: Buffer, from: number, expected: number): void => {
      if (from === 0 && bytes.buffer === room.buffer) return
      clear()
      if (from < bytes.length) add(bytes.subarray(from), expected)
    },
  }
}

type StartLine = { method: string; url: string } | { status: number; reason: string }

/** `undefined`: its line has not ended yet. Throws as soon as it can be told that this is something else (HTTP, SSH, noise). */
function startLineOf(bytes: Buffer): StartLine | undefined {
  const first = bytes[0] ?? 0
  if (first < 0x41 || first > 0x5a) throw new RtspSyntaxError('the start line is not RTSP')
  const end = bytes.indexOf(LF)
  if (end === -1) return undefined
  const line = bytes.toString('utf8', 0, bytes[end - 1] === CR ? end - 1 : end)
  const response = /^RTSP\/\d\.\d (\d{3})(?: (.*))?$/.exec(line)
  if (response) return { status: Number(response[1]), reason: response[2] ?? '' }
  const request = /^([A-Z_]{1,32}) (\S+) RTSP\/\d\.\d$/.exec(line)
  if (request?.[1] && request[2]) return { method: request[1], url: request[2] }
  throw new RtspSyntaxError('the start line is not RTSP')
}

/** Bytes up to and with the empty line, 0 when it has not come. Bare line feeds are accepted: some cameras send them. */
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
    if (colon < 1) throw new RtspSyntaxError('a header has no name')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    const earlier = headers[name]
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  return headers
}

function bodyLength(headers: Headers, maxBody: number): number {
  const text = headers['content-length']
  if (text === undefined) return 0
  if (!/^\d{1,12}$/.test(text)) throw new RtspSyntaxError('Content-Length is not a number')
  if (Number(text) > maxBody) throw new RtspSyntaxError(`the body is larger than ${maxBody} bytes`)
  return Number(text)
}

/** Names in any case, written the way the field writes them (`cseq` → `CSeq`); a list becomes several lines. */
export type HeaderFields = Record<string, string | number | readonly string[]>

/** `Content-Length` is added when there is a body. Throws when a field holds a line break. */
export const formatRequest = (request: {
  method: string
  url: string
  headers?: HeaderFields
  body?: string | Uint8Array
}): Buffer => formatMessage(`${request.method} ${request.url} RTSP/1.0`, request.headers, request.body)

export const formatResponse = (response: {
  status: number
  reason?: string
  headers?: HeaderFields
  body?: string | Uint8Array
}): Buffer =>
  formatMessage(
    `RTSP/1.0 ${response.status} ${response.reason ?? reasonPhrase(response.status)}`,
    response.headers,
    response.body,
  )

/** One interleaved frame; `payload` at most 65535 bytes. */
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
const reasonPhrase = (status: number): string => phrases[status] ?? 'Unknown'

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
