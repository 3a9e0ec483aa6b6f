import { hostInUrl } from '../../machines/domain/address.js'
import type { Dispose, Log, StreamReader } from '../../machines/domain/ports.js'
import { Failure, type Reason, type ReasonCode, reasonFrom } from '../../machines/domain/reason.js'
import type { Credentials } from './auth.js'
import { type Depacketiser, parseRtp, type RtpPacket } from './depacketiser.js'
import { describeSource, reachSource } from './describe.js'
import { codecs, createKeyframeFinder } from './keyframes.js'
import type { RtspResponse } from './message.js'
import { controlUrl, parameterSetsOf, readDescription } from './sdp.js'
import { type Connection, ConnectionError, guard, openConnection, type Request } from './session.js'

export interface StreamReaderOptions {
  /** Where the media server listens for RTSP. */
  host: string
  port: number
  /** Credentials for the media server; those for a described source are in its URL. */
  credentials?: Credentials
  log: Log
  /** Time limit for the start of a stream, in ms; by default 22 s, a little more than the limit of the media server. */
  startTimeout?: number
  /**
   * Time between two keep-alives of a held stream, in ms; 20 s by default, and at most half of what the server allows.
   */
  keepaliveEvery?: number
  /** Time limit for the answer to a keep-alive, in ms; 10 s by default. */
  answerTimeout?: number
  /** Time limit from PLAY to the keyframe, in ms; 12 s by default. */
  keyframeTimeout?: number
  /** A picture whose last packet has the marker ends after this time without another one, in ms; 1 s by default. */
  pause?: number
  /** Time limit for a whole description, in ms; 5 s by default. */
  describeTimeout?: number
}

/** The RTSP client of the service. Rejects with Failures, which hold no addresses and no credentials. */
export function createStreamReader(options: StreamReaderOptions): StreamReader {
  const { host, port, credentials, log, startTimeout = 22_000, keepaliveEvery = 20_000 } = options
  const { answerTimeout = 10_000, keyframeTimeout = 12_000, describeTimeout = 5000, pause = 1_000 } = options
  const urlOf = (name: string): string => `rtsp://${hostInUrl(host)}:${port}/${name}`
  const open = (onFrame?: (channel: number, payload: Buffer) => void): Connection =>
    openConnection({ host, port, ...(credentials && { credentials }), ...(onFrame && { onFrame }) })

  const hold = async (name: string, lost: (reason: Reason) => void, signal: AbortSignal): Promise<Dispose> => {
    signal.throwIfAborted()
    const url = urlOf(name)
    const connection = open()
    const disarm = guard({ connection, signal, limit: startTimeout, late: new Failure('not_started_in_time') })
    const answer = await start(connection, {
      method: 'SETUP',
      url: `${url}/trackID=0`,
      headers: { transport },
    }).finally(disarm)
    const { id, timeout } = sessionOf(answer)
    if (signal.aborted) leave(connection, url, id)
    signal.throwIfAborted()
    log.debug('stream held', { stream: name })
    const keepalive: Request = { method: 'OPTIONS', url, headers: { session: id }, timeout: answerTimeout }
    const stop = keepAlive(connection, keepalive, Math.min(keepaliveEvery, timeout / 2))
    let released = false
    void connection.closed.then((error) => {
      stop()
      if (released) return
      const reason = reasonFrom(ofServer(error), 'stream_lost')
      log.debug('stream lost', { stream: name, reason: reason.details })
      lost(reason)
    })
    return () => {
      if (released) return
      released = true
      stop()
      leave(connection, url, id)
    }
  }

  /** Since when keyframes are waited for, by the monotonic clock, and when the last wait ended. */
  const waits = new Map<string, { since: number; until: number }>()
  const waitOf = (name: string) => {
    const now = performance.now()
    const before = waits.get(name)
    const wait = before && now - before.until < 2_000 ? before : { since: now, until: now }
    waits.set(name, wait)
    return wait
  }

  const keyframe: StreamReader['keyframe'] = async (name, signal, described = () => {}) => {
    signal.throwIfAborted()
    const url = urlOf(name)
    let onPacket = (_: RtpPacket): void => {}
    let channelOfMedia = 0
    const connection = open((channel, payload) => {
      const packet = channel === channelOfMedia ? parseRtp(payload) : undefined
      if (packet) onPacket(packet)
    })
    let disarm = guard({ connection, signal, limit: startTimeout, late: new Failure('not_started_in_time') })
    try {
      const accept = { accept: 'application/sdp' }
      const description = await start(connection, { method: 'DESCRIBE', url, headers: accept })
      disarm()
      const wait = waitOf(name)
      disarm = guard({ connection, signal, limit: keyframeTimeout, late: () => noKeyframe(wait) })
      const { base, session, video } = readDescription(url, description)
      if (!video) throw new Failure('not_a_stream', 'the stream has no video')
      const codec = codecs[video.codec]
      if (!codec)
        throw new Failure('codec_unsupported', `the stream is ${video.codec || 'of unknown codec'}, not H264 or H265`)
      described(codec.name)
      const track = controlUrl(base, video.control)
      const setup = await request(connection, { method: 'SETUP', url: track, headers: { transport } })
      channelOfMedia = Number(/interleaved=(\d+)/.exec(setup.headers.transport ?? '')?.[1] ?? 0)
      const caught = new Promise<Buffer>((resolve) => {
        const finder = createKeyframeFinder(codec, parameterSetsOf(video), {
          onKeyframe: resolve,
          onRefresh: () => connection.fail(new Failure('codec_unsupported', 'the stream refreshes without keyframes')),
        })
        onPacket = untilPause(finder, video.payloadType, pause)
      })
      const { id } = sessionOf(setup)
      const headers = { session: id, range: 'npt=0.000-' }
      await request(connection, { method: 'PLAY', url: controlUrl(base, session), headers })
      const picture = await Promise.race([caught, connection.closed])
      wait.until = performance.now()
      if (picture instanceof Error) throw ofServer(picture)
      waits.delete(name)
      onPacket = () => {}
      leave(connection, base, id)
      return picture
    } catch (error) {
      connection.fail(new ConnectionError('source_closed'))
      throw error
    } finally {
      onPacket = () => {}
      disarm()
    }
  }

  const address = (name: string): string => {
    const { user, password } = credentials ?? {}
    const who = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`
    return urlOf(name).replace('://', `://${who}`)
  }

  return {
    hold,
    keyframe,
    address,
    describe: (source, signal, access) => describeSource({ source, limit: describeTimeout, signal, access }),
    reach: (source, signal, access) => reachSource({ source, limit: describeTimeout, signal, access }),
  }
}

/** `since`: by the monotonic clock. */
const noKeyframe = ({ since }: { since: number }): Failure =>
  new Failure('no_keyframe', `no keyframe for ${Math.round((performance.now() - since) / 1000)} s`)

/**
 * Returns a function that gives packets of the payload type to the finder. In a pause of the stream the picture ends,
 * if its last packet has the marker: otherwise a camera with one picture in ten seconds would be late by one picture.
 */
function untilPause(finder: Depacketiser, payloadType: number, pause: number): (packet: RtpPacket) => void {
  let timer: NodeJS.Timeout | undefined
  return (packet) => {
    if (packet.payloadType !== payloadType) return
    clearTimeout(timer)
    finder.push(packet)
    if (packet.marker) timer = setTimeout(finder.flush, pause).unref()
  }
}

const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'

/**
 * Sends a request to the media server. Rejects with its failure unless the status is 200, and closes the connection.
 * `began` is the time of a request that starts the stream.
 */
async function request(connection: Connection, wanted: Request, began = -Infinity): Promise<RtspResponse> {
  const answer = await connection.request(wanted).catch((error: Error) => {
    throw ofServer(error)
  })
  if (answer.status === 200) return answer
  connection.fail(new ConnectionError('source_closed'))
  throw refusalOfServer(answer.status, performance.now() - began)
}

/** Sends the request that starts the stream. */
const start = (connection: Connection, wanted: Request): Promise<RtspResponse> =>
  request(connection, wanted, performance.now())

const ends: Record<ConnectionError['code'], [code: ReasonCode, details?: string]> = {
  unreachable: ['server_unreachable', 'the media server cannot be reached'],
  certificate_untrusted: ['server_refused', 'the certificate of the media server is not trusted'],
  source_closed: ['server_closed'],
  not_rtsp: ['not_rtsp', 'the media server answered, but not in RTSP'],
  timed_out: ['server_unreachable'],
}

/** The end of a connection, as a failure of the media server. */
const ofServer = (error: Error): Error => (error instanceof ConnectionError ? new Failure(...ends[error.code]) : error)

/** `elapsed` in ms. */
function refusalOfServer(status: number, elapsed: number): Failure {
  if (status === 401 || status === 403)
    return new Failure('server_refused', `the media server refuses access (${status})`)
  if (status === 404) return new Failure('stream_not_found', 'the stream has no source')
  if (status !== 400) return new Failure('server_error', `the media server answers with an error (${status})`)
  // The media server answers 400 for an unknown path, and after its own time limit for a source that did not come. Only
  // the time tells them apart, except for a client that joins a start late.
  return elapsed < 1000
    ? new Failure('stream_not_found', 'there is no such stream, or its start has just failed')
    : new Failure('not_started_in_time')
}

/** `timeout` is the longest time that the server allows between two keep-alives, in ms. */
function sessionOf({ headers }: RtspResponse): { id: string; timeout: number } {
  const [id = '', ...parameters] = (headers.session ?? '').split(';')
  const seconds = Number(/^\s*timeout=(\d+)\s*$/i.exec(parameters.join(';'))?.[1] ?? 60)
  return { id: id.trim(), timeout: Math.max(seconds, 2) * 1000 }
}

/** Repeats the keep-alive every `every` ms until the returned function is called. */
function keepAlive(connection: Connection, keepalive: Request, every: number): () => void {
  const timer = setInterval(() => {
    connection.request(keepalive).then(
      ({ status }) => {
        if (status === 454) connection.fail(new Failure('stream_lost', 'the media server ended the session'))
      },
      // The end of the connection shows in `closed`.
      () => {},
    )
  }, every)
  return () => clearInterval(timer)
}

/** Sends TEARDOWN, waits at most a second for the answer, and closes the connection. */
function leave(connection: Connection, url: string, session: string): void {
  const close = (): void => connection.fail(new ConnectionError('source_closed'))
  connection.request({ method: 'TEARDOWN', url, headers: { session }, timeout: 1000 }).then(close, close)
}
