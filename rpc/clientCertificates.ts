import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Caller, type Credentials, isCameraPattern, limitOf } from '../machines/domain/access.js'
import type { WallClock } from '../machines/domain/ports.js'

/** A client that is known by its certificate. */
export interface CertifiedClient extends Pick<Caller, 'user' | 'role' | 'cameras'> {
  /** The SHA-256 fingerprint as Node writes it (`AB:CD:…`), which takes precedence, or the common name. */
  subject: string
}

/** Returns the caller of a connection if an authority of ours has signed its certificate and the list contains it. */
export type CertificateCallerOf = (socket: Duplex) => Caller | undefined

/**
 * The caller's right ends with the certificate. A connection may outlive both: its user checks `expiresAt` and the
 * revocation, as for a token.
 */
export const createClientCertificates = (clients: readonly CertifiedClient[]): CertificateCallerOf => {
  const isFingerprint = ({ subject }: CertifiedClient) => /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/.test(subject)
  const bySubject = (list: readonly CertifiedClient[]) => new Map(list.map((client) => [client.subject, client]))
  // Two maps: a certificate must not pass for another by a common name that looks like its fingerprint.
  const byFingerprint = bySubject(clients.filter(isFingerprint))
  const byName = bySubject(clients.filter((client) => !isFingerprint(client)))
  for (const { subject, cameras } of clients) {
    if (cameras?.every(isCameraPattern) === false)
      throw new Error(`server.tls.clients: the cameras of ${subject} must be ids or patterns`)
  }
  return (socket) => {
    // Without `authorized`, the result of the handshake, the certificate may be anybody's.
    if (clients.length === 0 || !(socket instanceof TLSSocket) || !socket.authorized) return undefined
    const { subject, fingerprint256, valid_to } = socket.getPeerCertificate()
    // Node returns a list for a subject with two common names. It matches nobody.
    const name: unknown = subject?.CN
    const client = byFingerprint.get(fingerprint256) ?? (typeof name === 'string' ? byName.get(name) : undefined)
    const expiresAt = Date.parse(valid_to)
    if (client === undefined || Number.isNaN(expiresAt)) return undefined
    const { user, role, cameras } = client
    return { user, role, expiresAt, credential: { kind: 'certificate', id: fingerprint256 }, ...limitOf(cameras) }
  }
}

/** Why the right of a certificate has ended, if it has: a connection may outlive it. */
export const lapseOf = (
  { expiresAt, credential }: Caller,
  { clock, credentials }: { clock: WallClock; credentials: Pick<Credentials, 'isRevoked'> },
): 'token_expired' | 'revoked' | undefined => {
  if (expiresAt <= clock.now()) return 'token_expired'
  return credential !== undefined && credentials.isRevoked(credential) ? 'revoked' : undefined
}
