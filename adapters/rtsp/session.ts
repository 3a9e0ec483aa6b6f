import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Credentials, chooseChallenge, createAuthorizer } from './auth.js'
import { ConnectionError, certificateRefusal, closedBy, errorOf, strangerOf } from './connectionEnd.js'
import { createParser, formatRequest, formatResponse, type HeaderFields, type RtspResponse } from './message.js'

export interface ConnectionOptions {
  host: string
  port: number
  /** Uses TLS; the certificate must be one that Node trusts, or have this fingerprint. */
  secure?: boolean
  /** SHA-256, lower-case hex digits. */
  fingerprint?: string
  credentials?: Credentials
  onFrame?: (channel: number, payload: Buffer) => void
}

export interface Request {
  method: string
  url: string
  headers?: HeaderFields
  /** Time limit for the answer, in ms. After it the connection fails with `timed_out`. */
  timeout?: number
}

/** One TCP connection to an RTSP server. */
export interface Connection {
  /**
   * Sends the request once connected. Answers a 401 with the credentials, if any. Rejects with the reason of the
   * connection's end.
   */
  request(request: Request): Promise<RtspResponse>
  /** Resolves with the reason of the end. Never rejects. */
  closed: Promise<Error>
  /** Ends the connection at once. Waiting requests reject with `reason`. Only the first call counts. */
  fail(reason: Error): void
}

/** Starts to connect. Never throws: a failure shows in `closed` and in the requests. */
export function openConnection(options: ConnectionOptions): Connection {
  const { host, port, secure = false, fingerprint, credentials, onFrame } = options
  // The certificate is checked below, so that a refusal can tell which one was seen.
  const tls = secure
    ? connectTls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host, rejectUnauthorized: false })
    : undefined
  const socket = tls ?? connectTcp({ host, port })
  /** Bytes for a peer whose certificate is not checked yet. The path of a URL may be a secret. */
  let held: Uint8Array[] | undefined = tls && []
  const waiting = new Map<number, { resolve: (response: RtspResponse) => void; reject: (error: Error) => void }>()
  let connected = false
  let answered = false
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
      // Some cameras omit CSeq or send 0. Then the answer belongs to the request that waits longest, mostly the only one.
      const [oldest] = waiting.keys()
      const told = Number(response.headers.cseq)
      const number = waiting.has(told) ? told : oldest
      if (number === undefined || response.status < 200) return
      waiting.get(number)?.resolve(response)
      waiting.delete(number)
    },
    onRequest: ({ headers }) =>
      send(formatResponse({ status: 501, headers: headers.cseq === undefined ? {} : { cseq: headers.cseq } })),
    ...(onFrame === undefined ? {} : { onFrame }),
  })

  const send = (bytes: Uint8Array): void => {
    if (held) held.push(bytes)
    else socket.write(bytes)
  }

  tls?.once('secureConnect', () => {
    const refusal = certificateRefusal(tls, fingerprint)
    if (refusal) return fail(refusal)
    const early = held ?? []
    held = undefined
    early.forEach(send)
  })
  socket.once('connect', () => {
    connected = true
    socket.setNoDelay(true)
  })
  socket.on('data', (chunk) => {
    try {
      parser.push(chunk)
      answered = true
    } catch {
      fail(new ConnectionError('not_rtsp', answered ? undefined : strangerOf(chunk, port)))
    }
  })
  socket.on('error', (error: NodeJS.ErrnoException) => fail(errorOf(error, { connected, port })))
  socket.on('end', () => fail(closedBy(answered)))
  socket.on('close', () => fail(connected ? closedBy(answered) : new ConnectionError('unreachable')))

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
    send(bytes)
    if (timeout === undefined) return answer
    const timer = setTimeout(() => fail(new ConnectionError('timed_out')), timeout)
    return answer.finally(() => clearTimeout(timer))
  }

  const request = async (wanted: Request): Promise<RtspResponse> => {
    const response = await exchange(wanted)
    if (response.status !== 401 || !credentials) return response
    const challenge = chooseChallenge(response.headers['www-authenticate'])
    if (!challenge) return response
    // Needed for every 401: a nonce expires, and not every server says `stale`.
    authorize = createAuthorizer(credentials, challenge)
    return exchange(wanted)
  }

  return { request, closed, fail }
}

/** Fails the connection on abort, and after `limit` ms if there is a limit. The returned function cancels both; it may be called twice. */
export function guard({ connection, signal, limit, late = new ConnectionError('timed_out') }: Guard): () => void {
  const abort = (): void => connection.fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  const end = (): void => connection.fail(typeof late === 'function' ? late() : late)
  const timer = limit === undefined ? undefined : setTimeout(end, limit)
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
  limit?: number
  /** The reason after the time limit, or a function that makes it then. */
  late?: Error | (() => Error)
}
