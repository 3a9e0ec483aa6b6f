import Type from 'typebox'
import type { Caller } from '../../machines/domain/access.js'
import { authFailed, rateLimited, ServiceError } from '../../machines/domain/errors.js'
import { tooManyFailures } from '../dispatcher.js'
import { type Call, method } from '../method.js'
import { iso } from '../present.js'
import { None, Role, Time } from '../schemas.js'

const permissions: Record<Role, ('view' | 'control' | 'admin')[]> = {
  viewer: ['view'],
  operator: ['view', 'control'],
  admin: ['view', 'control', 'admin'],
}

/** The last instant that the wire's format of times can tell: of what never expires by itself. */
const endOfTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Wrong credentials slow an address; one that has expired or was revoked was no guess. */
const guessed = ({ session: { address }, services: { rateLimits, metrics } }: Call): ServiceError | undefined => {
  const wait = rateLimits.pause(address)
  metrics.refused(wait > 0 ? 'rate' : 'authentication')
  if (wait > 0) return rateLimited(wait, tooManyFailures)
  rateLimits.failed(address)
  return undefined
}

const verified = async (text: string, call: Call): Promise<Caller> => {
  const { credentials, metrics } = call.services
  try {
    const caller = await credentials.verify(text)
    // It may have been revoked while it was looked at.
    if (caller.credential !== undefined && credentials.isRevoked(caller.credential)) throw authFailed('revoked')
    return caller
  } catch (error) {
    if (!(error instanceof ServiceError) || error.key !== 'authFailed') throw error
    if (error.data.reason === 'auth_failed') throw guessed(call) ?? error
    metrics.refused('authentication')
    throw error
  }
}

const identify = async (text: string, call: Call) => {
  const { session, services } = call
  const caller = await verified(text, call)
  services.sessions.admit(session, caller)
  return {
    authenticated: true as const,
    role: caller.role,
    permissions: permissions[caller.role],
    expires_at: iso(Math.min(caller.expiresAt, endOfTime)),
    session_id: session.id,
  }
}

export const sessionMethods = [
  method({
    name: 'ping',
    summary: 'Answers "pong".',
    role: 'none',
    since: '1.0',
    params: None,
    result: Type.Literal('pong'),
    handler: () => 'pong' as const,
  }),
  method({
    name: 'authenticate',
    summary: 'Says by a token or an API key who speaks on this connection; a refused one changes nothing.',
    role: 'none',
    cost: 5,
    audited: true,
    since: '1.0',
    malformed: 'authRequired',
    params: Type.Object({ auth_token: Type.String({ minLength: 1, description: 'JWT or API key' }) }),
    result: Type.Object({
      authenticated: Type.Literal(true),
      role: Role,
      permissions: Type.Array(Type.Enum(['view', 'control', 'admin'])),
      expires_at: Time,
      session_id: Type.String(),
    }),
    handler: async ({ auth_token }, call) => {
      const { session, services } = call
      const answer = identify(auth_token, call)
      const settled = answer.then(
        () => {},
        (error) => {
          const reason = error instanceof ServiceError ? error.data.reason : undefined
          if (reason === tooManyFailures) return
          services.log.warn('an authentication was refused', {
            address: session.address,
            session: session.id,
            reason: reason ?? 'auth_failed',
          })
        },
      )
      session.authenticating = settled
      try {
        return await answer
      } finally {
        if (session.authenticating === settled) session.authenticating = undefined
      }
    },
  }),
]
