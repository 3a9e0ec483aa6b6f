import type { SourceDescription } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'
import { type MediaSection, parameterSetsOf, readDescription } from './sdp.js'
import { type Connection, ConnectionError, type ConnectionOptions, guard, openConnection } from './session.js'
import { parseH264Sps, parseH265Sps, type Sps } from './sps.js'

/**
 * Returns what an RTSP source sends. `source` may be `rtsp://user:password@host/path`; `limit` is the time for all
 * requests together, in ms. Rejects with a Failure (`unreachable`, `source_refused`, `stream_not_found`, `timed_out`,
 * `not_rtsp` …), which never holds an address or credentials.
 */
export async function describeSource({
  source,
  limit,
  signal,
}: {
  source: string
  limit: number
  signal: AbortSignal
}): Promise<SourceDescription> {
  signal.throwIfAborted()
  const { url, ...where } = addressOf(source)
  const connection = openConnection(where)
  const disarm = guard({ connection, signal, limit })
  try {
    // Some servers need OPTIONS first; any RTSP answer will do. A wrong password is not tried twice: cameras lock
    // accounts.
    const options = await connection.request({ method: 'OPTIONS', url })
    if (options.status === 401) throw refusalOf(401)
    const { video, media } = await describe(connection, url)
    if (!media) throw new Failure('not_a_stream', 'the camera offers no media')
    return { codec: (video ?? media).codec, ...(video && sizeOf(video)) }
  } finally {
    disarm()
    connection.fail(new ConnectionError('source_closed'))
  }
}

/** Sends DESCRIBE over an open connection. Rejects unless the status is 200. */
export async function describe(connection: Connection, url: string): Promise<ReturnType<typeof readDescription>> {
  const answer = await connection.request({ method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
  if (answer.status !== 200) throw refusalOf(answer.status)
  return readDescription(url, answer)
}

/** Returns the failure for an RTSP status other than 200. */
export function refusalOf(status: number): Failure {
  const code =
    status === 401 || status === 403
      ? 'source_refused'
      : status === 404
        ? 'stream_not_found'
        : status >= 300 && status < 400
          ? 'redirected'
          : 'source_error'
  return new Failure(code, `${because(code).details} (${status})`)
}

/** Returns the sequence parameter set of H.264 or H.265, if the description holds a valid one. */
export function spsOf(video: MediaSection): Sps | undefined {
  const parse = video.codec === 'H265' ? parseH265Sps : parseH264Sps
  const isSps = ([first = 0]: Uint8Array): boolean =>
    video.codec === 'H265' ? ((first >> 1) & 0x3f) === 33 : (first & 0x1f) === 7
  const unit = parameterSetsOf(video).find(isSps)
  return unit && parse(unit)
}

/** Returns the size of the picture, if the description holds it. */
export function sizeOf(video: MediaSection): { width: number; height: number } | undefined {
  const sps = spsOf(video)
  return sps && { width: sps.width, height: sps.height }
}

/** Returns the parts of a source's URL. `url` is without credentials, as it is sent. */
export function addressOf(source: string): ConnectionOptions & { url: string } {
  const [, scheme = '', userinfo, rest = ''] = /^(rtsps?:\/\/)(?:([^/?#]*)@)?(.*)$/i.exec(source) ?? []
  const url = `${scheme}${rest}`
  if (!URL.canParse(url) || /[\s\0]/.test(url)) throw new Failure('address_refused', 'this is not an RTSP address')
  const { hostname, port, protocol } = new URL(url)
  const secure = protocol === 'rtsps:'
  const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 322 : 554), secure, url }
  if (where.host === '') throw new Failure('address_refused', 'this is not an RTSP address')
  if (userinfo === undefined) return where
  const colon = userinfo.indexOf(':')
  const [user, password] = colon === -1 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)]
  return { ...where, credentials: { user: decode(user), password: decode(password) } }
}

/** Decodes percent-escapes. A `%` that begins none stays, as in some passwords. */
const decode = (text: string): string =>
  text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => attempt(() => decodeURIComponent(escaped)) ?? escaped)
