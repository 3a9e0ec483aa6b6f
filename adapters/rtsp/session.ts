import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Credentials, chooseChallenge, createAuthorizer } from './auth.js'
import { createParser, formatRequest, formatResponse, type HeaderFields, type RtspResponse } from './message.js'

export type Failure = 'unreachable' | 'untrusted' | 'closed' | 'foreign' | 'late'

const words: Record<Failure, string> = {
  unreachable: 'unreachable',
  untrusted: 'its certificate is not trusted',
  closed: 'closed the connection',
  foreign: 'answered, but not in RTSP',
  late: 'timed out',
}

/** How a connection ended. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  constructor(readonly failure: Failure) {
    super(words[failure])
  }
}

export interface ConnectionOptions {
  host: string
  port: number
  /** TLS; the certificate must be one that Node trusts. */
  secure?: boolean
  credentials?: Credentials
  onFrame?: (channel: number, payload: Buffer) => void
}

export interface Request {
  method: string
  url: string
  headers?: HeaderFields
  /** Without an answer for so long (ms), the connection fails as `late`. */
  timeout?: number
}

/** One TCP connection to an RTSP server. */
export interface Connection {
  /** Sends once connected. A 401 is answered with the credentials, if there are any. Rejects with what the connection failed of. */
  request(request: Request): Promise<RtspResponse>
  /** Resolves, never rejects, with the reason of the end. */
  closed: Promise<Error>
  /** Ends it at once: requests that wait reject with `reason`. Only the first call counts. */
  fail(reason: Error): void
}

/** Begins to connect. Nothing is thrown here: a failure shows in `closed` and in the requests. */
export function openConnection({ host, port, secure = false, credentials, onFrame }: ConnectionOptions): Connection {
  const socket = secure
    ? connectTls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host })
    : connectTcp({ host, port })
  const waiting = new Map<number, { resolve: (response: RtspResponse) => void; reject: (error: Error) => void }>()
  let connected = false
  let failure: Error | undefined
  let cseq = 0
  let authorize: ((method: string, url: string) => string) | undefined
  let tellClosed: (reason: Error) => void = () => {}
  const closed = new Promise<Error>((resolve) => {
    tellClosed = resolve
  })

  const fail = (reason: Error): void => {
    if (failure) return
    failure = reason
    parser.end()
    socket.destroy()
    for (const { reject } of waiting.values()) reject(reason)
    waiting.clear()
    tellClosed(reason)
  }

  const parser = createParser({
    onResponse: (response) => {
      // A few cameras leave CSeq out: then there is only one request that can be meant.
      const [sole] = waiting.keys()
      const number = response.headers.cseq === undefined ? sole : Number(response.headers.cseq)
      if (number === undefined || response.status < 200) return
      waiting.get(number)?.resolve(response)
      waiting.delete(number)
    },
    onRequest: ({ headers }) =>
      socket.write(formatResponse({ status: 501, headers: headers.cseq === undefined ? {} : { cseq: headers.cseq } })),
    ...(onFrame === undefined ? {} : { onFrame }),
  })

  socket.once('connect', () => {
    connected = true
    socket.setNoDelay(true)
  })
  socket.on('data', (chunk) => {
    try {
      parser.push(chunk)
    } catch {
      fail(new ConnectionError('foreign'))
    }
  })
  socket.on('error', (error: NodeJS.ErrnoException) => fail(new ConnectionError(failureOf(error, connected))))
  socket.on('end', () => fail(new ConnectionError('closed')))
  socket.on('close', () => fail(new ConnectionError(connected ? 'closed' : 'unreachable')))

  const exchange = async ({ method, url, headers = {}, timeout }: Request): Promise<RtspResponse> => {
    if (failure) throw failure
    const number = ++cseq
    const authorization = authorize?.(method, url)
    const bytes = formatRequest({
      method,
      url,
      headers: { cseq: number, ...headers, ...(authorization && { authorization }) },
    })
    const answer = new Promise<RtspResponse>((resolve, reject) => {
      waiting.set(number, { resolve, reject })
    })
    socket.write(bytes)
    if (timeout === undefined) return answer
    const timer = setTimeout(() => fail(new ConnectionError('late')), timeout)
    return answer.finally(() => clearTimeout(timer))
  }

  const request = async (wanted: Request): Promise<RtspResponse> => {
    const response = await exchange(wanted)
    if (response.status !== 401 || !credentials) return response
    const challenge = chooseChallenge(response.headers['www-authenticate'])
    if (!challenge) return response
    // Also when it had been answered before: a nonce grows old, and not every server says `stale`.
    authorize = createAuthorizer(credentials, challenge)
    return exchange(wanted)
  }

  return { request, closed, fail }
}

function failureOf({ code = '' }: NodeJS.ErrnoException, connected: boolean): Failure {
  if (!connected) return 'unreachable'
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) return 'untrusted'
  // TLS was asked for, and something else answered.
  return /^EPROTO$|SSL|TLS/.test(code) ? 'foreign' : 'closed'
}

/** Fails the connection when `signal` aborts or `limit` (ms) is over. The returned function lifts both; it may be called twice. */
export function guard({ connection, signal, limit, late = new ConnectionError('late') }: Guard): () => void {
  const abort = (): void => connection.fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  const timer = setTimeout(() => connection.fail(late), limit)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

interface Guard {
  connection: Connection
  signal: AbortSignal
  limit: number
  late?: Error
}
