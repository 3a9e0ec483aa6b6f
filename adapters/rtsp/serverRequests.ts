import { Failure, type ReasonCode } from '../../machines/domain/reason.js'
import { ConnectionError } from './connectionEnd.js'
import type { RtspResponse } from './message.js'
import type { Connection, Request } from './session.js'

export const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'

/**
 * Sends a request to the media server. Rejects with its failure unless the status is 200, and closes the connection.
 * `began` is the time of a request that starts the stream.
 */
export async function request(connection: Connection, wanted: Request, began = -Infinity): Promise<RtspResponse> {
  const answer = await connection.request(wanted).catch((error: Error) => {
    throw ofServer(error)
  })
  if (answer.status === 200) return answer
  connection.fail(new ConnectionError('source_closed'))
  throw refusalOfServer(answer.status, performance.now() - began)
}

/** Sends the request that starts the stream. */
export const start = (connection: Connection, wanted: Request): Promise<RtspResponse> =>
  request(connection, wanted, performance.now())

const ends: Record<ConnectionError['code'], [code: ReasonCode, details?: string]> = {
  unreachable: ['server_unreachable', 'the media server cannot be reached'],
  certificate_untrusted: ['server_refused', 'the certificate of the media server is not trusted'],
  source_closed: ['server_closed'],
  not_rtsp: ['not_rtsp', 'the media server answered, but not in RTSP'],
  timed_out: ['server_unreachable'],
}

/** The end of a connection, as a failure of the media server. */
export const ofServer = (error: Error): Error =>
  error instanceof ConnectionError ? new Failure(...ends[error.code]) : error

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
export function sessionOf({ headers }: RtspResponse): { id: string; timeout: number } {
  const [id = '', ...parameters] = (headers.session ?? '').split(';')
  const seconds = Number(/^\s*timeout=(\d+)\s*$/i.exec(parameters.join(';'))?.[1] ?? 60)
  return { id: id.trim(), timeout: Math.max(seconds, 2) * 1000 }
}

/** Repeats the keep-alive every `every` ms until the returned function is called. */
export function keepAlive(connection: Connection, keepalive: Request, every: number): () => void {
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
export function leave(connection: Connection, url: string, session: string): void {
  const close = (): void => connection.fail(new ConnectionError('source_closed'))
  connection.request({ method: 'TEARDOWN', url, headers: { session }, timeout: 1000 }).then(close, close)
}
