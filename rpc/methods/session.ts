import * as Type from 'typebox'
import type { Caller } from '../../machines/domain/access.js'
import { authFailed, ServiceError } from '../../machines/domain/errors.js'
import { type Call, method } from '../method.js'
import { iso } from '../present.js'
import { refusalOfGuess } from '../rateLimits.js'
import { None, Role, Time } from '../schemas.js'

const permissions: Record<Role, ('view' | 'control' | 'admin')[]> = {
  viewer: ['view'],
  operator: ['view', 'control'],
  admin: ['view', 'control', 'admin'],
}

/** The last time that the wire's format can express, for credentials that never expire. */
const endOfTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const verified = async (text: string, call: Call): Promise<Caller> => {
  const { credentials, metrics } = call.services
  try {
    const caller = await credentials.verify(text)
    // It may have been revoked during the check.
    if (caller.credential !== undefined && credentials.isRevoked(caller.credential)) throw authFailed('revoked')
    return caller
  } catch (error) {
    if (!(error instanceof ServiceError) || error.key !== 'authFailed') throw error
    if (error.data.reason === 'auth_failed') throw refusalOfGuess(call.services, call.session.address, error)
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

const ping = method({
  name: 'ping',
  summary: 'Returns "pong".',
  role: 'none',
  params: None,
  result: Type.Literal('pong'),
  handler: () => 'pong' as const,
})

const authenticate = method({
  name: 'authenticate',
  summary: 'Authenticates this connection with a token or an API key. If it fails, the previous identity stays.',
  role: 'none',
  cost: 5,
  audit: { event: 'authentication' },
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
    const { session } = call
    const outcome = identify(auth_token, call)
    const settled = Promise.allSettled([outcome])
    session.authenticating = settled
    try {
      return await outcome
    } finally {
      // A later request to authenticate may have replaced it.
      if (session.authenticating === settled) session.authenticating = undefined
    }
  },
})

const redeemSignIn = method({
  name: 'redeem_sign_in',
  summary: 'Exchanges the code of a one-time sign-in link for a short-lived token. A code works once.',
  role: 'none',
  cost: 5,
  since: '1.1',
  audit: { event: 'authentication' },
  errors: ['authFailed'],
  params: Type.Object({
    code: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'From the link that `serve --guide` prints; it is valid for ten minutes',
    }),
  }),
  result: Type.Object({ token: Type.String(), role: Role, expires_at: Time }),
  handler: async ({ code }, { services, session }) => {
    const redeemed = await services.signIn?.redeem(code)
    if (redeemed === undefined) throw refusalOfGuess(services, session.address, authFailed('sign_in_code_invalid'))
    const { token, role, expiresAt } = redeemed
    return { token, role, expires_at: iso(expiresAt) }
  },
})

export const sessionMethods = [ping, authenticate, redeemSignIn]
