import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { type Credential, credentialKinds, type Grant, type Links } from '../../machines/domain/access.js'
import { authFailed } from '../../machines/domain/errors.js'
import type { WallClock } from '../../machines/domain/ports.js'

export interface LinksOptions {
  /** The result of `keptSecret(secrets, 'link_secret')`. */
  secret: Uint8Array
  clock: WallClock
  isRevoked(credential: Credential): boolean
}

/** Enough for the longest file name, user and token id. Longer signatures are refused. */
const longest = 6144

/**
 * Signed URLs. A signature contains its grant, as `base64url(payload).base64url(HMAC-SHA256)`. It is a single query
 * parameter, so players may add and reorder the others.
 */
export function createLinks({ secret, clock, isRevoked }: LinksOptions): Links {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'camera-service links 1', 32))
  const seal = (payload: string) => createHmac('sha256', key).update(payload).digest('base64url')
  return {
    sign(grant) {
      const payload = Buffer.from(JSON.stringify(packed(grant))).toString('base64url')
      const sig = `${payload}.${seal(payload)}`
      if (sig.length > longest) throw new Error('the grant is too long for a signed URL')
      return sig
    },
    verify(sig, { subject, address }) {
      if (typeof sig !== 'string' || sig.length > longest) throw authFailed('auth_failed')
      const [payload = '', given = '', ...more] = sig.split('.')
      const expected = Buffer.from(seal(payload))
      // Compared as text: base64url could write the same bytes in several ways.
      const actual = Buffer.from(given)
      if (more.length > 0 || actual.length !== expected.length || !timingSafeEqual(actual, expected))
        throw authFailed('auth_failed')
      const grant = unpacked(payload)
      if (grant.subject !== subject || (grant.address ?? address) !== address) throw authFailed('auth_failed')
      if (grant.expiresAt <= clock.now()) throw authFailed('token_expired')
      if (grant.credential !== undefined && isRevoked(grant.credential)) throw authFailed('revoked')
      return grant
    },
  }
}

/** Rounds down to whole seconds, so that no signature is valid longer than its grant. */
const packed = ({ subject, user, expiresAt, credential, address }: Grant) => [
  subject,
  user,
  Math.floor(expiresAt / 1000),
  ...(credential === undefined && address === undefined
    ? []
    : [credential ? [credentialKinds.indexOf(credential.kind), credential.id] : 0]),
  ...(address === undefined ? [] : [address]),
]

/** The payload has a valid signature, so its shape is ours. */
function unpacked(payload: string): Grant {
  const [subject, user, expiry, credential, address] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [
    string,
    string,
    number,
    ([number, string] | 0)?,
    string?,
  ]
  const kind = credential ? credentialKinds[credential[0]] : undefined
  if (credential && kind === undefined) throw authFailed('auth_failed')
  return {
    subject,
    user,
    expiresAt: expiry * 1000,
    ...(credential && kind !== undefined && { credential: { kind, id: credential[1] } }),
    ...(address !== undefined && { address }),
  }
}
