import { createHash, createSecretKey, randomUUID } from 'node:crypto'
import {
  type Caller,
  type Credentials,
  isRole,
  neverExpires,
  roles,
  type Tokens,
} from '../../machines/domain/access.js'
import type { Clock } from '../../machines/domain/ports.js'
import { isCameraList, isTokenId, isUser, type Statement, statementOf } from './claims.js'
import { isKid } from './publicKeys.js'
import { refusal } from './refusal.js'
import { noTrustedKeys, type TrustedKeys } from './trustedKeys.js'

/** No token of ours comes near it; saves hashing whatever a stranger sends. */
const longest = 8192
/** Tokens of ours whose signature need not be computed again: a page of pictures asks with one token for each. */
const mostRemembered = 1000

export interface TokensOptions {
  /** At least 32 bytes. */
  secret: Uint8Array
  clock: Clock
  /** Whose tokens are believed besides our own. */
  trusted?: TrustedKeys
  /** What each token must name, our own too; empty: anything. */
  issuer?: string
  audience?: string
  /** ms by which other clocks may differ. */
  tolerance?: number
}

export type TokenVerifier = Pick<Credentials, 'verify'>

/**
 * JWTs with `user_id`, `role`, `iat`, `exp`, and where they have them `nbf`, `jti` and `cameras`. Ours are HS256; others
 * are verified by the trusted keys, each by its own algorithm and no other.
 */
export function createTokens({
  secret,
  clock,
  trusted = noTrustedKeys,
  issuer,
  audience,
  tolerance = 0,
}: TokensOptions): Tokens & TokenVerifier {
  if (secret.length < 32) throw new Error('the key of the tokens needs at least 32 bytes')
  const own = createSecretKey(secret)
  const remembered = new Map<string, Statement>()

  const recall = (digest: string): Statement | undefined => {
    const known = remembered.get(digest)
    if (known === undefined) return undefined
    remembered.delete(digest)
    const now = clock.now()
    if (known.validFrom > now || known.caller.expiresAt <= now) return undefined
    remembered.set(digest, known)
    return known
  }
  const remember = (digest: string, statement: Statement) => {
    remembered.set(digest, statement)
    const oldest = remembered.keys().next()
    if (remembered.size > mostRemembered && !oldest.done) remembered.delete(oldest.value)
  }

  const check = async (token: string, offline: boolean): Promise<{ statement: Statement; isOwn: boolean }> => {
    const { decodeProtectedHeader, jwtVerify, errors } = await jose()
    const { alg, kid } = headerOf(() => decodeProtectedHeader(token))
    const isOwn = alg === 'HS256'
    // The secret is for HS256 alone and the public keys never are: a token cannot choose how it is verified.
    const keys = isOwn
      ? [own]
      : (await trusted.find({ algorithm: alg, ...(kid === undefined ? {} : { kid }) }, { offline })).map(
          ({ key }) => key,
        )
    const now = clock.now()
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [alg],
          currentDate: new Date(now),
          clockTolerance: tolerance / 1000,
          ...(issuer ? { issuer } : {}),
          ...(audience ? { audience } : {}),
        })
        return { statement: statementOf(payload, { now, tolerance }), isOwn }
      } catch (error) {
        if (error instanceof errors.JWSSignatureVerificationFailed) continue
        throw refusal(error instanceof errors.JWTExpired && error.claim === 'exp' ? 'token_expired' : 'auth_failed')
      }
    }
    throw refusal('auth_failed')
  }

  return {
    async issue({ user, role, expiresIn, cameras, id = randomUUID() }) {
      if (!isUser(user)) throw new Error('a token needs a user of 1 to 256 characters')
      if (!isRole(role)) throw new Error(`a token needs a role: ${roles.join(', ')}`)
      if (!(expiresIn >= 1000 && clock.now() + expiresIn <= neverExpires))
        throw new Error('a token needs a life of at least a second')
      if (cameras !== undefined && !isCameraList(cameras))
        throw new Error('a token is for cameras like camera0 or camera1*')
      if (!isTokenId(id)) throw new Error('a token needs an id of 1 to 256 characters')
      const { SignJWT } = await jose()
      const now = Math.floor(clock.now() / 1000)
      const token = new SignJWT({ user_id: user, role, ...(cameras === undefined ? {} : { cameras: [...cameras] }) })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setJti(id)
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(expiresIn / 1000))
      if (issuer) token.setIssuer(issuer)
      if (audience) token.setAudience(audience)
      return token.sign(own)
    },
    async verify(token, { offline = false } = {}) {
      if (!token) throw refusal('auth_required')
      // Callers hand on what clients sent, whatever its type.
      if (typeof token !== 'string' || token.length > longest) throw refusal('auth_failed')
      const digest = hashOf(token)
      const known = recall(digest)
      if (known !== undefined) return callerOf(known, token)
      const { statement, isOwn } = await check(token, offline)
      if (isOwn) remember(digest, statement)
      return callerOf(statement, token)
    },
  }
}

/** Loaded with the first token: a service that waits for its first client need not hold it. */
const jose = () => import('jose')

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

function headerOf(decode: () => { alg?: string; kid?: unknown }): { alg: string; kid?: string } {
  try {
    const { alg, kid } = decode()
    if (typeof alg === 'string' && kid === undefined) return { alg }
    if (typeof alg === 'string' && isKid(kid)) return { alg, kid }
  } catch {
    // No token at all.
  }
  throw refusal('auth_failed')
}

/** One without `jti` goes by what was signed, not by its signature: that can be written in several ways. */
function callerOf({ caller, id }: Statement, token: string): Caller {
  const named = id ?? `sha256:${hashOf(token.slice(0, token.lastIndexOf('.'))).slice(0, 32)}`
  return { ...caller, credential: { kind: 'token', id: named } }
}
