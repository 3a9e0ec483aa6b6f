import type { JWTPayload } from 'jose'
import { type Caller, isCameraList, isName, isRole, limitOf, neverExpires } from '../../machines/domain/access.js'
import { authFailed } from '../../machines/domain/errors.js'

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

/** A token is valid, but issued too far in the future: the clocks of its issuer and of this host disagree. */
export class IssuedAhead extends Error {
  constructor(
    readonly user: string,
    readonly seconds: number,
  ) {
    super('the token was issued in the future')
  }
}

/** Throws `authFailed` when a claim is missing or malformed; nothing is assumed in its place. Throws `IssuedAhead`. */
export function statementOf(payload: JWTPayload, { now, tolerance, ahead }: Clocks): Statement {
  const { user_id: user, role, iat, exp, nbf, jti, cameras } = payload
  if (!isName(user) || !isRole(role) || !isTime(iat) || !isTime(exp)) throw authFailed('auth_failed')
  if (jti !== undefined && !isName(jti)) throw authFailed('auth_failed')
  if (cameras !== undefined && !isCameraList(cameras)) throw authFailed('auth_failed')
  // Whole seconds: an issuer that rounds up is not in the future.
  if (iat * 1000 > Math.ceil(now / 1000) * 1000 + ahead) throw new IssuedAhead(user, Math.round(iat - now / 1000))
  return {
    caller: { user, role, expiresAt: exp * 1000 + tolerance, ...limitOf(cameras) },
    ...(jti === undefined ? {} : { id: jti }),
    validFrom: Math.max((iat - 1) * 1000 - ahead, (nbf ?? 0) * 1000 - tolerance),
  }
}
