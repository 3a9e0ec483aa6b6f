import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Caller } from '../machines/domain/access.js'
import { rateLimited, ServiceError } from '../machines/domain/errors.js'
import { createAdmission, type Refusal } from './admission.js'
import { whoOf } from './audit.js'
import { createClientCertificates, lapseOf } from './clientCertificates.js'
import { openConnection } from './connection.js'
import { createDispatcher } from './dispatcher.js'
import { targetOf } from './http/caller.js'
import { createConsoleHandler } from './http/console.js'
import { createFilesHandler } from './http/files.js'
import { createInspect, inspectPath } from './http/inspect.js'
import { isReading, refuseHandshake, refuseUpgrade, replyError, replyNotFound, rootNotFound } from './http/reply.js'
import { createStillsHandler } from './http/stills.js'
import { createThumbnailsHandler } from './http/thumbnails.js'
import { createListeners } from './listeners.js'
import type { Services } from './method.js'
import { methods } from './methods/index.js'
import { createNotifications } from './notifications.js'
import type { RpcOptions } from './options.js'
import { createOrigins } from './origins.js'
import { addressOf } from './proxies.js'
import { createRateLimits } from './rateLimits.js'
import type { Session } from './session.js'
import { createSessions } from './sessions.js'

/** The API: WebSocket JSON-RPC on one path, downloads below `/files/`, pictures below `/cameras/`, and the console. */
export const createRpcServer = (options: RpcOptions) => {
  const { limits, clock, log, audit, metrics, path = '/ws' } = options
  const rateLimits = options.rateLimits ?? createRateLimits(limits.rate)
  const admission = createAdmission(limits)
  const origins = createOrigins(options)
  const notifications = createNotifications(options)
  const sessions = createSessions({ services: options })
  const services: Services = { ...options, methods, notifications, sessions, rateLimits, connections: admission.open }
  const dispatch = createDispatcher({ services, methods })
  const certificateCallerOf = createClientCertificates(options.tls?.clients ?? [])
  const serveFile = createFilesHandler({ services, rateLimits, certificateCallerOf })
  const consolePage = createConsoleHandler(options)
  const serveStill = createStillsHandler({ services, rateLimits, certificateCallerOf })
  const serveThumbnail = createThumbnailsHandler({ services, rateLimits, certificateCallerOf })
  const { inspect: inspectOptions, inspection } = options
  const inspect =
    inspectOptions && inspection && path !== inspectPath
      ? createInspect({ services, rateLimits, certificateCallerOf, inspection, ...inspectOptions })
      : undefined
  const isInspect = (target: string) => inspect !== undefined && target === inspectPath
  let stopping = false

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { path: target } = targetOf(request)
    // A browser sends a client certificate with every request, also with those of foreign pages.
    if (origins.refuses(request))
      return replyError(request, response, new ServiceError('permissionDenied', { reason: 'foreign_origin' }))
    if (target.startsWith('/files/')) return serveFile(request, response)
    if (target.startsWith('/thumbnails/')) return serveThumbnail(request, response)
    if (target.startsWith('/cameras/')) return serveStill(request, response)
    const wait = rateLimits.take({ address: addressOf(request) }, 1)
    if (wait > 0) return replyError(request, response, rateLimited(wait))
    if (consolePage.serves(target, request)) return consolePage.serve(target, request, response)
    if (target === '/') return replyError(request, response, rootNotFound(path))
    if (target !== path && !isInspect(target)) return replyNotFound(request, response)
    if (!isReading(request, response)) return
    const error = new ServiceError('invalidRequest', { reason: 'upgrade_required' })
    replyError(request, response, error, { Upgrade: 'websocket', Connection: 'Upgrade' }, 426)
  }

  const refusalOf = (request: IncomingMessage, address: string): Refusal | undefined => {
    const { path: target } = targetOf(request)
    if (target !== path && !isInspect(target)) return { status: 404, words: 'Not Found' }
    if (stopping) return { status: 503, words: 'the service stops' }
    // A handshake costs more than a look-up, so connections count against the rate limit too.
    const wait = rateLimits.take({ address }, 1)
    if (wait > 0)
      return { status: 429, words: 'too many requests from this address', retryAfter: Math.ceil(wait / 1000) }
    return admission.refusalFor(address)
  }

  /** Authenticates the session by its client certificate, unless that has expired or was revoked. */
  const admitByCertificate = (session: Session, caller: Caller) => {
    const reason = lapseOf(caller, options)
    if (reason === undefined) sessions.admit(session, caller)
    audit.write({
      event: 'authentication',
      action: 'certificate',
      result: reason === undefined ? 'ok' : 'refused',
      ...whoOf(caller, session.address),
      session: session.id,
      ...(reason !== undefined && { reason }),
    })
  }

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = addressOf(request)
    const refusal = refusalOf(request, address)
    if (refusal !== undefined) {
      log.debug('a connection was refused', { address, status: refusal.status })
      metrics.refused('connection')
      refuseUpgrade(socket, refusal)
      return
    }
    if (origins.refuses(request)) {
      origins.close(request, socket, head)
      return
    }
    if (inspect !== undefined && isInspect(targetOf(request).path)) {
      void inspect.upgrade(request, socket, head)
      return
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const place = admission.enter(address)
      const connection = openConnection({
        socket: webSocket,
        request,
        limits,
        clock,
        log,
        received: dispatch,
        ended: (session) => {
          sessions.left(session)
          notifications.unsubscribe(session)
        },
      })
      sessions.opened(connection, place)
      const caller = certificateCallerOf(socket)
      if (caller !== undefined) admitByCertificate(connection.session, caller)
    })
  }

  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.maxMessageSize,
    perMessageDeflate: false,
    autoPong: false,
  })
  webSockets.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) =>
    refuseHandshake(request, socket, error.message),
  )
  const listeners = createListeners({
    options,
    upgrade,
    answer: (request, response) => {
      Promise.resolve(answer(request, response)).catch((error: unknown) => {
        log.error('an HTTP request failed unexpectedly', { error })
        if (response.headersSent) response.destroy()
        else replyError(request, response, new ServiceError('internal'))
      })
    },
  })

  return {
    /** Resolves with its port; rejects with one sentence if it cannot listen. */
    start: listeners.start,
    /** Closes every connection (1001 with `reason`); resolves when the last has ended. Never rejects. */
    stop: async (reason: string): Promise<void> => {
      stopping = true
      notifications.dispose()
      const over = listeners.stop()
      sessions.stop(reason)
      inspect?.stop(reason)
      await over
    },
    /** Number of open WebSockets. */
    connections: admission.open,
    /** The same by whether they have ever authenticated. */
    sockets: () => ({
      authenticated: admission.open() - admission.unauthenticated(),
      unauthenticated: admission.unauthenticated(),
    }),
  }
}
