import type { JWTPayload } from 'jose'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Caller, Clock, Role, Tokens } from '../../machines/domain/ports.js'

const roles: readonly string[] = ['viewer', 'operator', 'admin'] satisfies Role[]
const isRole = (value: unknown): value is Role => typeof value === 'string' && roles.includes(value)

/** No token of ours comes near it; saves hashing whatever a stranger sends. */
const longest = 8192
/** The last instant that a Date can hold. */
const endOfTime = 8.64e15

/** JWTs signed with HS256: `user_id`, `role`, `iat`, `exp`. `secret` has at least 32 bytes. */
export function createTokens({ secret, clock }: { secret: Uint8Array; clock: Clock }): Tokens {
  if (secret.length < 32) throw new Error('the key of the tokens needs at least 32 bytes')
  const seconds = () => Math.floor(clock.now() / 1000)
  return {
    async issue({ user, role, expiresIn }) {
      if (!isUser(user)) throw new Error('a token needs a user of 1 to 256 characters')
      if (!isRole(role)) throw new Error(`a token needs a role: ${roles.join(', ')}`)
      if (!(expiresIn >= 1000 && clock.now() + expiresIn <= endOfTime)) throw new Error('a token needs a life of at least a second')
      const { SignJWT } = await jose()
      const now = seconds()
      return new SignJWT({ user_id: user, role })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(expiresIn / 1000))
        .sign(secret)
    },
    async verify(token) {
      if (!token) throw refusal('auth_required')
      // Callers hand on what clients sent, whatever its type.
      if (typeof token !== 'string' || token.length > longest) throw refusal('auth_failed')
      const { jwtVerify, errors } = await jose()
      const verified = await jwtVerify(token, secret, { algorithms: ['HS256'], currentDate: new Date(clock.now()) }).catch((error: unknown) => {
        throw refusal(error instanceof errors.JWTExpired && error.claim === 'exp' ? 'token_expired' : 'auth_failed')
      })
      return callerOf(verified.payload)
    },
  }
}

/** Loaded with the first token: a service that waits for its first client need not hold it. */
const jose = () => import('jose')

const isUser = (value: unknown): value is string => typeof value === 'string' && value.length >= 1 && value.length <= 256

function callerOf({ user_id: user, role, iat, exp }: JWTPayload): Caller {
  if (!isUser(user) || !isRole(role) || !isTime(iat) || !isTime(exp)) throw refusal('auth_failed')
  return { user, role, expiresAt: exp * 1000 }
}

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value * 1000 <= endOfTime

const refusal = (reason: 'auth_required' | 'auth_failed' | 'token_expired') =>
  new ServiceError('authFailed', { reason }, `Authentication failed or token expired (${reason})`)
