/** Validates, normalises, compares and masks the URLs of RTSP sources. */
import { invalidParam } from './errors.js'
import { hidden, maskedParameters, withoutUser } from './mask.js'

/** A valid URL of a source. */
export interface StreamUrl {
  /** In the canonical form, which MediaMTX accepts. May contain credentials: show only the result of `shownUrl`. */
  url: string
  /** Without brackets. */
  host: string
  port: number
}

/** Why a text is not a valid stream URL, and how to correct it. Neither sentence repeats the text. */
export interface UrlFault {
  rule: string
  hint: string
}

/** In characters. */
export const longestUrl = 2048

const faults = {
  tooLong: { rule: `must have at most ${longestUrl} characters`, hint: 'shorten the path or the query' },
  character: {
    rule: 'must not contain spaces, control characters, \\ or #',
    hint: 'percent-encode them: %20 for a space, %23 for #, %5C for \\; in a user or password also %2F for /',
  },
  half: { rule: 'must not contain unpaired surrogates', hint: 'use valid Unicode characters' },
  // MediaMTX replaces $MTX_QUERY with the query of a reader, which holds a token.
  dollar: { rule: 'must not contain $ after the user and password', hint: 'write it as %24' },
  scheme: { rule: 'must begin with rtsp:// or rtsps://', hint: 'as in rtsp://192.168.1.20:554/stream' },
  at: {
    rule: 'must not contain @ after the host',
    hint: 'percent-encode it as %40; in a user or password also / as %2F, ? as %3F and # as %23',
  },
  percent: { rule: 'must not mix % signs with percent-encoded characters', hint: 'write each % sign as %25' },
  user: {
    rule: 'must contain both a user and a password, or neither',
    hint: 'as in rtsp://user:password@192.168.1.20/stream',
  },
  host: {
    rule: 'must contain a host, and optionally a port from 1 to 65535',
    hint: 'as in rtsp://192.168.1.20:554/stream; in a user or password write / as %2F, ? as %3F and # as %23',
  },
  port: { rule: 'must have a port from 1 to 65535', hint: 'omit it for the default port' },
} as const satisfies Record<string, UrlFault>

/**
 * Parses the URL of a source. The canonical form has a lower-case scheme and a normalised host, and percent-encodes
 * characters that RFC 3986 does not allow: MediaMTX does not start if its configuration contains an invalid URL.
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

/**
 * Parses a URL from a client. Throws ServiceError `invalidParams`, which describes the fault and never repeats the URL.
 */
export function readStreamUrl(text: string, param = 'stream_url'): StreamUrl {
  const result = parseStreamUrl(text)
  if ('rule' in result) throw invalidParam(param, result.rule, result.hint)
  return result
}

/** Returns the text without user and password, also in the query. The text need not be a URL. */
export function shownUrl(text: string): string {
  const [, scheme, behind = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === undefined) return hidden
  const { authority, rest } = partsOf(`${scheme}://${withoutUser(behind)}`)
  // `u:pass/word` and `u:12#34` without a host are not addresses: they are parts of a password.
  const isPlace = /^(?:\[[^\s[\]]*\]|[^\s:[\]]*)(?::\d*)?$/.test(authority) && !rest.startsWith('#')
  return `${scheme.toLowerCase()}://${isPlace ? `${authority}${maskedParameters(rest)}` : hidden}`
}

/**
 * Returns the same key for every spelling of a source: case of the host, default port, credentials and the encoding of
 * the path do not matter. The registry stores keys, so the key of a URL must never change.
 */
export function streamKey(url: string): string {
  const { scheme, port, path } = placeOf(url)
  const { authority } = partsOf(shownUrl(url))
  const host = hostOf(authority) ?? authority.toLowerCase()
  return `${scheme}://${host}:${port}${path.startsWith('/') ? '' : '/'}${decoded(path)}`
}

/** Returns the identity key of an added stream's camera. */
export const streamIdentity = (url: string): string => `rtsp:${streamKey(url)}`

/** Returns the scheme, port and path of a URL; the path with its query, without secrets. */
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

/** Normalised: lower case, `0x7f.1` as 127.0.0.1, IPv6 in brackets. `URL` normalises only http hosts. */
function hostOf(authority: string): string | undefined {
  const [, bare, zone] = /^(\[[0-9a-f:.]+)%(?:25)?([\w.~-]+)\](?::\d*)?$/i.exec(authority) ?? []
  if (bare !== undefined) return hostOf(`${bare}]`)?.replace(']', `%25${zone}]`)
  const host = authority.replace(/:\d*$/, '')
  if (!/^(?:\[[^@]+\]|[^@:[\]]+)$/.test(host) || !URL.canParse(`http://${host}/`)) return undefined
  const { hostname } = new URL(`http://${host}/`)
  return /^(?:[a-z0-9._-]+|\[.*\])$/.test(hostname) ? hostname : undefined
}

// ---------------------------------------------------------------- percent-encoding

/** All other characters are encoded; otherwise the patterns that mask a user or password in the log may fail. */
const plainInUser = /[\w.~-]/
const plainInPath = /[\w.~!$&'()*+,;=:@/?[\]-]/
const isAmbiguous = (text: string): boolean => /%[0-9a-f]{2}/i.test(text) && /%(?![0-9a-f]{2})/i.test(text)

/** Does not change existing escapes: `%2F` and `/` differ. */
const encoded = (text: string, plain: RegExp): string =>
  text.replace(/%[0-9a-f]{2}|./gisu, (sign) => (sign.length === 3 || plain.test(sign) ? sign : escapeOf(sign)))

const escapeOf = (sign: string): string =>
  [...new TextEncoder().encode(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** Reverts `encoded` for a path, because earlier versions did not encode these characters. */
const decoded = (path: string): string =>
  path.replace(/%(?:22|25(?![0-9a-f]{2})|3c|3e|5e|60|7b|7c|7d)|%[c-f][0-9a-f](?:%[89ab][0-9a-f])+/gi, (sequence) => {
    try {
      const sign = decodeURIComponent(sequence)
      return /[\u0080-\u00a0\u2028\u2029]/.test(sign) ? sequence : sign
    } catch {
      return sequence
    }
  })

/** Returns the URL with a user and a password, which it must not have yet. */
export const urlWithUser = (url: string, user: string, password: string): string =>
  url.replace('://', () => `://${whole(user)}:${whole(password)}@`)

/** Encodes also what looks like an escape already. */
const whole = (text: string): string => encoded(text.replaceAll('%', '%25'), plainInUser)
