import type { Dispose, Log, StreamReader } from '../../machines/domain/ports.js'
import type { Credentials } from './auth.js'
import { describeSource } from './describe.js'
import { createKeyframeCatcher, parseRtp } from './h264.js'
import type { RtspResponse } from './message.js'
import { controlUrl, parameterSetsOf, readDescription } from './sdp.js'
import { type Connection, ConnectionError, type Failure, guard, openConnection } from './session.js'

export interface StreamReaderOptions {
  /** Where the media server listens for RTSP. */
  host: string
  port: number
  /** For the media server; those of a described source are in its URL. */
  credentials?: Credentials
  log: Log
  /** How long a stream may take to start (ms), 22 s by default: the media server's own limit and a little. */
  startTimeout?: number
  /** Between two signs of life of a held stream (ms), 20 s by default; never more than half of what the server allows. */
  keepaliveEvery?: number
  /** How long a sign of life may go unanswered (ms), 10 s by default. */
  answerTimeout?: number
  /** From PLAY to the keyframe (ms), 12 s by default. */
  keyframeTimeout?: number
  /** For a whole description (ms), 5 s by default. */
  describeTimeout?: number
}

/** The RTSP client of the service. Rejections and reasons are one plain sentence without addresses or credentials. */
export function createStreamReader(options: StreamReaderOptions): StreamReader {
  const { host, port, credentials, log, startTimeout = 22_000, keepaliveEvery = 20_000 } = options
  const { answerTimeout = 10_000, keyframeTimeout = 12_000, describeTimeout = 5000 } = options
  const at = host.includes(':') ? `[${host}]` : host
  const urlOf = (name: string): string => `rtsp://${at}:${port}/${name}`
  const open = (onFrame?: (channel: number, payload: Buffer) => void): Connection =>
    openConnection({ host, port, ...(credentials && { credentials }), ...(onFrame && { onFrame }) })

  const hold = async (name: string, lost: (reason: string) => void, signal: AbortSignal): Promise<Dispose> => {
    signal.throwIfAborted()
    const connection = open()
    const disarm = guard({ connection, signal, limit: startTimeout, late: new Error('stream did not start in time') })
    const asked = Date.now()
    const answer = await ask(connection, {
      method: 'SETUP',
      url: `${urlOf(name)}/trackID=0`,
      headers: { transport },
    }).finally(disarm)
    refuse(connection, answer, Date.now() - asked)
    const { id, timeout } = sessionOf(answer)
    if (signal.aborted) leave(connection, urlOf(name), id)
    signal.throwIfAborted()
    log.debug('stream held', { stream: name })
    const headers = { session: id }
    const stop = keepAlive(connection, {
      url: urlOf(name),
      headers,
      every: Math.min(keepaliveEvery, timeout / 2),
      answerTimeout,
    })
    let released = false
    void connection.closed.then((error) => {
      stop()
      if (released) return
      const reason = ofServer(error).message
      log.debug('stream lost', { stream: name, reason })
      lost(reason)
    })
    return () => {
      if (released) return
      released = true
      stop()
      leave(connection, urlOf(name), id)
    }
  }

  const keyframe = async (name: string, signal: AbortSignal): Promise<Uint8Array> => {
    signal.throwIfAborted()
    let onFrame = (_channel: number, _payload: Buffer): void => {}
    const connection = open((channel, payload) => onFrame(channel, payload))
    let disarm = guard({ connection, signal, limit: startTimeout, late: new Error('stream did not start in time') })
    try {
      const url = urlOf(name)
      const asked = Date.now()
      const description = await ask(connection, { method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
      refuse(connection, description, Date.now() - asked)
      disarm()
      disarm = guard({ connection, signal, limit: keyframeTimeout, late: new Error('no keyframe came in time') })
      const { base, session, video } = readDescription(url, description)
      if (!video) throw new Error('the stream has no video')
      if (video.codec !== 'H264')
        throw new Error(`codec not supported: the stream is ${video.codec || 'unknown'}, keyframes are taken of H264`)
      const setup = await ask(connection, {
        method: 'SETUP',
        url: controlUrl(base, video.control),
        headers: { transport },
      })
      refuse(connection, setup)
      const catcher = createKeyframeCatcher(parameterSetsOf(video))
      const media = Number(/interleaved=(\d+)/.exec(setup.headers.transport ?? '')?.[1] ?? 0)
      const caught = new Promise<Buffer>((resolve) => {
        onFrame = (channel, payload) => {
          const packet = channel === media ? parseRtp(payload) : undefined
          const picture = packet?.payloadType === video.payloadType ? catcher.push(packet) : undefined
          if (picture) resolve(picture)
        }
      })
      const { id } = sessionOf(setup)
      refuse(
        connection,
        await ask(connection, {
          method: 'PLAY',
          url: controlUrl(base, session),
          headers: { session: id, range: 'npt=0.000-' },
        }),
      )
      const picture = await Promise.race([caught, connection.closed])
      if (picture instanceof Error) throw ofServer(picture)
      onFrame = () => {}
      leave(connection, base, id)
      return picture
    } catch (error) {
      connection.fail(new ConnectionError('closed'))
      throw error
    } finally {
      disarm()
    }
  }

  return { hold, keyframe, describe: (source, signal) => describeSource({ source, limit: describeTimeout, signal }) }
}

const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'

/** A request to the media server: what ends the connection is told in words of it. */
async function ask(connection: Connection, request: Parameters<Connection['request']>[0]): Promise<RtspResponse> {
  try {
    return await connection.request(request)
  } catch (error) {
    throw ofServer(error)
  }
}

const words: Record<Failure, string> = {
  unreachable: 'the media server is unreachable',
  untrusted: 'the certificate of the media server is not trusted',
  closed: 'the media server closed the connection',
  foreign: 'the media server answered, but not in RTSP',
  late: 'the media server does not answer',
}
const ofServer = <E>(error: E): E | Error =>
  error instanceof ConnectionError ? new Error(words[error.failure]) : error

/**
 * Throws unless the answer is 200. The media server says 400 both for a name that it does not know and, after its time-out,
 * for a source that did not come; only the time that passed tells them apart, and not for who joined a start late.
 */
function refuse(connection: Connection, { status }: RtspResponse, elapsed = Infinity): void {
  if (status === 200) return
  connection.fail(new ConnectionError('closed'))
  if (status === 401 || status === 403) throw new Error(`refused (${status})`)
  if (status === 404) throw new Error('stream not found: it has no source')
  if (status === 400)
    throw new Error(elapsed < 1000 ? 'stream not found, or its start had just failed' : 'stream did not start')
  throw new Error(`stream did not start: the media server answered ${status}`)
}

/** `timeout`: what the server allows between two signs of life (ms). */
function sessionOf({ headers }: RtspResponse): { id: string; timeout: number } {
  const [id = '', ...parameters] = (headers.session ?? '').split(';')
  const seconds = Number(/^\s*timeout=(\d+)\s*$/i.exec(parameters.join(';'))?.[1] ?? 60)
  return { id: id.trim(), timeout: Math.max(seconds, 2) * 1000 }
}

function keepAlive(connection: Connection, { url, headers, every, answerTimeout }: KeepAlive): () => void {
  let timer: NodeJS.Timeout
  let stopped = false
  const next = (): void => {
    timer = setTimeout(() => {
      connection.request({ method: 'OPTIONS', url, headers, timeout: answerTimeout }).then(
        ({ status }) => {
          if (status === 454) connection.fail(new Error('the media server has ended the session'))
          else if (!stopped) next()
        },
        () => {},
      )
    }, every)
  }
  next()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

interface KeepAlive {
  url: string
  headers: { session: string }
  every: number
  answerTimeout: number
}

/** Says good-bye, and waits at most a second for the answer before closing. */
function leave(connection: Connection, url: string, session: string): void {
  const close = (): void => connection.fail(new ConnectionError('closed'))
  connection.request({ method: 'TEARDOWN', url, headers: { session }, timeout: 1000 }).then(close, close)
}
