import { isLoopback } from '../machines/domain/address.js'
import { readMap } from './cameras.js'
import { type Format, listOf, oneOf, textLike } from './formats.js'
import { type Raw, type Report, text } from './raw.js'
import { parseYaml } from './yaml.js'

const algorithm = oneOf('RS256', 'ES256', 'EdDSA')
type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

/** One item of `security.jwt_keys`, in the shape that the rest of the service knows as KeySource. */
export type JwtKeyItem =
  | { kind: 'file'; algorithm: Algorithm; file: string }
  | { kind: 'url'; url: string; algorithms: Algorithm[] }

const file = textLike('the path of a file', (value) => value !== '' && !/\p{Cc}/u.test(value))

/** Keys that came over an open network could be anybody's. */
const url = textLike(
  'an https URL without credentials, or an http URL of this machine (http://127.0.0.1:8080/jwks)',
  (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, hostname, username, password } = new URL(value)
    const isHere = isLoopback(hostname)
    return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && isHere))
  },
)

const algorithms = listOf(algorithm)
const keys = { file: ['algorithm', 'file'], url: ['jwks_url', 'algorithms'] }

/** A YAML list; in the environment its text (JSON is YAML). */
export const jwtKeyList: Format<JwtKeyItem[]> = {
  allowed: 'a list of keys, each {algorithm: RS256|ES256|EdDSA, file: PATH} or {jwks_url: URL, algorithms: [RS256, …]}',
  type: 'Array',
  read: (raw, report) => {
    const list = raw.kind === 'scalar' && typeof raw.value === 'string' ? (parseYaml(raw.value).root ?? raw) : raw
    if (list.kind !== 'list') {
      report(`must be ${jwtKeyList.allowed}`, raw)
      return undefined
    }
    const items = list.items.map((item, index) =>
      readItem(item, (rule, value, below = '') => report(rule, value, `[${index}]${below}`)),
    )
    return items.some((item) => item === undefined) ? undefined : items.filter((item) => item !== undefined)
  },
}

function readItem(raw: Raw, report: Report): JwtKeyItem | undefined {
  const values = readMap(raw, [...keys.file, ...keys.url], report)
  if (!values) return undefined
  let { good } = values
  const read = <T>(key: string, format: Format<T>): T | undefined => {
    const value = values.map.get(key)
    if (value === undefined) report(`has no ${key}`, raw)
    return value && format.read(value, (rule, at, below = '') => report(rule, at, `.${key}${below}`))
  }
  const isUrl = values.map.has('jwks_url')
  for (const key of isUrl ? keys.file : keys.url) {
    if (!values.map.has(key)) continue
    good = false
    report(
      isUrl ? 'must not stand beside jwks_url' : 'belongs to jwks_url, which is missing',
      values.map.get(key) ?? text(''),
      `.${key}`,
    )
  }
  if (isUrl) {
    const [at, allowed] = [read('jwks_url', url), read('algorithms', algorithms)]
    if (allowed?.length === 0) report('must name at least one algorithm', raw, '.algorithms')
    return good && at !== undefined && allowed !== undefined && allowed.length > 0
      ? { kind: 'url', url: at, algorithms: allowed }
      : undefined
  }
  const [by, path] = [read('algorithm', algorithm), read('file', file)]
  return good && by !== undefined && path !== undefined ? { kind: 'file', algorithm: by, file: path } : undefined
}
