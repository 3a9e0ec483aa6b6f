import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { hostInUrl } from '../machines/domain/address.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import type { RpcLimits } from './options.js'
import type { Session } from './session.js'
import { textFrame } from './textFrame.js'
import { hostOf } from './urls.js'

export interface Connection {
  session: Session
  /** Pings when it is time; ends a connection that gave no sign of life after a ping, or has not said in time who it is. `now` is monotonic. */
  tick(now: number): void
  /** Closing handshake; what does not answer within `grace` ms is cut. */
  close(code: number, reason: string, grace?: number): void
}

/** Bytes that may wait for the end of a turn of the event loop. */
const mostCorked = 65_536

/** How long a client has to take part in closing. */
const closingGrace = 1_000

/** A client that pings more often than this within the time (ms) wants us to answer, not to know that we are there. */
const pingFlood = { count: 100, time: 10_000 }

/**
 * One WebSocket of one client. `received` gets each text frame; `ended` is called once, when nothing more can come or
 * go. Nothing is buffered without bound: a client that leaves more than `maxBuffered` bytes unread is dropped.
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
  const address = hostInUrl(request.socket.remoteAddress ?? 'unknown')
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

  /** Whether there is room for more; drops the client when there is not. */
  const hasRoom = () => {
    if (session.closed) return false
    // What only waits for the end of this turn is no sign of a client that does not read.
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
    ended: undefined,
    authenticating: undefined,
    closed: false,
    inFlight: 0,
    requests: 0,
    subscriptions: new Map(),
    send: (message) => {
      // What one turn of the event loop answers goes out in one system call: those cost more than all the rest of a look-up.
      if (!corked) {
        corked = true
        request.socket.cork()
        process.nextTick(uncork)
      }
      session.sendFrame(textFrame(message))
    },
    // Past ws, which would frame it once more: it neither compresses nor queues here, so that whole frames cannot mix.
    sendFrame: (frame) => {
      if (hasRoom() && socket.readyState === socket.OPEN) request.socket.write(frame)
    },
  }

  socket.on('message', (data, isBinary) => {
    if (session.closed) return
    if (isBinary) shut(1003, 'text frames only', closingGrace)
    else received(data.toString(), session)
  })
  // Answered here instead of by ws, whose pongs would pile up without bound before a client that does not read.
  socket.on('ping', (data) => {
    const now = performance.now()
    if (now - pings.since >= pingFlood.time) pings = { count: 0, since: now }
    pings.count += 1
    if (pings.count > pingFlood.count) shut(1008, 'too many pings', closingGrace)
    else if (hasRoom()) socket.pong(data, false, ignore)
  })
  socket.on('error', (error) => {
    log.debug('a connection failed', { ...who, reason: error.message })
    // ws closes it, but would read for half a minute what a client sends on all the same.
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
        log.debug('a connection was closed because nobody said who it is', who)
        shut(4401, `authenticate within ${authenticationTimeout / 1000} s`, closingGrace)
        return
      }
      // Every byte is a sign of life, also those of a long message that is still coming in.
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

/** A close frame holds 123 bytes of UTF-8; ws throws for more. `stream` leaves out a character that was cut in two. */
const fitting = (reason: string) => new TextDecoder().decode(Buffer.from(reason).subarray(0, 123), { stream: true })

// A send that fails is followed by 'close'; there is nothing else to do about it.
const ignore = () => {}
