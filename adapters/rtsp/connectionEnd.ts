/** How connections to cameras end, in words that say what to check. They contain no address and no credentials. */
import type { TLSSocket } from 'node:tls'
import { type Evidence, Failure } from '../../machines/domain/reason.js'

/** How a connection to a source can end, as reason codes. */
type End = 'unreachable' | 'certificate_untrusted' | 'source_closed' | 'not_rtsp' | 'timed_out'

/** The connection has ended; `code` says how. */
export class ConnectionError extends Failure {
  constructor(
    override readonly code: End,
    details: string | undefined = code === 'timed_out' ? 'the camera did not answer in time' : undefined,
    evidence?: Evidence,
  ) {
    super(code, details, evidence)
  }
}

/** The peer closed the connection. `answered`: it had sent something in RTSP. */
export const closedBy = (answered: boolean): ConnectionError =>
  new ConnectionError(
    'source_closed',
    answered
      ? undefined
      : 'the camera closed the connection without an answer: check the port of its URL, and whether it expects TLS ' +
          '(rtsps)',
  )

/** What is wrong, by the code of the error of a connection that was not made. */
const unconnected: Readonly<Record<string, (port: number) => string>> = {
  ECONNREFUSED: (port) =>
    `the connection was refused, because no program listens on port ${port} of the camera: check the port and the ` +
    'address of its URL',
  EHOSTUNREACH: () => noRoute,
  ENETUNREACH: () => noRoute,
  ETIMEDOUT: () => 'the camera does not answer: check its power, its network and the address of its URL',
}

const noRoute = 'there is no route to the camera: check its power, the network and the address of its URL'
const nameless = 'the name of the camera cannot be resolved to an address'

/** The end of a connection by an error of the socket. */
export function errorOf(
  { code = '', syscall }: NodeJS.ErrnoException,
  { connected, port }: { connected: boolean; port: number },
): ConnectionError {
  if (!connected) {
    const details = syscall === 'getaddrinfo' ? nameless : unconnected[code]?.(port)
    return new ConnectionError('unreachable', details, code === '' ? undefined : { errno: code })
  }
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) return new ConnectionError('certificate_untrusted')
  return /^EPROTO$|SSL|TLS/.test(code)
    ? new ConnectionError('not_rtsp', `port ${port} of the camera does not speak TLS: use rtsp:// instead of rtsps://`)
    : new ConnectionError('source_closed')
}

/** What a peer is that does not speak RTSP, by its first bytes. */
export function strangerOf(bytes: Uint8Array, port: number): string {
  const isHttp = Buffer.from(bytes.subarray(0, 5)).toString('latin1') === 'HTTP/'
  const advice = 'check the port of its URL, which is 554 for most cameras'
  return `port ${port} of the camera answers ${isHttp ? 'in HTTP, not in RTSP' : 'not in RTSP'}: ${advice}`
}

/** Returns why the certificate of the peer is not trusted, with its fingerprint. */
export function certificateRefusal(tls: TLSSocket, wanted: string | undefined): ConnectionError | undefined {
  const seen = tls.getPeerCertificate().fingerprint256?.replaceAll(':', '').toLowerCase()
  if (wanted === undefined ? tls.authorized : seen === wanted) return undefined
  const which = seen === undefined ? 'it sends none' : `its SHA-256 fingerprint is ${seen}`
  const advice =
    wanted === undefined
      ? 'compare it with the camera, then set `fingerprint` in its entry'
      : '`fingerprint` in its entry is another one'
  return new ConnectionError(
    'certificate_untrusted',
    `the certificate of the camera is not trusted: ${which}; ${advice}`,
  )
}
