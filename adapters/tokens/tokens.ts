import { createHash, createSecretKey, randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import {
  type Caller,
  type Credentials,
  isCameraList,
  isName,
  isRole,
  neverExpires,
  roles,
  type Tokens,
} from '../../machines/domain/access.js'
import { authFailed } from '../../machines/domain/errors.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { IssuedAhead, type Statement, statementOf } from './claims.js'
import { isKid, type KeyHeader } from './publicKeys.js'
import { noTrustedKeys, type TrustedKeys } from './trustedKeys.js'

/** Longer tokens are refused before they are hashed. */
const longest = 8192
/** How many valid tokens of ours are kept, to skip their signature: a page of pictures sends one token for each. */
const mostRemembered = 1000

export interface TokensOptions {
  /** At least 32 bytes. */
  secret: Uint8Array
  clock: WallClock
  /** The keys of other issuers whose tokens are accepted. */
  trusted?: TrustedKeys
  /** What each token must name, including our own; empty: anything. */
  issuer?: string
  audience?: string
  /** By how many ms other clocks may differ. */
  tolerance?: number
  /** By how many ms the clock of an issuer may be ahead at the time of issue; at least `tolerance`. */
  issuedAhead?: number
  log?: Pick<Log, 'warn'>
}

export type TokenVerifier = Pick<Credentials, 'verify'>

/**
 * JWTs with the claims `user_id`, `role`, `iat`, `exp`, and optionally `nbf`, `jti` and `cameras`. Ours are HS256;
 * others are verified with the trusted keys, each with its own algorithm and no other.
 */
export function createTokens({
  secret,
  clock,
  trusted = noTrustedKeys,
  issuer,
  audience,
  tolerance = 0,
  issuedAhead = 0,
  log,
}: TokensOptions): Tokens & TokenVerifier {
  if (secret.length < 32) throw new Error('the key of the tokens needs at least 32 bytes')
  const own = createSecretKey(secret)
  const ahead = Math.max(tolerance, issuedAhead)
  const remembered = new LRUCache<string, Statement>({ maxSize: mostRemembered, sizeCalculation: () => 1 })

  const recall = (digest: string): Statement | undefined => {
    const known = remembered.get(digest)
    const now = clock.now()
    return known && known.validFrom <= now && known.caller.expiresAt > now ? known : undefined
  }

  const check = async (token: string, offline: boolean): Promise<{ statement: Statement; isOwn: boolean }> => {
    const { decodeProtectedHeader, jwtVerify, errors } = await jose()
    const header = headerOf(() => decodeProtectedHeader(token))
    const isOwn = header.algorithm === 'HS256'
    // The secret verifies HS256 alone, and public keys never do: a token cannot choose how it is verified.
    const keys = isOwn ? [own] : await trusted.find(header, { offline })
    const now = clock.now()
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [header.algorithm],
          currentDate: new Date(now),
          clockTolerance: tolerance / 1000,
          ...(issuer ? { issuer } : {}),
          ...(audience ? { audience } : {}),
        })
        return { statement: statementOf(payload, { now, tolerance, ahead }), isOwn }
      } catch (error) {
        // TypeError: the key is too weak for jose.
        if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError) continue
        if (error instanceof IssuedAhead) warnOfClocks(error)
        throw authFailed(error instanceof errors.JWTExpired && error.claim === 'exp' ? 'token_expired' : 'auth_failed')
      }
    }
    throw authFailed('auth_failed')
  }

  /** Otherwise nobody could see why a token with a valid signature is refused. */
  const warnOfClocks = ({ user, seconds }: IssuedAhead) =>
    log?.warn(
      'a token was refused because it was issued in the future: the clocks of its issuer and of this host disagree',
      { user, seconds, tolerated: ahead / 1000, remedy: 'synchronise both clocks' },
    )

  return {
    async issue({ user, role, expiresIn, cameras, id = randomUUID() }) {
      if (!isName(user)) throw new Error('a token needs a user of 1 to 256 characters')
      if (!isRole(role)) throw new Error(`a token needs a role: ${roles.join(', ')}`)
      if (!(expiresIn >= 1000 && clock.now() + expiresIn <= neverExpires))
        throw new Error('a token needs a life of at least a second')
      if (cameras !== undefined && !isCameraList(cameras))
        throw new Error('a token needs cameras such as camera0 or camera1*')
      if (!isName(id)) throw new Error('a token needs an id of 1 to 256 characters')
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
      if (!token) throw authFailed('auth_required')
      // Clients may send any type.
      if (typeof token !== 'string' || token.length > longest) throw authFailed('auth_failed')
      const digest = hashOf(token)
      const known = recall(digest)
      if (known !== undefined) return callerOf(known, token)
      const { statement, isOwn } = await check(token, offline)
      if (isOwn) remembered.set(digest, statement)
      return callerOf(statement, token)
    },
  }
}

/** Loaded with the first token: a service without clients does not need it. */
const jose = () => import('jose')

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

function headerOf(decode: () => { alg?: string; kid?: unknown }): KeyHeader {
  const { alg, kid } = attempt(decode) ?? {}
  if (typeof alg === 'string' && kid === undefined) return { algorithm: alg }
  if (typeof alg === 'string' && isKid(kid)) return { algorithm: alg, kid }
  throw authFailed('auth_failed')
}

/** A token without `jti` is named by a hash of what was signed: a signature can be written in several ways. */
function callerOf({ caller, id }: Statement, token: string): Caller {
  const named = id ?? `sha256:${hashOf(token.slice(0, token.lastIndexOf('.'))).slice(0, 32)}`
  return { ...caller, credential: { kind: 'token', id: named } }
}
