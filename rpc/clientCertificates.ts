import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Caller, isCameraPattern, limitOf, type Role } from '../machines/domain/access.js'

/** Who somebody is by a certificate. */
export interface CertifiedClient {
  /** Its common name, or its SHA-256 fingerprint as Node writes it (`AB:CD:…`), which comes first. */
  subject: string
  user: string
  role: Role
  cameras?: readonly string[]
}

/** Of a connection's certificate, once one of the configured authorities has signed it and it is one of ours. */
export type CertificateCallerOf = (socket: Duplex) => Caller | undefined

/**
 * The caller's right ends with the certificate: like that of a token, `expiresAt` and revocation are looked at by who
 * uses it, since a connection outlives both.
 */
export const createClientCertificates = (clients: readonly CertifiedClient[]): CertificateCallerOf => {
  const isPrint = ({ subject }: CertifiedClient) => /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/.test(subject)
  // Two lists: a certificate whose name is written like the fingerprint of another is not that other.
  const prints = new Map(clients.filter(isPrint).map((client) => [client.subject, client]))
  const names = new Map(clients.filter((client) => !isPrint(client)).map((client) => [client.subject, client]))
  for (const { subject, cameras } of clients) {
    if (cameras?.every(isCameraPattern) === false)
      throw new Error(`server.tls.clients: the cameras of ${subject} are no ids or patterns`)
  }
  return (socket) => {
    // `authorized` is what the handshake found; without it anybody may have written the certificate.
    if (clients.length === 0 || !(socket instanceof TLSSocket) || !socket.authorized) return undefined
    const { subject, fingerprint256, valid_to } = socket.getPeerCertificate()
    const name: unknown = subject?.CN
    // A subject with two common names gives a list: which of them is meant is anybody's guess.
    const client = prints.get(fingerprint256) ?? (typeof name === 'string' ? names.get(name) : undefined)
    const expiresAt = Date.parse(valid_to)
    if (client === undefined || Number.isNaN(expiresAt)) return undefined
    const { user, role, cameras } = client
    return { user, role, expiresAt, credential: { kind: 'certificate', id: fingerprint256 }, ...limitOf(cameras) }
  }
}
