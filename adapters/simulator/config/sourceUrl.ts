import { isIPv6 } from '../../../machines/domain/address.js'

const rtsp = /^rtsps?:\/\/([^/?#]*)([^?#]*)(?:\?[^#]*)?(?:#(.*))?$/s
const brokenEscape = /%(?![0-9a-f]{2})/i
const userinfoCharacters = /^[\w\-.~!$&'()*+,;=:%@]*$/
/** An escape in a host may only stand for a byte that is not ASCII, or for `%` itself. */
const hostCharacters = /^(?:[\w\-.~!$&'()*+,;=:[\]<>"]|\P{ASCII}|%(?:25|[89a-f][0-9a-f]))*$/iu
const port = /^(?::\d*)?$/

/**
 * Returns why MediaMTX refuses a source that is not `publisher`; `undefined` when it accepts it. MediaMTX parses the
 * URL with Go's `net/url`, which is strict about user, password and host, and lenient about path and query.
 */
export function faultOfSource(source: string): string | undefined {
  if (!/^rtsps?:\/\//.test(source)) return `invalid source: '${source}'`
  const [, authority = '', path = '', fragment = ''] = rtsp.exec(source) ?? []
  const at = authority.lastIndexOf('@')
  const userinfo = authority.slice(0, Math.max(0, at))
  const host = authority.slice(at + 1)
  const isUrl =
    !hasControl(source) &&
    userinfoCharacters.test(userinfo) &&
    host !== '' &&
    (host.includes('[') ? isBracketed(host) : isName(host)) &&
    ![userinfo, path, fragment].some((part) => brokenEscape.test(part))
  if (!isUrl) return `'${source}' is not a valid URL`
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/.exec(userinfo) ?? []
  if ((user === '') !== (password === '')) return 'username and password must be both provided'
  return undefined
}

const hasControl = (text: string): boolean => [...text].some((char) => char < ' ' || char === '\x7f')

/** `name` or `name:port`. Only the last colon is the one in front of the port. */
function isName(host: string): boolean {
  const colon = host.lastIndexOf(':')
  return hostCharacters.test(host) && (colon === -1 || port.test(host.slice(colon)))
}

/** `[address]` or `[address%25zone]`, both also with a port. */
function isBracketed(host: string): boolean {
  const [, address = '', zone, rest = ''] = /^\[([^%]*)(?:%25(.+))?\](.*)$/.exec(host) ?? []
  return isIPv6(address) && (zone === undefined || hostCharacters.test(zone)) && port.test(rest)
}
