import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isAtLeast } from '../../machines/domain/access.js'
import { allowList } from '../../machines/domain/address.js'
import { errorBody, errorKinds, ServiceError } from '../../machines/domain/errors.js'
import type { Inspection } from '../../machines/domain/inspection.js'
import type { Refusal } from '../admission.js'
import { whoOf } from '../audit.js'
import type { InspectOptions, RpcOptions } from '../options.js'
import { addressOf } from '../proxies.js'
import { demandAllCameras } from '../rights.js'
import { type CallerOptions, type HttpCaller, httpCaller, whileGood } from './caller.js'
import { refuseUpgrade } from './reply.js'

export const inspectPath = '/inspect/ws'

const action = 'GET /inspect/ws'

/** Receivers say nothing. Bytes of their longest message. */
const maxPayload = 1_024

/** Bytes that a receiver may leave unread. Further messages are dropped until it has read everything. */
const mostUnread = 4 * 1024 * 1024

/**
 * Sends the messages of the inspection to one receiver. If it reads too slowly, messages are dropped; when it has read
 * the others, it gets their number and the present actors.
 */
export const inspectTo = (
  socket: Pick<WebSocket, 'readyState' | 'OPEN' | 'bufferedAmount' | 'send' | 'on'>,
  inspection: Inspection,
): void => {
  let dropped = 0
  const catchUp = () => {
    if (dropped === 0 || socket.bufferedAmount > 0 || socket.readyState !== socket.OPEN) return
    const missed = dropped
    dropped = 0
    for (const message of inspection.resume(missed)) socket.send(message, catchUp)
  }
  const end = inspection.follow((message) => {
    if (socket.readyState !== socket.OPEN) return
    if (dropped > 0 || socket.bufferedAmount > mostUnread) dropped += 1
    else socket.send(message, catchUp)
  })
  socket.on('close', end)
}

const refusalBy = (error: ServiceError): Refusal => {
  const { message, data } = errorBody(error, 'http')
  const wait = error.data.retry_after_ms
  return {
    status: error.status,
    words: `${message}: ${data.details}. ${data.suggestion}.`,
    ...(wait !== undefined && { retryAfter: Math.ceil(wait / 1000) }),
  }
}

/**
 * `GET /inspect/ws`: the actors as they run, for receivers of `@statelyai/inspect`. For administrators of all cameras,
 * from the allowed addresses. A receiver cannot change anything; its messages are ignored.
 */
export const createInspect = ({
  inspection,
  allowedIps,
  maxClients,
  ...options
}: CallerOptions & InspectOptions & { services: RpcOptions; inspection: Inspection }) => {
  const { audit, log, limits } = options.services
  const callerOf = httpCaller(options)
  const isAllowed = allowList(allowedIps)
  const receivers = new Set<WebSocket>()
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload,
    perMessageDeflate: false,
    autoPong: false,
  })
  let stopping = false

  const admitted = async (request: IncomingMessage): Promise<HttpCaller> => {
    if (!isAllowed(addressOf(request)))
      throw new ServiceError('permissionDenied', {
        reason: 'address_not_allowed',
        details: 'this address is not in inspect.allowed_ips',
      })
    const caller = await callerOf(request, { subjects: [], cost: 10, tokenInQuery: true })
    if (!isAtLeast(caller.role, 'admin'))
      throw new ServiceError('permissionDenied', { required_role: 'admin', have_role: caller.role })
    demandAllCameras(caller, 'the inspection shows every camera')
    return caller
  }

  const open = (socket: WebSocket, caller: HttpCaller) => {
    receivers.add(socket)
    const who = whoOf(caller, caller.address)
    audit.write({ event: 'authentication', action, result: 'ok', ...who })
    log.info('a receiver of the inspection connected', { user: caller.user, address: caller.address })
    const release = whileGood(options.services, caller, () =>
      socket.close(4401, 'connect again with a valid credential'),
    )
    let isAlive = true
    const beat = setInterval(() => {
      if (!isAlive) {
        socket.terminate()
        return
      }
      isAlive = false
      socket.ping()
    }, limits.pongWait)
    socket.on('pong', () => {
      isAlive = true
    })
    socket.on('ping', (data) => {
      if (socket.bufferedAmount <= maxPayload) socket.pong(data)
    })
    socket.on('error', (error) => log.debug('a receiver of the inspection failed', { reason: error.message }))
    socket.on('close', () => {
      clearInterval(beat)
      release()
      receivers.delete(socket)
    })
    inspectTo(socket, inspection)
  }

  const refuse = (socket: Duplex, address: string, error: unknown) => {
    if (!(error instanceof ServiceError)) log.error('a request for the inspection failed unexpectedly', { error })
    const reply = error instanceof ServiceError ? error : new ServiceError('internal')
    const { key, data } = reply
    // As elsewhere: a request without a credential, or one too many, is not audited.
    if (key === 'authFailed' || key === 'permissionDenied')
      audit.write({
        event: 'refusal',
        action,
        result: 'refused',
        ...whoOf(undefined, address),
        reason: data.reason ?? errorKinds[key].reason,
      })
    refuseUpgrade(socket, refusalBy(reply))
  }

  return {
    /** Admits or refuses a receiver. Never rejects. */
    upgrade: async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
      socket.on('error', () => {})
      try {
        const caller = await admitted(request)
        if (socket.destroyed) return
        if (stopping || receivers.size >= maxClients) {
          const words = stopping
            ? 'the service stops'
            : `there are ${maxClients} receivers (inspect.max_clients) already`
          refuseUpgrade(socket, { status: 503, words, retryAfter: 5 })
          return
        }
        webSockets.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, caller))
      } catch (error) {
        refuse(socket, addressOf(request), error)
      }
    },
    stop: (reason: string): void => {
      stopping = true
      for (const socket of receivers) socket.close(1001, reason)
    },
  }
}
