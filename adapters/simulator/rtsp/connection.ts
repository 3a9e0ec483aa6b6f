import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createParser, formatResponse, type RtspRequest } from '../../rtsp/message.js'
import { instant, microseconds } from '../clock.js'
import { errorText } from '../errorText.js'
import { type Answer, answerOf } from './answer.js'
import { createRequests, type Peer } from './requests.js'
import { addressOf, createSession, nameOf, type Session } from './session.js'

/** What a connection needs. */
export interface ConnectionOptions extends Pick<Peer, 'socket' | 'conf' | 'paths' | 'log'> {
  /** The sessions of all connections, by id. The connection adds and removes its own. */
  sessions: Map<string, Session>
  closed: () => void
}

/** One RTSP client. */
export interface Connection {
  id: string
  close(reason: string): void
  /** Returns the connection as the API lists it. */
  view(): Record<string, unknown>
}

/** A client that sends nothing for this time is disconnected, also while it receives media. In ms. */
const sessionTimeout = 60_000

/** Serves one client. Requests are answered one after the other; media frames are passed on as they arrive. */
export function createConnection({ socket, conf, paths, log, sessions, closed }: ConnectionOptions): Connection {
  const id = randomUUID()
  const created = instant(microseconds())
  const remoteAddr = addressOf(socket)
  const label = `[conn ${remoteAddr}]`
  const queue: RtspRequest[] = []
  let busy = false
  let ended = false
  let session: Session | undefined
  let silence = setTimeout(() => close('i/o timeout'), sessionTimeout)
  log('INF', `${label} opened`)
  socket.setNoDelay(true)

  // ------------------------------------------------------------ the session

  const openSession = (userAgent: string): Session => {
    if (session) return session
    session = createSession({ connection: id, remoteAddr, close })
    session.userAgent = userAgent
    sessions.set(session.id, session)
    log('INF', `[session ${nameOf(session)}] created by ${remoteAddr}`)
    return session
  }

  const endSession = (reason: string): void => {
    if (!session) return
    const leaving = session
    session = undefined
    sessions.delete(leaving.id)
    const { reading, publishing } = leaving
    reading?.detach?.()
    reading?.outlet?.close()
    reading?.path.removeReader(leaving)
    publishing?.path?.removePublisher(leaving)
    log('INF', `[session ${nameOf(leaving)}] destroyed: ${reason}`)
  }

  const close = (reason: string): void => {
    if (ended) return
    ended = true
    clearTimeout(silence)
    parser.end()
    queue.length = 0
    socket.destroy()
    log('INF', `${label} closed: ${reason}`)
    endSession(reason === 'EOF' ? 'not in use' : reason)
    closed()
  }

  // ------------------------------------------------------------ requests

  const answerTo = createRequests({
    id,
    socket,
    remoteAddr,
    conf,
    paths,
    log,
    get ended() {
      return ended
    },
    get session() {
      return session
    },
    openSession,
    limitSilence: (time) => {
      clearTimeout(silence)
      silence = setTimeout(() => close('i/o timeout'), time)
    },
    close,
  })

  const handle = async (request: RtspRequest): Promise<void> => {
    const { cseq } = request.headers
    const answer: Answer =
      cseq === undefined ? { status: 400, end: 'CSeq is missing' } : await answerTo(request).catch(answerOf)
    const { status, headers, body, end } = answer
    // MediaMTX delays the refusal of wrong credentials, to slow down guessing.
    if (!ended && status === 401 && end !== undefined) await sleep(Math.random() * 4000)
    if (ended) return
    const bytes = formatResponse({
      status,
      headers: { ...(cseq !== undefined && { cseq }), server: 'gortsplib', ...headers },
      ...(body !== undefined && { body }),
    })
    if (end === undefined) socket.write(bytes)
    else socket.end(bytes, () => close(end))
  }

  const work = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (let request = queue.shift(); request && !ended; request = queue.shift()) {
      await handle(request)
      // The time of a held request does not count as silence of the client.
      silence.refresh()
    }
    busy = false
  }

  // ------------------------------------------------------------ the wire

  const takeFrame = (channel: number, packet: Buffer): void => {
    const target = session?.channels.get(channel)
    if (!session || !target) return
    const { counters, publishing } = session
    counters.inboundBytes += packet.length
    if (target.rtcp) counters.inboundRtcp++
    else counters.inboundRtp++
    publishing?.stream?.publish(target.track, target.rtcp, packet)
  }

  const parser = createParser({
    onRequest: (request) => {
      queue.push(request)
      void work()
    },
    onFrame: takeFrame,
    maxBody: 128 * 1024,
  })

  socket.on('data', (chunk) => {
    silence.refresh()
    try {
      parser.push(chunk)
    } catch (error) {
      close(errorText(error))
    }
  })
  socket.on('end', () => close('EOF'))
  socket.on('error', (error) => close(error.message))
  socket.on('close', () => close('EOF'))

  return {
    id,
    close,
    view: () => ({
      id,
      created,
      remoteAddr,
      session: session?.id ?? null,
      tunnel: 'none',
      inboundBytes: socket.bytesRead,
      outboundBytes: socket.bytesWritten,
      bytesReceived: socket.bytesRead,
      bytesSent: socket.bytesWritten,
    }),
  }
}
