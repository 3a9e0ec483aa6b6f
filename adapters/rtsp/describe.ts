import type { SourceDescription } from '../../machines/domain/ports.js'
import type { Credentials } from './auth.js'
import { type MediaSection, parameterSetsOf, readDescription } from './sdp.js'
import { type Connection, ConnectionError, guard, openConnection } from './session.js'
import { parseH264Sps, parseH265Sps } from './sps.js'

/**
 * Asks any RTSP source, `rtsp://user:password@host/path`, what it sends; `limit` (ms) is for all of it. Rejects with `unreachable`, `refused (401)`,
 * `not found (404)`, `timed out`, `answered, but not in RTSP` and the like, never with an address or credentials.
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
    // Some servers want it first; what they answer does not matter, so long as it is RTSP. A wrong password is not tried twice: cameras lock accounts.
    const options = await connection.request({ method: 'OPTIONS', url })
    if (options.status === 401) throw new Error(refusalOf(401))
    const { video, media } = await describe(connection, url)
    if (!media) throw new Error('it has no media')
    return { codec: (video ?? media).codec, ...(video && sizeOf(video)) }
  } finally {
    disarm()
    connection.fail(new ConnectionError('closed'))
  }
}

/** DESCRIBE over a connection that is open. Throws unless the answer is 200. */
export async function describe(connection: Connection, url: string): Promise<ReturnType<typeof readDescription>> {
  const answer = await connection.request({ method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
  if (answer.status !== 200) throw new Error(refusalOf(answer.status))
  return readDescription(url, answer)
}

export function refusalOf(status: number): string {
  if (status === 401 || status === 403) return `refused (${status})`
  if (status === 404) return 'not found (404)'
  if (status >= 300 && status < 400) return `sends elsewhere (${status}), which is not followed`
  return `answered with an error (${status})`
}

export function sizeOf(video: MediaSection): { width: number; height: number } | undefined {
  const parse = video.codec === 'H265' ? parseH265Sps : parseH264Sps
  const isSps = ([first = 0]: Uint8Array): boolean =>
    video.codec === 'H265' ? ((first >> 1) & 0x3f) === 33 : (first & 0x1f) === 7
  const unit = parameterSetsOf(video).find(isSps)
  const sps = unit && parse(unit)
  return sps && { width: sps.width, height: sps.height }
}

/** The parts of a source's URL; `url` is what may be sent: without credentials. */
function addressOf(source: string): {
  host: string
  port: number
  secure: boolean
  credentials?: Credentials
  url: string
} {
  const [, scheme = '', userinfo, rest = ''] = /^(rtsps?:\/\/)(?:([^/?#]*)@)?(.*)$/i.exec(source) ?? []
  const url = `${scheme}${rest}`
  if (!URL.canParse(url) || /[\s\0]/.test(url)) throw new Error('not an RTSP address')
  const { hostname, port, protocol } = new URL(url)
  const secure = protocol === 'rtsps:'
  const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 322 : 554), secure, url }
  if (where.host === '') throw new Error('not an RTSP address')
  if (userinfo === undefined) return where
  const colon = userinfo.indexOf(':')
  const [user, password] = colon === -1 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)]
  return { ...where, credentials: { user: decode(user), password: decode(password) } }
}

/** Percent-escapes where they are ones: a bare `%` in a password stays. */
const decode = (text: string): string =>
  text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped)
    } catch {
      return escaped
    }
  })
