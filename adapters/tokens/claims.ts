import type { JWTPayload } from 'jose'
import {
  type Caller,
  isCameraList,
  isName,
  isRole,
  limitOf,
  longestName,
  neverExpires,
  type Role,
  roles,
} from '../../machines/domain/access.js'

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value * 1000 <= neverExpires

/**
 * The claims of a token whose signature, issuer, audience, `nbf` and `exp` are valid. `validFrom` in ms, less the
 * tolerance.
 */
export interface Statement {
  caller: Omit<Caller, 'credential'>
  id?: string
  validFrom: number
}

/** All in ms. */
export interface Clocks {
  now: number
  /** By how much other clocks may differ. */
  tolerance: number
  /** How far `iat` may be in the future. */
  ahead: number
}

/** The names of the claims with the caller's rights: `sub`, or a path such as `realm_access.roles`. */
export interface ClaimNames {
  user: string
  role: string
  cameras: string
}

/** The names in the service's own tokens. */
export const ownClaims: ClaimNames = { user: 'user_id', role: 'role', cameras: 'cameras' }

/**
 * A claim of a token with a valid signature is missing or wrong. The message is safe for the holder of the token;
 * `found` and `user` are for the log.
 */
export class RefusedClaim extends Error {
  constructor(
    readonly claim: string,
    problem: string,
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(problem)
  }
}

/** A token is valid, but issued too far in the future: the clocks of its issuer and of this host disagree. */
export class IssuedAhead extends RefusedClaim {
  constructor(
    readonly user: string,
    readonly seconds: number,
  ) {
    super('iat', `the token was issued ${seconds} s in the future: the clocks of its issuer and of the service differ`)
  }
}

/** The value of a claim: of this name, which may hold dots (`https://example.org/role`), else along the path. */
export function claimIn(payload: object, name: string): unknown {
  const own = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined
  return Object.hasOwn(payload, name) ? own(payload, name) : name.split('.').reduce<unknown>(own, payload)
}

/** The role, or the highest one of a list under a mapped name. Lists of other issuers hold other words as well. */
function roleIn(value: unknown, name: string): Role | undefined {
  if (isRole(value)) return value
  if (name === ownClaims.role || !Array.isArray(value)) return undefined
  return roles.findLast((role) => value.includes(role))
}

const missing = (claim: string) => new RefusedClaim(claim, `the token has no claim ${claim}`)

/** Throws `RefusedClaim` when a claim is missing or malformed; nothing is assumed in its place. */
export function statementOf(
  payload: JWTPayload,
  { now, tolerance, ahead }: Clocks,
  names: ClaimNames = ownClaims,
): Statement {
  const { iat, exp, nbf, jti } = payload
  const user = claimIn(payload, names.user)
  const given = claimIn(payload, names.role)
  const cameras = claimIn(payload, names.cameras)
  const wrong = (claim: string, value: unknown, rule: string): RefusedClaim =>
    value === undefined
      ? missing(claim)
      : new RefusedClaim(claim, `the claim ${claim} of the token must be ${rule}`, {
          found: JSON.stringify(value)?.slice(0, 200),
          ...(isName(user) && { user }),
        })
  if (!isName(user)) throw wrong(names.user, user, `text of 1 to ${longestName} characters without control characters`)
  const role = roleIn(given, names.role)
  if (role === undefined) throw wrong(names.role, given, `one of ${roles.join(', ')}`)
  if (!isTime(iat)) throw wrong('iat', iat, 'a time in seconds since 1970')
  if (!isTime(exp)) throw wrong('exp', exp, 'a time in seconds since 1970')
  if (jti !== undefined && !isName(jti)) throw wrong('jti', jti, `text of 1 to ${longestName} characters`)
  if (cameras !== undefined && !isCameraList(cameras))
    throw wrong(names.cameras, cameras, 'a list of camera ids such as camera0 or camera1*')
  // Whole seconds: an issuer that rounds up is not in the future.
  if (iat * 1000 > Math.ceil(now / 1000) * 1000 + ahead) throw new IssuedAhead(user, Math.round(iat - now / 1000))
  return {
    caller: { user, role, expiresAt: exp * 1000 + tolerance, ...limitOf(cameras) },
    ...(jti === undefined ? {} : { id: jti }),
    validFrom: Math.max((iat - 1) * 1000 - ahead, (nbf ?? 0) * 1000 - tolerance),
  }
}
