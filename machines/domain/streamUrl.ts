/** The URLs of RTSP sources: checked, written in one form, compared, shown without credentials. */
import { invalidParam } from './errors.js'
import { hidden, maskedParameters, withoutUser } from './mask.js'

/** The URL of a source, checked. */
export interface StreamUrl {
  /** In the canonical form, which MediaMTX accepts. May hold credentials: show it as `shownUrl` makes it. */
  url: string
  /** Without brackets. */
  host: string
  port: number
}

/** Why a text is not a stream URL, and how to write it instead. Neither repeats the text. */
export interface UrlFault {
  rule: string
  hint: string
}

/** In characters. */
export const longestUrl = 2048

const faults = {
  tooLong: { rule: `must have at most ${longestUrl} characters`, hint: 'shorten the path or the query' },
  character: {
    rule: 'must hold no spaces, control characters, \\ or #',
    hint: 'percent-encode them: %20 for a space, %23 for #, %5C for \\; in a user or password also %2F for /',
  },
  half: { rule: 'must hold no half of a Unicode character', hint: 'write whole characters' },
  // MediaMTX replaces $MTX_QUERY with the query of a reader, which holds a token.
  dollar: { rule: 'must hold no $ behind the user and password', hint: 'write it as %24' },
  scheme: { rule: 'must begin with rtsp:// or rtsps://', hint: 'as in rtsp://192.168.1.20:554/stream' },
  at: {
    rule: 'must hold no @ behind the host',
    hint: 'percent-encode it as %40; in a user or password also / as %2F, ? as %3F and # as %23',
  },
  percent: { rule: 'must not mix % signs with percent-encoded characters', hint: 'write each % sign as %25' },
  user: {
    rule: 'must hold both a user and a password, or neither',
    hint: 'as in rtsp://user:password@192.168.1.20/stream',
  },
  host: {
    rule: 'must name a host, and a port from 1 to 65535 if any',
    hint: 'as in rtsp://192.168.1.20:554/stream; in a user or password write / as %2F, ? as %3F and # as %23',
  },
  port: { rule: 'must name a port from 1 to 65535', hint: 'leave it out for the default port' },
} as const satisfies Record<string, UrlFault>

/**
 * Reads the URL of a source. The canonical form has a lower-case scheme, the host as a resolver takes it, and
 * percent-encodes what RFC 3986 does not allow, because MediaMTX does not start with one bad URL in its configuration.
 */
export function parseStreamUrl(text: string): StreamUrl | UrlFault {
  if (text.length > longestUrl) return faults.tooLong
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029\\#]/.test(text)) return faults.character
  if (/\p{Cs}/u.test(text)) return faults.half
  const { scheme, userinfo, authority, rest } = partsOf(text)
  if (authority.includes('$') || rest.includes('$')) return faults.dollar
  if (scheme !== 'rtsp' && scheme !== 'rtsps') return faults.scheme
  if (rest.includes('@')) return faults.at
  const host = hostOf(authority)
  const digits = portOf(authority)
  if (host === undefined || authority.endsWith(':')) return faults.host
  const port = digits === undefined ? defaultPort(scheme) : Number(digits)
  if (port < 1 || port > 65_535) return faults.port
  if (isAmbiguous(userinfo) || isAmbiguous(rest)) return faults.percent
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(userinfo) ?? []
  if ((user === '') !== (password === '')) return faults.user
  const credentials = user === '' ? '' : `${encoded(user, plainInUser)}:${encoded(password, plainInUser)}@`
  const url = `${scheme}://${credentials}${host}${digits === undefined ? '' : `:${port}`}${encoded(rest, plainInPath)}`
  return url.length > longestUrl ? faults.tooLong : { url, host: host.replace(/^\[|\]$/g, ''), port }
}

/** Reads a URL that a client sends. Throws ServiceError `invalidParams`, which names the fault and never the URL. */
export function readStreamUrl(text: string, param = 'stream_url'): StreamUrl {
  const result = parseStreamUrl(text)
  if ('rule' in result) throw invalidParam(param, result.rule, result.hint)
  return result
}

/** Any text, as everybody may see it: without user and password, also in the query. The text need not be a URL. */
export function shownUrl(text: string): string {
  const [, scheme, behind = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === undefined) return hidden
  const { authority, rest } = partsOf(`${scheme}://${withoutUser(behind)}`)
  // `u:pass/word` and `u:12#34` without a host are no places: they are parts of a password.
  const isPlace = /^(?:\[[^\s[\]]*\]|[^\s:[\]]*)(?::\d*)?$/.test(authority) && !rest.startsWith('#')
  return `${scheme.toLowerCase()}://${isPlace ? `${authority}${maskedParameters(rest)}` : hidden}`
}

/**
 * The same text for every spelling of one source: case of the host, default port, credentials and the encoding of
 * the path do not matter. Cameras are identified by it on disk, so it must never change for a URL.
 */
export function streamKey(url: string): string {
  const { scheme, port, path } = placeOf(url)
  const { authority } = partsOf(shownUrl(url))
  const host = hostOf(authority) ?? authority.toLowerCase()
  return `${scheme}://${host}:${port}${path.startsWith('/') ? '' : '/'}${decoded(path)}`
}

/** Identifies the camera of an added stream. */
export const streamIdentity = (url: string): string => `rtsp:${streamKey(url)}`

/** The scheme, port and path of a URL; the path with its query, without secrets. */
export function placeOf(url: string): { scheme: 'rtsp' | 'rtsps'; port: number; path: string } {
  const { scheme, authority, rest } = partsOf(shownUrl(url))
  const digits = portOf(authority)
  return {
    scheme: scheme === 'rtsps' ? 'rtsps' : 'rtsp',
    port: digits === undefined ? defaultPort(scheme) : Number(digits),
    path: rest,
  }
}

const defaultPort = (scheme: string): number => (scheme === 'rtsps' ? 322 : 554)
const portOf = (authority: string): string | undefined => /:(\d+)$/.exec(authority)?.[1]

function partsOf(url: string): { scheme: string; userinfo: string; authority: string; rest: string } {
  const [, scheme = '', userinfo = '', authority = '', rest = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*)(.*)$/is.exec(url) ?? []
  return { scheme: scheme.toLowerCase(), userinfo, authority, rest }
}

/** As a resolver takes it: lower case, `0x7f.1` as 127.0.0.1, IPv6 in brackets. URL does that for http alone. */
function hostOf(authority: string): string | undefined {
  const host = authority.replace(/:\d*$/, '')
  if (!/^(?:\[[^@]+\]|[^@:[\]]+)$/.test(host) || !URL.canParse(`http://${host}/`)) return undefined
  const { hostname } = new URL(`http://${host}/`)
  return /^(?:[a-z0-9._-]+|\[.*\])$/.test(hostname) ? hostname : undefined
}

// ---------------------------------------------------------------- percent-encoding

/** Everything else is encoded: a user or password that is not, breaks the patterns that hide it in the log. */
const plainInUser = /[\w.~-]/
const plainInPath = /[\w.~!$&'()*+,;=:@/?[\]-]/
const isAmbiguous = (text: string): boolean => /%[0-9a-f]{2}/i.test(text) && /%(?![0-9a-f]{2})/i.test(text)

/** Leaves escapes as they are: `%2F` and `/` differ. */
const encoded = (text: string, plain: RegExp): string =>
  text.replace(/%[0-9a-f]{2}|./gisu, (sign) => (sign.length === 3 || plain.test(sign) ? sign : escapeOf(sign)))

const escapeOf = (sign: string): string =>
  [...new TextEncoder().encode(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** Undoes what `encoded` does to a path: in earlier URLs these characters were not encoded. */
const decoded = (path: string): string =>
  path.replace(/%(?:22|25(?![0-9a-f]{2})|3c|3e|5e|60|7b|7c|7d)|%[c-f][0-9a-f](?:%[89ab][0-9a-f])+/gi, (sequence) => {
    try {
      const sign = decodeURIComponent(sequence)
      return /[\u0080-\u00a0\u2028\u2029]/.test(sign) ? sequence : sign
    } catch {
      return sequence
    }
  })
