import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { createAdmission } from './admission.js'
import { addressOf } from './http/caller.js'
import { refuseUpgrade } from './http/reply.js'
import type { RpcOptions } from './options.js'

/** True if pages of this origin may use the API. `*` allows every origin. */
export const isAllowedOrigin = (allowed: readonly string[], origin: string): boolean =>
  allowed.includes('*') || allowed.includes(origin)

/** Number of refused origins that are logged; later ones are only counted, so that made-up origins cannot fill the log. */
const mostLogged = 100

/** Refused pages that may be connected at once while their connection closes. */
const closingLimits = { maxConnections: 64, maxUnauthenticatedPerAddress: 8 }

/**
 * `maxPayload` is the size of a close frame, the only frame that is needed of a refused page. `closeTimeout` (ms) cuts a
 * page that does not answer it; it is missing in the types of ws.
 */
const handshake = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: 125,
  closeTimeout: 1_000,
}

/** An origin as one word of ASCII, short enough for a close reason, which holds 123 bytes. */
const short = (origin: string): string => {
  const ascii = origin.replace(/[^\x21-\x7e]/g, '?')
  return ascii.length <= 64 ? ascii : `${ascii.slice(0, 60)}…`
}

/** Refuses requests of pages whose origin is not in `security.cors_origins`. Requests without an origin are no page's. */
export const createOrigins = ({ corsOrigins, log, metrics }: Pick<RpcOptions, 'corsOrigins' | 'log' | 'metrics'>) => {
  const logged = new Set<string>()
  const closing = createAdmission(closingLimits)
  const webSockets = new WebSocketServer(handshake)

  return {
    /** True if the request must be refused. Counts the refusal and logs each origin once. */
    refuses: (request: IncomingMessage): boolean => {
      const { origin } = request.headers
      if (origin === undefined || isAllowedOrigin(corsOrigins, origin)) return false
      metrics.refused('origin')
      const name = origin.slice(0, 256)
      if (logged.size < mostLogged && !logged.has(name)) {
        logged.add(name)
        log.warn('an origin was refused', {
          origin: name,
          address: addressOf(request),
          hint: 'if you trust this origin, add it to security.cors_origins; http://localhost and http://127.0.0.1 are different origins',
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
        webSocket.close(4403, `origin ${origin} is not allowed: add it to security.cors_origins`)
      })
    },
  }
}
