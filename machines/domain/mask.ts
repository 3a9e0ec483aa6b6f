/** Masks credentials in URLs and texts: for log lines, error messages, faults of the configuration, and the API. */

/** Replaces a masked value. */
export const hidden = '***'

const names = 'password|passwd|pwd|secret|token|api_?key'
const shortNames = 'pass|key|auth|sig|signature'
const name = `(?:(?:${names})[\\w-]{0,40}|(?<=^|[?&;/])(?:${shortNames}))`
/** A value of a URL ends at the next parameter: `&b=`, and with some cameras `;b=` or `_b=`. */
const valueOfQuery = '(?:(?!;[\\w-]{1,40}=)[^&])*'
const valueOfPath = '(?:(?![;_][\\w-]{1,40}=)[^&/])*'
const inQuery = new RegExp(`(${name}=)${valueOfQuery}`, 'gi')
const inPath = new RegExp(`(${name}=)${valueOfPath}`, 'gi')

/** True for the name of a field, a header or a setting that holds a secret. */
export const isSecretName = (text: string): boolean =>
  /password|passwd|secret|token|authorization|credential|api[_-]?key|cookie/i.test(text)

/** Returns the path and query of a URL, with the values of `password=…` and similar parameters masked. */
export function maskedParameters(pathAndQuery: string): string {
  const mark = `$1${hidden}`
  const start = pathAndQuery.indexOf('?')
  const [path, query] = start < 0 ? [pathAndQuery, ''] : [pathAndQuery.slice(0, start), pathAndQuery.slice(start)]
  return (path + query.replace(inQuery, mark)).replace(inPath, mark)
}

/** Returns the part after the last `@`. Earlier `@`, `/`, `?` and `#` may belong to a password that is not encoded. */
export const withoutUser = (text: string): string => text.slice(text.lastIndexOf('@') + 1)

function maskedUrl(url: string): string {
  const start = url.indexOf('://') + '://'.length
  const behind = url.slice(start)
  const place = withoutUser(behind)
  return `${url.slice(0, start)}${place === behind ? '' : `${hidden}@`}${maskedParameters(place)}`
}

/** Longer texts are truncated, to limit the time of the pattern matching. In characters. */
const longest = { read: 16_384, written: 8192 }

const patterns: readonly [RegExp, string][] = [
  [/\beyJ[\w-]+\.[\w.-]*/g, hidden],
  [/\bcsk_[\w-]{16,}/g, hidden],
  [/\b(sig=)[^\s&;,"']+/gi, `$1${hidden}`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*)[^\r\n]+/gi, `$1${hidden}`],
  [/\b(Bearer\s+)[^\s,;"']+/gi, `$1${hidden}`],
  [new RegExp(`("[\\w-]{0,40}(?:${names})[\\w-]{0,40}"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi'), `$1"${hidden}"`],
  [new RegExp(`((?:${names})[\\w-]{0,40}=)[^\\s&;,"']+`, 'gi'), `$1${hidden}`],
]

/** Returns the text with the credentials in URLs, queries, headers, JWTs and API keys masked. */
export function maskedText(text: string): string {
  const cut = text.length > longest.read ? text.slice(0, longest.read) : text
  const urls = cut.replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"<>]+/gi, maskedUrl)
  const safe = patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), urls)
  return safe.length > longest.written || cut !== text ? `${safe.slice(0, longest.written)}…` : safe
}

/** Like `maskedText`, for the output of another program: also masks the whole query of each URL. */
export const maskedLine = (text: string): string =>
  maskedText(text).replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s?"']+)\?[^\s"']*/gi, `$1?${hidden}`)

/**
 * Returns a text for clients, without URLs (only the scheme remains) and absolute file names. At most 300 characters.
 */
export const textForClients = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"]*[^\s"']/gi, '$1…')
    .replace(/(^|[\s'"=(])\/[^\s'"),;:]+/g, '$1…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)
