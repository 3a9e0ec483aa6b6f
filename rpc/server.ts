import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { ServiceError } from '../machines/domain/errors.js'
import { type Connection, openConnection } from './connection.js'
import { createDispatcher } from './dispatcher.js'
import { createFilesHandler } from './http/files.js'
import { isReading, refuseUpgrade, replyError, replyJson, replyNotFound } from './http/reply.js'
import { listen } from './listen.js'
import type { Services } from './method.js'
import { methods } from './methods/index.js'
import { createNotifications } from './notifications.js'
import type { RpcOptions } from './options.js'
import { isAllowedOrigin } from './origins.js'
import { createLimiter } from './rate.js'
import type { Session } from './session.js'

export interface RpcServer {
  /** Resolves with the port it listens on; rejects with one sentence when it cannot. */
  start(): Promise<{ port: number }>
  /** Takes nothing new, closes every connection (1001 with `reason`), resolves when the last is gone. Never rejects. */
  stop(reason: string): Promise<void>
  /** Open WebSockets. */
  connections(): number
}

/** TCP connections beyond those of the API: downloads, requests on their way. */
const httpConnections = 256

/** The API: WebSocket JSON-RPC on one path, downloads below `/files/`, nothing else. */
export const createRpcServer = (options: RpcOptions): RpcServer => {
  const { limits, corsOrigins, log, ask, path = '/ws' } = options
  const { maxConnections, maxMessageSize, pingInterval, pongWait, headersTimeout = 10_000 } = limits
  const limiter = createLimiter(limits.rate)
  const notifications = createNotifications(options)
  const services: Services = { ...options, notifications }
  const dispatch = createDispatcher({ services, methods, limiter })
  const serveFile = createFilesHandler({ options, limiter })
  const connections = new Map<Session, Connection>()
  let stopping = false

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const [target = ''] = (request.url ?? '').split('?', 1)
    if (target.startsWith('/files/')) return serveFile(request, response)
    if (target !== path) return replyNotFound(request, response)
    if (!isReading(request, response)) return
    replyJson(request, response, 426, { error: { message: 'This address speaks WebSocket' } }, { Upgrade: 'websocket', Connection: 'Upgrade' })
  }

  const server = createServer(
    { headersTimeout, requestTimeout: headersTimeout, connectionsCheckingInterval: Math.min(headersTimeout, 1_000) },
    (request, response) => {
      Promise.resolve(answer(request, response)).catch((error: unknown) => {
        log.error('an HTTP request failed unexpectedly', { error })
        if (response.headersSent) response.destroy()
        else replyError(request, response, new ServiceError('internal'))
      })
    },
  )
  server.maxConnections = maxConnections + httpConnections
  const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageSize, perMessageDeflate: false, autoPong: false })

  const refusalOf = ({ url, headers }: IncomingMessage): [number, string] | undefined => {
    if ((url ?? '').split('?', 1)[0] !== path) return [404, 'Not Found']
    if (headers.origin !== undefined && !isAllowedOrigin(corsOrigins, headers.origin)) return [403, 'Forbidden']
    if (stopping || connections.size >= maxConnections) return [503, 'Service Unavailable']
    return undefined
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request)
    if (refusal !== undefined) {
      log.debug('a connection was refused', { address: request.socket.remoteAddress, status: refusal[0] })
      refuseUpgrade(socket, ...refusal)
      return
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = openConnection({
        socket: webSocket,
        request,
        limits,
        log,
        received: dispatch,
        ended: (session) => {
          connections.delete(session)
          notifications.unsubscribe(session)
          try {
            ask.releaseAll(session.id)
          } catch (error) {
            log.error('the streams of a closed connection could not be released', { session: session.id, error })
          }
        },
      })
      connections.set(connection.session, connection)
    })
  })

  const tick = () => {
    const now = performance.now()
    for (const connection of connections.values()) connection.tick(now)
  }
  let heartbeat: NodeJS.Timeout | undefined

  return {
    start: async () => {
      const listening = await listen(server, options, 'API')
      heartbeat = setInterval(tick, Math.max(10, Math.min(pingInterval, pongWait, 10_000) / 4))
      return listening
    },
    stop: async (reason) => {
      stopping = true
      clearInterval(heartbeat)
      notifications.dispose()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      for (const connection of connections.values()) connection.close(1001, reason)
      const cut = setTimeout(() => server.closeAllConnections(), 1_500)
      await closed
      clearTimeout(cut)
    },
    connections: () => connections.size,
  }
}
