import type { JWTPayload } from 'jose'
import { type Caller, isCameraPattern, isRole, limitOf, neverExpires } from '../../machines/domain/access.js'
import { refusal } from './refusal.js'

/** More cameras than any service has. */
const mostCameras = 256

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= longest && !/\p{Cc}/u.test(value)

export const isUser = (value: unknown): value is string => isText(value, 256)
export const isTokenId = (value: unknown): value is string => isText(value, 256)

export const isCameraList = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length <= mostCameras &&
  value.every((each) => typeof each === 'string' && isCameraPattern(each))

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value * 1000 <= neverExpires

/** What a token says whose signature, issuer, audience, `nbf` and `exp` are good. `validFrom` in ms, the tolerance counted in. */
export interface Statement {
  caller: Omit<Caller, 'credential'>
  id?: string
  validFrom: number
}

/** Throws `authFailed` when a claim is missing or malformed: nothing is ever assumed in its place. */
export function statementOf(payload: JWTPayload, { now, tolerance }: { now: number; tolerance: number }): Statement {
  const { user_id: user, role, iat, exp, nbf, jti, cameras } = payload
  if (!isUser(user) || !isRole(role) || !isTime(iat) || !isTime(exp)) throw refusal('auth_failed')
  if (jti !== undefined && !isTokenId(jti)) throw refusal('auth_failed')
  if (cameras !== undefined && !isCameraList(cameras)) throw refusal('auth_failed')
  // Whole seconds: an issuer that rounds up is not from the future.
  if (iat * 1000 > Math.ceil(now / 1000) * 1000 + tolerance) throw refusal('auth_failed')
  return {
    caller: { user, role, expiresAt: exp * 1000 + tolerance, ...limitOf(cameras) },
    ...(jti === undefined ? {} : { id: jti }),
    validFrom: Math.max(iat - 1, nbf ?? 0) * 1000 - tolerance,
  }
}
