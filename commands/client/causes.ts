import { reasonOf } from '../../machines/domain/errors.js'

/** Why a connection was not made, and what to do; each completes a sentence. */
export interface Cause {
  what: string
  todo: string
}

interface Place {
  host: string
  port: string
  isSecure: boolean
}

const untrusted = (): Cause => ({
  what: 'its TLS certificate is not trusted on this host',
  todo: 'name the certificate of its issuer as ca_file in a profile (docs/commands.md), or install it on this host',
})
const noRoute = ({ host }: Place): Cause => ({
  what: `there is no route to ${host}`,
  todo: 'check the address and the network of this host',
})
const closed = ({ isSecure }: Place): Cause => ({
  what: 'the connection was closed at once',
  todo: isSecure ? 'check that the service listens there' : 'a service with TLS needs an address with wss://',
})
const noTls = (): Cause => ({
  what: 'the program there does not speak TLS',
  todo: 'use an address with ws://, or set server.tls in the service',
})
const late = ({ host }: Place): Cause => ({
  what: `${host} did not answer in time`,
  todo: 'check the address, and that no firewall drops the connection',
})

/** By the code of the error. */
const causes: Readonly<Record<string, (place: Place) => Cause>> = {
  ECONNREFUSED: ({ port }) => ({
    what: `the connection was refused, because no program listens on port ${port}`,
    todo: 'start the service (systemctl start camera-service), or correct the address',
  }),
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  EHOSTDOWN: noRoute,
  ENETDOWN: noRoute,
  EADDRNOTAVAIL: noRoute,
  ENOTFOUND: ({ host }) => ({
    what: `the name ${host} was not found (DNS)`,
    todo: 'correct the name, or use the IP address',
  }),
  EAI_AGAIN: ({ host }) => ({
    what: `the name ${host} could not be looked up, because no DNS server answers`,
    todo: 'check the network of this host, or use the IP address',
  }),
  EACCES: () => ({ what: 'this host forbids the connection', todo: 'check its firewall' }),
  EPERM: () => ({ what: 'this host forbids the connection', todo: 'check its firewall' }),
  ETIMEDOUT: late,
  ECONNRESET: closed,
  EPIPE: closed,
  CERT_HAS_EXPIRED: () => ({
    what: 'its TLS certificate has expired',
    todo: 'renew the certificate of the service, and check the clock of this host',
  }),
  CERT_NOT_YET_VALID: () => ({ what: 'its TLS certificate is not valid yet', todo: 'check the clocks of both hosts' }),
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }) => ({
    what: `its TLS certificate is not for ${host}`,
    todo: 'use a name of the certificate in the address',
  }),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
}

/** By the status of a reply that is no WebSocket. */
const replies: Readonly<Record<string, Cause>> = {
  401: { what: 'it demands another credential (HTTP 401)', todo: 'check the proxy before the service' },
  403: {
    what: 'it does not accept connections from this host (HTTP 403)',
    todo: 'add the address of this host to server.allowed_ips of the service',
  },
  404: {
    what: 'there is no service at this path (HTTP 404)',
    todo: 'correct the path: it is server.websocket_path, /ws by default',
  },
  429: { what: 'it receives too many requests (HTTP 429)', todo: 'try again later' },
  502: { what: 'the proxy does not reach the service (HTTP 502)', todo: 'check that the service runs' },
  503: { what: 'it accepts no more connections now (HTTP 503)', todo: 'try again later' },
}

/** The cause of an error of a connection to `url`. */
export function causeOf(error: unknown, url: string): Cause {
  const { hostname, port, protocol } = new URL(url)
  const isSecure = /^(wss|https):$/.test(protocol)
  const place = { host: hostname, port: port || (isSecure ? '443' : '80'), isSecure }
  for (const each of withCauses(error)) {
    const { code = '', name = '', message = '' } = Object(each) as { code?: unknown; name?: string; message?: string }
    const known = Object.hasOwn(causes, String(code)) ? causes[String(code)] : undefined
    if (known !== undefined) return known(place)
    const [, status] = /Unexpected server response: (\d+)/.exec(message) ?? []
    if (status !== undefined)
      return (
        replies[status] ?? {
          what: `another program answers (HTTP ${status})`,
          todo: 'correct the port: it is server.port, 8002 by default',
        }
      )
    if (name === 'TimeoutError' || name === 'CallTimedOut' || /\bwithin \d+ ms$/.test(message)) return late(place)
    if (message === 'socket hang up') return closed(place)
    if (/^WRONG_VERSION_NUMBER|wrong version number/i.test(message)) return noTls()
  }
  return { what: reasonOf(error), todo: 'check that the service runs, and its address' }
}

/** An error, its causes, and the errors that it stands for: one for each address of a name. */
function withCauses(error: unknown): unknown[] {
  const { cause, errors } = Object(error) as { cause?: unknown; errors?: unknown }
  const others = [...(Array.isArray(errors) ? errors : []), ...(cause === undefined ? [] : [cause])]
  return [error, ...others.flatMap(withCauses)]
}
