import Type from 'typebox'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Role } from '../../machines/domain/ports.js'
import { type Call, method } from '../method.js'
import { iso } from '../present.js'
import { None, Time } from '../schemas.js'

const permissions: Record<Role, ('view' | 'control' | 'admin')[]> = {
  viewer: ['view'],
  operator: ['view', 'control'],
  admin: ['view', 'control', 'admin'],
}

const identify = async (token: string, { session, services: { tokens } }: Call) => {
  const caller = await tokens.verify(token)
  session.caller = caller
  return {
    authenticated: true as const,
    role: caller.role,
    permissions: permissions[caller.role],
    expires_at: iso(caller.expiresAt),
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
    summary: 'Says by a token who speaks on this connection; a refused token changes nothing.',
    role: 'none',
    cost: 5,
    audited: true,
    since: '1.0',
    malformed: 'authRequired',
    params: Type.Object({ auth_token: Type.String({ minLength: 1, description: 'JWT' }) }),
    result: Type.Object({
      authenticated: Type.Literal(true),
      role: Type.Enum(['viewer', 'operator', 'admin']),
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
          services.log.warn('an authentication was refused', { address: session.address, session: session.id, reason: reason ?? 'auth_failed' })
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
