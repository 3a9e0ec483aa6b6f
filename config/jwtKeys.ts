import { isLoopback } from '../machines/domain/address.js'
import { type JwtAlgorithm, jwtAlgorithms } from '../machines/domain/jwt.js'
import { type Format, oneOf, file as pathOfFile, textLike } from './formats.js'
import { groupOf, groupsOf, listOf, listThat, mapped } from './groups.js'
import { isNothing, type Raw } from './raw.js'

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

/** A key that only the other kind of item has. */
const misplaced = (rule: string): Format<never> => ({
  allowed: 'nothing',
  read: (raw, report) => {
    report(rule, raw)
    return undefined
  },
})

const besideUrl = misplaced('must not stand beside jwks_url')
const withoutUrl = misplaced('belongs to jwks_url, which is missing')

const file = mapped(
  groupOf(
    {
      algorithm,
      file: pathOfFile,
      jwks_url: withoutUrl,
      algorithms: withoutUrl,
    },
    ['algorithm', 'file'],
  ),
  ({ algorithm, file }): JwtKeyItem => ({ kind: 'file', algorithm, file }),
)
const jwks = mapped(
  groupOf(
    {
      algorithm: besideUrl,
      file: besideUrl,
      jwks_url: url,
      algorithms: listThat(listOf(algorithm), 'name at least one algorithm', (names) => names.length > 0),
    },
    ['jwks_url', 'algorithms'],
  ),
  ({ jwks_url, algorithms }): JwtKeyItem => ({ kind: 'url', url: jwks_url, algorithms }),
)

const isOfUrl = (raw: Raw) =>
  raw.kind === 'map' && raw.entries.some(({ key, value }) => key === 'jwks_url' && !isNothing(value))

const item: Format<JwtKeyItem> = {
  allowed: 'a key',
  read: (raw, report) => (isOfUrl(raw) ? jwks : file).read(raw, report),
}

/** The list `security.jwt_keys`. */
export const jwtKeyList = groupsOf(
  item,
  `keys, each {algorithm: ${jwtAlgorithms.join('|')}, file: PATH} or {jwks_url: URL, algorithms: [RS256, …]}`,
)
