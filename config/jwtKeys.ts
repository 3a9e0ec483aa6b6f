import { isLoopback } from '../machines/domain/address.js'
import { type JwtAlgorithm, jwtAlgorithms } from '../machines/domain/jwt.js'
import { type Format, oneOf, textLike } from './formats.js'
import { groupOf, groupsOf, listOf, listThat, readMap } from './groups.js'
import type { Raw, Report } from './raw.js'

const algorithm = oneOf(...jwtAlgorithms)

/** One item of `security.jwt_keys`, in the shape of KeySource. */
export type JwtKeyItem =
  | { kind: 'file'; algorithm: JwtAlgorithm; file: string }
  | { kind: 'url'; url: string; algorithms: JwtAlgorithm[] }

/** Anybody on the network could replace keys that are fetched without TLS. */
const url = textLike(
  'an https URL without credentials, or an http URL of this machine (http://127.0.0.1:8080/jwks)',
  (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, hostname, username, password } = new URL(value)
    const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
    return isSafe && username === '' && password === ''
  },
)

const file = groupOf(
  {
    algorithm,
    file: textLike('the path of a file', (value) => value !== '' && !/\p{Cc}/u.test(value)),
  },
  ['algorithm', 'file'],
)
const jwks = groupOf(
  {
    jwks_url: url,
    algorithms: listThat(listOf(algorithm), 'name at least one algorithm', (names) => names.length > 0),
  },
  ['jwks_url', 'algorithms'],
)
const keysOf = { file: ['algorithm', 'file'], url: ['jwks_url', 'algorithms'] }

const item: Format<JwtKeyItem> = {
  allowed: 'a key',
  read: (raw, report) => {
    let good = true
    const refuse: Report = (...fault) => {
      good = false
      report(...fault)
    }
    const values = readMap(raw, [...keysOf.file, ...keysOf.url], refuse)
    if (!values) return undefined
    const isUrl = values.has('jwks_url')
    const rule = isUrl ? 'must not stand beside jwks_url' : 'belongs to jwks_url, which is missing'
    for (const key of isUrl ? keysOf.file : keysOf.url) {
      const value = values.get(key)
      if (value) refuse(rule, value, `.${key}`)
    }
    const own = (keys: string[]): Raw => ({
      kind: 'map',
      line: raw.line,
      entries: keys.flatMap((key) => {
        const value = values.get(key)
        return value ? [{ key, value, line: value.line }] : []
      }),
    })
    if (isUrl) {
      const key = jwks.read(own(keysOf.url), refuse)
      return good && key ? { kind: 'url', url: key.jwks_url, algorithms: key.algorithms } : undefined
    }
    const key = file.read(own(keysOf.file), refuse)
    return good && key ? { kind: 'file', ...key } : undefined
  },
}

/** The list `security.jwt_keys`. */
export const jwtKeyList = groupsOf(
  item,
  `keys, each {algorithm: ${jwtAlgorithms.join('|')}, file: PATH} or {jwks_url: URL, algorithms: [RS256, …]}`,
)
