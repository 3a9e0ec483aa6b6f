import { createHash, randomBytes } from 'node:crypto'

export interface Credentials {
  user: string
  password: string
}

/**
 * A challenge of `WWW-Authenticate` that we can answer. `auth` is true if the answer must count its uses (qop=auth).
 */
export type Challenge =
  | { scheme: 'basic' }
  | {
      scheme: 'digest'
      hash: 'md5' | 'sha256'
      algorithm?: string
      realm: string
      nonce: string
      opaque?: string
      auth: boolean
    }

/**
 * Returns the strongest challenge in a header (RFC 7616, RFC 7617): SHA-256, then MD5, then Basic. Returns `undefined`
 * if we can answer none.
 */
export function chooseChallenge(header = ''): Challenge | undefined {
  const rank = (challenge: Challenge): number => (challenge.scheme === 'basic' ? 0 : challenge.hash === 'md5' ? 1 : 2)
  return splitChallenges(header)
    .flatMap(({ scheme, fields }) => understand(scheme, fields) ?? [])
    .sort((a, b) => rank(b) - rank(a))[0]
}

function understand(scheme: string, fields: Record<string, string>): Challenge | undefined {
  if (scheme === 'basic') return { scheme }
  if (scheme !== 'digest') return undefined
  const { realm = '', nonce, opaque } = fields
  // Some cameras name an option without a value.
  const [algorithm, qop] = [fields.algorithm?.trim() || undefined, fields.qop?.trim() || undefined]
  const hash = { md5: 'md5' as const, 'sha-256': 'sha256' as const }[(algorithm ?? 'md5').toLowerCase()]
  const auth = qop !== undefined && /(^|[\s,])auth($|[\s,])/i.test(qop)
  if (!hash || nonce === undefined || (qop !== undefined && !auth)) return undefined
  return {
    scheme,
    hash,
    realm,
    nonce,
    auth,
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(opaque === undefined ? {} : { opaque }),
  }
}

/** Splits `Digest a="x", b=y, Basic realm="z"`: a word without `=` begins the next challenge. */
function splitChallenges(header: string): { scheme: string; fields: Record<string, string> }[] {
  const challenges: { scheme: string; fields: Record<string, string> }[] = []
  const tokens = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g
  for (const [, name = '', quoted, bare] of header.matchAll(tokens)) {
    if (quoted === undefined && bare === undefined)
      challenges.push({ scheme: name.toLowerCase(), fields: Object.create(null) })
    else
      Object.assign(challenges.at(-1)?.fields ?? {}, { [name.toLowerCase()]: quoted?.replace(/\\(.)/g, '$1') ?? bare })
  }
  return challenges
}

/** Returns a function that makes the value of `Authorization` for each request, valid as long as the nonce. */
export function createAuthorizer(
  { user, password }: Credentials,
  challenge: Challenge,
): (method: string, url: string) => string {
  if (challenge.scheme === 'basic') return () => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const { hash, algorithm, realm, nonce, opaque, auth } = challenge
  const digest = (text: string): string => createHash(hash).update(text).digest('hex')
  const secret = digest(`${user}:${realm}:${password}`)
  let count = 0
  return (method, url) => {
    const cnonce = randomBytes(8).toString('hex')
    const nc = (++count).toString(16).padStart(8, '0')
    const request = digest(`${method}:${url}`)
    const response = digest(
      auth ? `${secret}:${nonce}:${nc}:${cnonce}:auth:${request}` : `${secret}:${nonce}:${request}`,
    )
    const fields = { username: user, realm, nonce, uri: url, response, ...(opaque === undefined ? {} : { opaque }) }
    const quoted = Object.entries(fields).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
    const bare = algorithm ? [`algorithm=${algorithm}`] : []
    const counted = auth ? ['qop=auth', `nc=${nc}`, `cnonce="${cnonce}"`] : []
    return `Digest ${[...quoted, ...bare, ...counted].join(', ')}`
  }
}
