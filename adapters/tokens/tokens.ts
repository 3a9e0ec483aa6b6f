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
import { authFailed, type ServiceError } from '../../machines/domain/errors.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import {
  type ClaimNames,
  claimIn,
  IssuedAhead,
  ownClaims,
  RefusedClaim,
  type Statement,
  statementOf,
} from './claims.js'
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
  /** The names of the claims in the tokens of others. Ours always have `user_id`, `role` and `cameras`. */
  claims?: ClaimNames
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
  claims = ownClaims,
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
    if (header === undefined)
      throw refusal(new RefusedKey('it is neither a token (three parts with dots) nor an API key'))
    const isOwn = header.algorithm === 'HS256'
    // The secret verifies HS256 alone, and public keys never do: a token cannot choose how it is verified.
    const keys = isOwn ? [own] : await trusted.find(header, { offline })
    if (keys.length === 0)
      throw refusal(new RefusedKey(`no key of the service is for ${shownAlgorithm(header)} tokens`))
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
        // A secret is shared with programs that write our claims; other issuers let their users choose such names.
        const isOurs = isOwn && claimIn(payload, ownClaims.user) !== undefined
        return { statement: statementOf(payload, { now, tolerance, ahead }, isOurs ? ownClaims : claims), isOwn }
      } catch (error) {
        // TypeError: the key is too weak for jose.
        if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError) continue
        if (error instanceof errors.JWTExpired && error.claim === 'exp') throw authFailed('token_expired')
        if (error instanceof errors.JWTClaimValidationFailed) throw refusal(claimOf(error))
        throw refusal(error instanceof RefusedClaim ? error : undefined)
      }
    }
    throw refusal(new RefusedKey('its signature was not made with a key of the service'))
  }

  /** The words of a claim that jose refused. The log also gets what is configured. */
  const claimOf = ({ claim, reason, payload }: { claim: string; reason: string; payload: object }): RefusedClaim => {
    const found = claimIn(payload, claim)
    const user = [ownClaims.user, claims.user].map((name) => claimIn(payload, name)).find(isName)
    const more = {
      ...(user !== undefined && { user }),
      ...(found !== undefined && { found: JSON.stringify(found).slice(0, 200) }),
      ...(claim === 'aud' && { expected: audience }),
      ...(claim === 'iss' && { expected: issuer }),
    }
    if (reason === 'missing' || found === undefined)
      return new RefusedClaim(claim, `the token has no claim ${claim}`, more)
    if (claim === 'nbf') return new RefusedClaim(claim, 'the token is not valid yet (nbf): check the clocks', more)
    return new RefusedClaim(claim, `the claim ${claim} of the token is not the one that the service accepts`, more)
  }

  /**
   * The error for the client. Otherwise nobody could see why a token with a valid signature is refused. Claims are
   * only named after the signature was verified.
   */
  const refusal = (cause: RefusedClaim | RefusedKey | undefined): ServiceError => {
    if (cause instanceof IssuedAhead) warnOfClocks(cause)
    else if (cause instanceof RefusedClaim)
      log?.warn('a token was refused because of a claim', { claim: cause.claim, problem: cause.message, ...cause.more })
    else if (cause instanceof RefusedKey) log?.warn('a token was refused', { problem: cause.message })
    return authFailed('auth_failed', cause instanceof RefusedClaim ? cause.message : undefined)
  }

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

/** No key fits a token. The words are for the log alone. */
class RefusedKey extends Error {}

/** The algorithm, if it is one: a token is not trusted yet, and must not write into the log. */
const shownAlgorithm = ({ algorithm }: KeyHeader) => (/^[A-Za-z0-9]{2,10}$/.test(algorithm) ? algorithm : 'such')

function headerOf(decode: () => { alg?: string; kid?: unknown }): KeyHeader | undefined {
  const { alg, kid } = attempt(decode) ?? {}
  if (typeof alg === 'string' && kid === undefined) return { algorithm: alg }
  return typeof alg === 'string' && isKid(kid) ? { algorithm: alg, kid } : undefined
}

/** A token without `jti` is named by a hash of what was signed: a signature can be written in several ways. */
function callerOf({ caller, id }: Statement, token: string): Caller {
  const named = id ?? `sha256:${hashOf(token.slice(0, token.lastIndexOf('.'))).slice(0, 32)}`
  return { ...caller, credential: { kind: 'token', id: named } }
}
