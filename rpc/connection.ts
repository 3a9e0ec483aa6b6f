import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { Clock, Log } from '../machines/domain/ports.js'
import type { RpcLimits } from './options.js'
import { addressOf } from './proxies.js'
import type { Session } from './session.js'
import { framePieces } from './textFrame.js'
import { hostOf } from './urls.js'

export interface Connection {
  session: Session
  /**
   * Sends a ping when it is due. Ends a connection that does not answer a ping, or that has not authenticated in time.
   * `now` is monotonic.
   */
  tick(now: number): void
  /** Starts the closing handshake; cuts the connection if the client does not answer within `grace` ms. */
  close(code: number, reason: string, grace?: number): void
}

/** Bytes that may wait for the end of a turn of the event loop. */
const mostCorked = 65_536

/** Time for a client to take part in closing, in ms. */
const closingGrace = 1_000

/** Most pings of a client within the time (ms): more only make us answer. */
const pingFlood = { count: 100, time: 10_000 }

/**
 * One WebSocket of one client. `received` gets each text frame; `ended` is called once, when nothing more can be
 * received or sent. A client that leaves more than `maxBuffered` bytes unread is dropped, so that no buffer grows
 * without bound.
 */
export const openConnection = ({
  socket,
  request,
  limits,
  clock,
  log,
  received,
  ended,
}: {
  socket: WebSocket
  request: IncomingMessage
  limits: Pick<RpcLimits, 'maxBuffered' | 'pingInterval' | 'pongWait' | 'authenticationTimeout'>
  clock: Clock
  log: Log
  received: (text: string, session: Session) => void
  ended: (session: Session) => void
}): Connection => {
  const { pingInterval, pongWait, maxBuffered = 4 * 1024 * 1024, authenticationTimeout = 60_000 } = limits
  const id = randomUUID()
  const address = addressOf(request)
  const who = { session: id, address }
  let bytesSeen = 0
  const openedAt = performance.now()
  let lastPing = openedAt
  let pings = { count: 0, since: openedAt }
  let unansweredSince: number | undefined
  let corked = false
  const uncork = () => {
    corked = false
    request.socket.uncork()
  }

  const shut = (code: number, reason: string, grace: number) => {
    if (session.closed) return
    session.closed = true
    socket.close(code, fitting(reason))
    const cut = setTimeout(() => socket.terminate(), grace)
    socket.once('close', () => clearTimeout(cut))
    ended(session)
  }

  /** True if more can be sent; drops a client whose buffer is full. */
  const hasRoom = () => {
    if (session.closed) return false
    // Bytes that only wait for the end of this turn do not mean that the client does not read.
    if (corked && request.socket.writableLength > mostCorked) {
      request.socket.uncork()
      request.socket.cork()
    }
    if (socket.bufferedAmount <= maxBuffered) return true
    log.warn('a client was dropped because it does not read', { ...who, buffered: socket.bufferedAmount })
    shut(1013, 'the client does not read', closingGrace)
    return false
  }

  const session: Session = {
    id,
    address,
    host: hostOf(request),
    since: clock.now(),
    caller: undefined,
    endsAt: Number.POSITIVE_INFINITY,
    ended: undefined,
    authenticating: undefined,
    closed: false,
    inFlight: 0,
    requests: 0,
    subscriptions: new Map(),
    send: (message) => {
      // All replies of one turn of the event loop leave in one system call: it costs more than the rest of a look-up.
      if (!corked) {
        corked = true
        request.socket.cork()
        process.nextTick(uncork)
      }
      const pieces = framePieces(message)
      if (hasRoom() && socket.readyState === socket.OPEN) for (const piece of pieces) request.socket.write(piece)
    },
    // Not by ws, which would frame it again for each session. It neither compresses nor queues, so frames cannot mix.
    sendFrame: (frame) => {
      if (hasRoom() && socket.readyState === socket.OPEN) request.socket.write(frame)
    },
  }

  socket.on('message', (data, isBinary) => {
    if (session.closed) return
    if (isBinary) shut(1003, 'text frames only', closingGrace)
    else received(data.toString(), session)
  })
  // ws itself would buffer pongs without bound for a client that does not read.
  socket.on('ping', (data) => {
    const now = performance.now()
    if (now - pings.since >= pingFlood.time) pings = { count: 0, since: now }
    pings.count += 1
    if (pings.count > pingFlood.count) shut(1008, 'too many pings', closingGrace)
    else if (hasRoom()) socket.pong(data, false, ignore)
  })
  socket.on('error', (error) => {
    log.debug('a connection failed', { ...who, reason: error.message })
    // ws closes it, but would go on reading for half a minute.
    setTimeout(() => socket.terminate(), closingGrace).unref()
  })
  socket.on('close', (code) => {
    log.debug('a connection was closed', { ...who, code })
    if (session.closed) return
    session.closed = true
    ended(session)
  })

  return {
    session,
    close: (code, reason, grace = closingGrace) => shut(code, reason, grace),
    tick: (now) => {
      if (session.closed) return
      if (session.caller === undefined && session.ended === undefined && now - openedAt >= authenticationTimeout) {
        log.debug('a connection was closed because it did not authenticate', who)
        shut(4401, `authenticate within ${authenticationTimeout / 1000} s`, closingGrace)
        return
      }
      // Every byte is a sign of life, also one of a long message that is still incomplete.
      const { bytesRead } = request.socket
      if (bytesRead !== bytesSeen) {
        bytesSeen = bytesRead
        unansweredSince = undefined
      }
      if (unansweredSince !== undefined && now - unansweredSince >= pongWait) {
        log.info('a client was dropped because it gave no sign of life', {
          ...who,
          waited_ms: Math.round(now - unansweredSince),
        })
        socket.terminate()
      } else if (now - lastPing >= pingInterval) {
        lastPing = now
        unansweredSince ??= now
        socket.ping(undefined, false, ignore)
      }
    },
  }
}

/** A close frame holds 123 bytes of UTF-8; ws throws for more. `stream` drops a character that was cut in two. */
const fitting = (reason: string) => new TextDecoder().decode(Buffer.from(reason).subarray(0, 123), { stream: true })

// A failed send is followed by 'close', which handles it.
const ignore = () => {}
