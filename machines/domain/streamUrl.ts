/** The URLs of RTSP sources: read, told apart, shown without what is secret in them. */
import { invalidParam } from './errors.js'

export interface StreamUrl {
  /** As it is kept and used: the host in its plain form, so that what was checked is what is called. May hold credentials. */
  url: string
  /** Without brackets. */
  host: string
  port: number
}

export const longestUrl = 2048

/** Reads a URL that a client gives; throws ServiceError `invalidParams` that says what is wrong, never the URL itself. */
export function readStreamUrl(text: string, param = 'stream_url'): StreamUrl {
  const refuse = (rule: string, hint: string): never => {
    throw invalidParam(param, rule, hint)
  }
  if (text.length > longestUrl) refuse(`must have at most ${longestUrl} characters`, 'shorten the path or the query')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029\\#]/.test(text)) {
    refuse('must hold no spaces, control characters, \\ or #', 'write them percent-encoded, as in %20')
  }
  // MediaMTX puts a reader's own query, with its token, in the place of $MTX_QUERY.
  if (text.includes('$')) refuse('must hold no $', 'write it as %24')
  const { scheme, userinfo, authority, rest } = partsOf(text)
  if (scheme !== 'rtsp' && scheme !== 'rtsps')
    refuse('must begin with rtsp:// or rtsps://', 'as in rtsp://192.168.1.20:554/stream')
  if (rest.includes('@'))
    refuse('must hold no @ behind the host', 'write an @ or a / of the password or the path as %40 and %2F')
  const canonical = hostOf(authority)
  const [, port] = /:(\d+)$/.exec(authority) ?? []
  if (canonical === undefined || authority.endsWith(':'))
    return refuse('must name a host, and a port from 1 to 65535 if any', 'as in rtsp://192.168.1.20:554/stream')
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    refuse('must name a port from 1 to 65535', 'leave it out for 554')
  const url = `${scheme}://${userinfo === '' ? '' : `${userinfo}@`}${canonical}${port === undefined ? '' : `:${Number(port)}`}${rest}`
  return { url, host: canonical.replace(/^\[|\]$/g, ''), port: port === undefined ? defaultPort(scheme) : Number(port) }
}

/** As anybody may see it: without user and password, also those of the query. */
export function shownUrl(url: string): string {
  const { scheme, authority, rest } = partsOf(url)
  return `${scheme}://${authority}${rest.replace(secretValue, '$1***')}`
}

/** The same for every way of writing one source: case of the host, default port, credentials do not matter. Also that of its `shownUrl`. */
export function streamKey(url: string): string {
  const { scheme, authority, rest } = partsOf(shownUrl(url))
  const [, port] = /:(\d+)$/.exec(authority) ?? []
  const path = rest === '' || rest.startsWith('?') ? `/${rest}` : rest
  return `${scheme}://${hostOf(authority) ?? authority.toLowerCase()}:${port === undefined ? defaultPort(scheme) : Number(port)}${path}`
}

/** What identifies the camera of an added stream. */
export const streamIdentity = (url: string): string => `rtsp:${streamKey(url)}`

const defaultPort = (scheme: string): number => (scheme === 'rtsps' ? 322 : 554)

/** `password=…` as some cameras want it in the path or the query. */
const secretValue =
  /((?:^|[?&;/])(?:[\w-]*(?:password|passwd|pwd|secret|token|api_?key)[\w-]*|pass|key|auth|sig|signature)=)[^&;/]*/gi

function partsOf(url: string): { scheme: string; userinfo: string; authority: string; rest: string } {
  const [, scheme = '', userinfo = '', authority = '', rest = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*)(.*)$/is.exec(url) ?? []
  return { scheme: scheme.toLowerCase(), userinfo, authority, rest }
}

/** In its plain form, as a resolver would take it: lower case, `0x7f.1` as 127.0.0.1, IPv6 in brackets. URL does that for http alone. */
function hostOf(authority: string): string | undefined {
  const host = authority.replace(/:\d*$/, '')
  if (host === '' || host.includes('@') || !URL.canParse(`http://${host}/`)) return undefined
  return new URL(`http://${host}/`).hostname
}

/** What its parts tell of a URL that was read before. */
export function placeOf(url: string): { scheme: 'rtsp' | 'rtsps'; port: number; path: string } {
  const { scheme, authority, rest } = partsOf(shownUrl(url))
  const [, port] = /:(\d+)$/.exec(authority) ?? []
  return {
    scheme: scheme === 'rtsps' ? 'rtsps' : 'rtsp',
    port: port === undefined ? defaultPort(scheme) : Number(port),
    path: rest,
  }
}
