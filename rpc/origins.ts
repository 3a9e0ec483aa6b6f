import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { createAdmission } from './admission.js'
import { createHostCheck } from './http/hosts.js'
import { refuseUpgrade } from './http/reply.js'
import type { RpcOptions } from './options.js'
import { addressOf } from './proxies.js'

/** True if pages of this origin may use the API. `*` allows every origin. */
export const isAllowedOrigin = (allowed: readonly string[], origin: string): boolean =>
  allowed.includes('*') || allowed.includes(origin)

/** Number of origins that are logged. Later ones are only counted: made-up origins must not fill the log. */
const mostLogged = 100

/** Limits of connections that are closing: refused pages take no place of other clients. */
const closingLimits = { maxConnections: 64, maxUnauthenticatedPerAddress: 8 }

/**
 * `maxPayload` is the size of a close frame, the only frame that a refused page needs to send. `closeTimeout` (ms) cuts
 * a page that does not send it; the types of ws lack it.
 */
const handshake = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: 125,
  closeTimeout: 1_000,
}

const hint =
  'if you trust it, add it to security.cors_origins; http://localhost and http://127.0.0.1 are different origins'

/** Browsers send the origin `null` for a page from a file. It cannot be listed; only `*` allows it. */
const noOriginHint =
  'a page from a file has no origin: serve it over http, and add that origin to security.cors_origins'

/** An origin as one word of ASCII, short enough for a close reason, which holds 123 bytes. */
const short = (origin: string): string => {
  const ascii = origin.replace(/[^\x21-\x7e]/g, '?')
  return ascii.length <= 64 ? ascii : `${ascii.slice(0, 60)}…`
}

type OriginOptions = Pick<RpcOptions, 'corsOrigins' | 'console' | 'tls' | 'publicHost' | 'log' | 'metrics'>

/**
 * Refuses requests of pages whose origin is not in `security.cors_origins`, except those of the console. Other clients
 * send no origin.
 */
export const createOrigins = ({ corsOrigins, console: page, tls, publicHost, log, metrics }: OriginOptions) => {
  const isOwnHost = createHostCheck(publicHost === undefined ? [] : [publicHost])
  /** A page that this service served. The name must be ours: any name can resolve to this host. */
  const isConsole = (origin: string, { host }: IncomingMessage['headers']): boolean =>
    page !== undefined && origin === `${tls === undefined ? 'http' : 'https'}://${host}` && isOwnHost(host)
  const logged = new Set<string>()
  const closing = createAdmission(closingLimits)
  const webSockets = new WebSocketServer(handshake)

  return {
    /** True if the request must be refused. Counts the refusal and logs each origin once. */
    refuses: (request: IncomingMessage): boolean => {
      const { origin } = request.headers
      if (origin === undefined || isAllowedOrigin(corsOrigins, origin)) return false
      if (isConsole(origin, request.headers)) return false
      metrics.refused('origin')
      const name = origin.slice(0, 256)
      if (logged.size < mostLogged && !logged.has(name)) {
        logged.add(name)
        log.warn('an origin was refused', {
          origin: name,
          address: addressOf(request),
          hint: origin === 'null' ? noOriginHint : hint,
        })
      }
      return true
    },
    /**
     * Opens the WebSocket of a refused page and closes it at once with 4403. A browser shows a page neither status nor
     * text of a refused handshake, but it does show the code and reason of a close. No message of the page is read.
     */
    close: (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      const address = addressOf(request)
      if (closing.refusalFor(address) !== undefined) {
        refuseUpgrade(socket, { status: 403, words: 'Forbidden' })
        return
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const { leave } = closing.enter(address)
        webSocket.on('error', () => {}).once('close', leave)
        const origin = short(request.headers.origin ?? '')
        const advice =
          origin === 'null' ? 'a page from a file has none: serve it over http' : 'add it to security.cors_origins'
        webSocket.close(4403, `origin ${origin} is not allowed: ${advice}`)
      })
    },
  }
}
