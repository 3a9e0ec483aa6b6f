import type { RtspAccess } from '../../machines/domain/camera.js'
import type { AudioDescription, SourceDescription } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'
import { urlWithPassword } from './access.js'
import { ConnectionError } from './connectionEnd.js'
import { type MediaSection, parameterSetsOf, readDescription } from './sdp.js'
import { type Connection, type ConnectionOptions, guard, openConnection } from './session.js'
import { h264Timing, h265Timing, parseH264Sps, parseH265Sps, type Sps } from './sps.js'

interface SourceQuestion {
  source: string
  limit: number
  signal: AbortSignal
  access?: RtspAccess | undefined
}

/**
 * Returns what an RTSP source sends. `source` may be `rtsp://user:password@host/path`; `limit` is the time for all
 * requests together, in ms. Rejects with a Failure (`unreachable`, `source_refused`, `stream_not_found`, `timed_out`,
 * `not_rtsp` …), which never holds an address or credentials.
 */
export async function describeSource({
  source,
  limit,
  signal,
  access = {},
}: SourceQuestion): Promise<SourceDescription> {
  return ask({ source, limit, signal, access }, async (connection, url, isKnown) => {
    const described = await describe(connection, url, isKnown)
    if (!described.media) throw new Failure('not_a_stream', 'the camera offers no media')
    return descriptionOf({ ...described, media: described.media })
  })
}

/** Rejects unless the source answers. Sends only OPTIONS. */
export const reachSource = (question: SourceQuestion): Promise<void> => ask(question, async () => {})

async function ask<T>(
  { source, limit, signal, access = {} }: SourceQuestion,
  /** `isKnown`: the service has credentials for the source. */
  further: (connection: Connection, url: string, isKnown: boolean) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const { url, ...where } = addressOf(urlWithPassword(source, access))
  const connection = openConnection({ ...where, ...(access.fingerprint && { fingerprint: access.fingerprint }) })
  const disarm = guard({ connection, signal, limit })
  try {
    // Some servers need OPTIONS first; any RTSP answer will do. A wrong password is not tried twice: cameras lock
    // accounts.
    const options = await connection.request({ method: 'OPTIONS', url })
    if (options.status === 401) throw refusalOf(401, where.credentials !== undefined)
    return await further(connection, url, where.credentials !== undefined)
  } finally {
    disarm()
    connection.fail(new ConnectionError('source_closed'))
  }
}

/** Sends DESCRIBE over an open connection. Rejects unless the status is 200. `isKnown`: as in `refusalOf`. */
export async function describe(
  connection: Connection,
  url: string,
  isKnown?: boolean,
): Promise<ReturnType<typeof readDescription>> {
  const answer = await connection.request({ method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
  if (answer.status !== 200) throw refusalOf(answer.status, isKnown)
  return readDescription(url, answer)
}

const setThem = 'set `user` and `password_file` of the camera (docs/cameras.md)'
const checkPath = 'check the path of its URL'

/** Sentences for RTSP statuses. Each contains the status. */
const sentences: Readonly<Record<number, (isKnown: boolean) => string>> = {
  400: () => `the camera does not accept the request (400): ${checkPath}`,
  401: (isKnown) =>
    isKnown
      ? `the camera refuses the user or the password (401): correct them: ${setThem}`
      : `the camera demands a user and a password (401): ${setThem}`,
  403: () => `the camera forbids access to this stream (403): check the rights of the user, and ${checkPath}`,
  404: () => `there is no stream at this path (404): ${checkPath}`,
}

/**
 * Returns the failure for an RTSP status other than 200. `isKnown`: the service has credentials for the source. Without
 * it the sentence has no advice: a scan tries paths that nobody wrote.
 */
export function refusalOf(status: number, isKnown?: boolean): Failure {
  const code =
    status === 401 || status === 403
      ? 'source_refused'
      : status === 404
        ? 'stream_not_found'
        : status >= 300 && status < 400
          ? 'redirected'
          : 'source_error'
  const advice = isKnown === undefined ? undefined : sentences[status]?.(isKnown)
  return new Failure(code, advice ?? `${because(code).details} (${status})`)
}

type Tracks = { video?: MediaSection; audio?: MediaSection; media: MediaSection }

/** Returns what the tracks of a description say. */
export function descriptionOf({ video, audio, media }: Tracks): SourceDescription {
  const sps = video && spsUnitOf(video)
  const timing = sps === undefined ? {} : isH265(video) ? h265Timing(sps) : h264Timing(sps)
  const fps = video?.fps ?? timing.fps
  return {
    codec: (video ?? media).codec,
    ...(video && sizeOf(video)),
    ...(fps !== undefined && { fps }),
    ...(timing.reorders !== undefined && { reorders: timing.reorders }),
    ...(audio && { audio: audioOf(audio) }),
  }
}

const isH265 = (video: MediaSection | undefined): boolean => /^(H265|HEVC)$/.test(video?.codec ?? '')

/** Returns the NAL unit of the sequence parameter set, if the description holds one. */
function spsUnitOf(video: MediaSection): Uint8Array | undefined {
  const isSps = ([first = 0]: Uint8Array): boolean =>
    isH265(video) ? ((first >> 1) & 0x3f) === 33 : (first & 0x1f) === 7
  return parameterSetsOf(video).find(isSps)
}

/** Returns the sequence parameter set of H.264 or H.265, if the description holds a valid one. */
export function spsOf(video: MediaSection): Sps | undefined {
  const unit = spsUnitOf(video)
  return unit && (isH265(video) ? parseH265Sps(unit) : parseH264Sps(unit))
}

/** Returns the size of the picture, if the description holds it. */
export function sizeOf(video: MediaSection): { width: number; height: number } | undefined {
  const { width, height } = spsOf(video) ?? video
  return width && height ? { width, height } : undefined
}

/** Names of RTP payloads → the codec, where they differ. */
const audioCodecs: Record<string, string> = { 'MPEG4-GENERIC': 'AAC', 'MP4A-LATM': 'AAC' }

const audioOf = ({ codec, clock, channels }: MediaSection): AudioDescription => ({
  codec: audioCodecs[codec] ?? codec,
  ...(clock !== undefined && { rate: clock }),
  ...(channels !== undefined && { channels }),
})

/** Returns the parts of a source's URL. `url` is without credentials, as it is sent. */
export function addressOf(source: string): ConnectionOptions & { url: string } {
  const [, scheme = '', userinfo, rest = ''] = /^(rtsps?:\/\/)(?:([^/?#]*)@)?(.*)$/i.exec(source) ?? []
  // The zone of an IPv6 address means something on this host only: it is not sent (RFC 6874).
  const [, zone] = /^\[[^\]%]*%(?:25)?([^\]]+)\]/.exec(rest) ?? []
  const url = `${scheme}${zone === undefined ? rest : rest.replace(/%[^\]]+\]/, ']')}`
  if (!URL.canParse(url) || /[\s\0]/.test(url)) throw new Failure('address_refused', 'this is not an RTSP address')
  const { hostname, port, protocol } = new URL(url)
  const secure = protocol === 'rtsps:'
  const address = hostname.replace(/^\[|\]$/g, '')
  const where = {
    host: zone === undefined ? address : `${address}%${decode(zone)}`,
    port: Number(port) || (secure ? 322 : 554),
    secure,
    url,
  }
  if (address === '') throw new Failure('address_refused', 'this is not an RTSP address')
  if (userinfo === undefined) return where
  const colon = userinfo.indexOf(':')
  const [user, password] = colon === -1 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)]
  return { ...where, credentials: { user: decode(user), password: decode(password) } }
}

/** Decodes percent-escapes. A `%` that begins none stays, as in some passwords. */
const decode = (text: string): string =>
  text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => attempt(() => decodeURIComponent(escaped)) ?? escaped)
