import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Credential, Grant, Links } from '../../machines/domain/access.js'
import { authFailed } from '../../machines/domain/errors.js'
import type { Clock } from '../../machines/domain/ports.js'

export interface LinksOptions {
  /** What `keptSecret(secrets, 'link_secret')` gives. */
  secret: Uint8Array
  clock: Clock
  isRevoked(credential: Credential): boolean
}

/** Room for the longest file, user and token id there may be; nothing longer is looked at. */
const longest = 6144
const kinds = ['token', 'key', 'certificate'] as const satisfies readonly Credential['kind'][]

/**
 * Signed URLs. A signature holds its own grant, `base64url(payload).base64url(HMAC-SHA256)`, so that it is one parameter
 * of a query, whatever a player adds to the query or how it orders it.
 */
export function createLinks({ secret, clock, isRevoked }: LinksOptions): Links {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'camera-service links 1', 32))
  const seal = (payload: string) => createHmac('sha256', key).update(payload).digest('base64url')
  return {
    sign(grant) {
      const payload = Buffer.from(JSON.stringify(packed(grant))).toString('base64url')
      const sig = `${payload}.${seal(payload)}`
      if (sig.length > longest) throw new Error('a grant is too long for a link')
      return sig
    },
    verify(sig, { subject, address }) {
      if (typeof sig !== 'string' || sig.length > longest) throw authFailed('auth_failed')
      const [payload = '', given = '', ...more] = sig.split('.')
      const expected = Buffer.from(seal(payload))
      // As text, so that a signature can be written in one way only.
      const shown = Buffer.from(given)
      if (more.length > 0 || shown.length !== expected.length || !timingSafeEqual(shown, expected))
        throw authFailed('auth_failed')
      const grant = unpacked(payload)
      if (grant.subject !== subject || (grant.address ?? address) !== address) throw authFailed('auth_failed')
      if (grant.expiresAt <= clock.now()) throw authFailed('token_expired')
      if (grant.credential !== undefined && isRevoked(grant.credential)) throw authFailed('revoked')
      return grant
    },
  }
}

/** Whole seconds, rounded down: no link outlives its grant. */
const packed = ({ subject, user, expiresAt, credential, address }: Grant) => [
  subject,
  user,
  Math.floor(expiresAt / 1000),
  ...(credential === undefined && address === undefined
    ? []
    : [credential ? [kinds.indexOf(credential.kind), credential.id] : 0]),
  ...(address === undefined ? [] : [address]),
]

/** Of what we have sealed ourselves, so it has our shape. */
function unpacked(payload: string): Grant {
  const [subject, user, expiry, credential, address] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [
    string,
    string,
    number,
    ([number, string] | 0)?,
    string?,
  ]
  const kind = credential ? kinds[credential[0]] : undefined
  if (credential && kind === undefined) throw authFailed('auth_failed')
  return {
    subject,
    user,
    expiresAt: expiry * 1000,
    ...(credential && kind !== undefined && { credential: { kind, id: credential[1] } }),
    ...(address !== undefined && { address }),
  }
}
