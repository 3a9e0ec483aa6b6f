import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { createParser, formatResponse, type RtspRequest } from '../../rtsp/message.js'
import { controlUrl, parseSdp } from '../../rtsp/sdp.js'
import { type Access, authorise, basicCredentials } from '../auth.js'
import { instant, microseconds } from '../clock.js'
import { compare, type GlobalConf } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import { faultOfName } from '../config/validate.js'
import type { Log } from '../log.js'
import type { Paths } from '../paths/manager.js'
import { freeChannel, interleavedOf, type RtspTarget, targetOf } from './address.js'
import { type Answer, answerOf, Refusal } from './answer.js'
import { startMedia } from './reading.js'
import { addressOf, createSession, nameOf, type Reading, type Session, sessionHeader } from './session.js'

export interface ConnectionOptions {
  socket: Socket
  conf: GlobalConf
  paths: Paths
  log: Log
  /** Sessions come and go here. */
  sessions: Map<string, Session>
  closed: () => void
}

export interface Connection {
  id: string
  close(reason: string): void
  view(): Record<string, unknown>
}

/** Who says nothing for so long (ms) is gone, whatever is sent to him. */
const sessionTimeout = 60_000
const methods = 'DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN'

/** One client: its requests one after the other, its frames as they come. */
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

  // ------------------------------------------------------------ the end

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

  const ownSession = (userAgent: string): Session => {
    if (session) return session
    session = createSession({ connection: id, remoteAddr, close })
    session.userAgent = userAgent
    sessions.set(session.id, session)
    log('INF', `[session ${nameOf(session)}] created by ${remoteAddr}`)
    return session
  }

  // ------------------------------------------------------------ requests

  const accessOf = (
    { headers }: RtspRequest,
    { path, query }: RtspTarget,
    about: Pick<Access, 'action' | 'id' | 'userAgent'>,
  ): Access => ({
    ...about,
    path,
    query,
    protocol: 'rtsp',
    ip: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    ...basicCredentials(headers.authorization),
  })

  const describe = async (request: RtspRequest): Promise<Answer> => {
    const target = requiredTarget(request)
    checkPath(paths, target.path)
    await authorise(conf, accessOf(request, target, { action: 'read', id, userAgent: '' }))
    const found = await paths.find(target.path).describe(target.query)
    if ('redirect' in found) return { status: 302, headers: { location: found.redirect } }
    return {
      status: 200,
      headers: { 'content-base': `${request.url}/`, 'content-type': 'application/sdp' },
      body: found.stream.sdp,
    }
  }

  const announce = async (request: RtspRequest): Promise<Answer> => {
    const target = requiredTarget(request)
    const userAgent = request.headers['user-agent'] ?? ''
    const own = ownSession(userAgent)
    if (own.state !== 'initial') throw new Refusal(400, `must be in state initial, while is in state ${own.state}`)
    checkPath(paths, target.path)
    own.user = await authorise(conf, accessOf(request, target, { action: 'publish', id: own.id, userAgent }))
    const sdp = request.body.toString('utf8')
    const { media } = parseSdp(sdp)
    if (media.length === 0) throw new Refusal(400, 'invalid SDP: no media found')
    own.publishing = { conf: paths.confOf(target.path), sdp, media }
    own.state = 'preRecord'
    own.path = target.path
    own.query = target.query
    return { status: 200 }
  }

  const setup = async (request: RtspRequest): Promise<Answer> => {
    const userAgent = request.headers['user-agent'] ?? ''
    const own = ownSession(userAgent)
    const offer = interleavedOf(request.headers.transport)
    if (!offer) return { status: 461, headers: sessionHeader(own) }
    const track = own.publishing ? publisherTrack(own, request) : await readerTrack(own, request, userAgent)
    const rtp = freeChannel(own.channels, offer.channels)
    if (rtp === undefined) throw new Refusal(400, 'interleaved IDs are invalid or already in use')
    own.channels.set(rtp, { track, rtcp: false })
    own.channels.set(rtp + 1, { track, rtcp: true })
    return {
      status: 200,
      headers: { ...sessionHeader(own), transport: `RTP/AVP/TCP;unicast;interleaved=${rtp}-${rtp + 1}` },
    }
  }

  const publisherTrack = (own: Session, request: RtspRequest): number => {
    const base = request.url.replace(/\/[^/]*$/, '')
    const track = own.publishing?.media.findIndex(({ control }) => controlUrl(base, control) === request.url) ?? -1
    if (track === -1) throw new Refusal(400, 'media not found')
    return track
  }

  const readerTrack = async (own: Session, request: RtspRequest, userAgent: string): Promise<number> => {
    const target = requiredTarget(request)
    const { track } = target
    if (track === undefined)
      throw new Refusal(
        400,
        'invalid SETUP path. This typically happens when VLC fails a request, and then switches to an unsupported RTSP dialect',
      )
    if (own.state !== 'initial' && own.state !== 'prePlay')
      throw new Refusal(400, `must be in state prePlay, while is in state ${own.state}`)
    if (own.path !== '' && own.path !== target.path) throw new Refusal(400, "can't setup medias with different paths")
    const reading = own.reading ?? (await startReading(own, request, target, userAgent))
    if (!reading.stream.tracks[track]) throw new Refusal(400, 'media not found')
    return track
  }

  const startReading = async (
    own: Session,
    request: RtspRequest,
    target: RtspTarget,
    userAgent: string,
  ): Promise<Reading> => {
    checkPath(paths, target.path)
    const user = await authorise(conf, accessOf(request, target, { action: 'read', id: own.id, userAgent }))
    const path = paths.find(target.path)
    const stream = await path.addReader(own, target.query)
    // The client may have gone while it was held.
    if (ended) {
      path.removeReader(own)
      throw new Refusal(400, 'terminated')
    }
    own.reading = { path, stream }
    Object.assign(own, { user, userAgent, path: target.path, query: target.query, state: 'prePlay' })
    return own.reading
  }

  const play = (request: RtspRequest, own: Session): Answer => {
    const { reading } = own
    if (!reading || (own.state !== 'prePlay' && own.state !== 'play'))
      throw new Refusal(400, `must be in state prePlay, while is in state ${own.state}`)
    const base = request.url.replace(/\/$/, '')
    const info = [...own.channels.values()].flatMap(({ track, rtcp }) => {
      const last = reading.stream.tracks[track]?.last
      return rtcp || !last
        ? []
        : [`url=${base}/trackID=${track};seq=${(last.sequence + 1) & 0xffff};rtptime=${last.timestamp}`]
    })
    if (own.state === 'prePlay')
      startMedia({ session: own, reading, socket, conf, log, dead: () => close('write timeout') })
    return { status: 200, headers: { ...sessionHeader(own), ...(info.length > 0 && { 'rtp-info': info.join(',') }) } }
  }

  const record = (own: Session): Answer => {
    const { publishing } = own
    if (!publishing || own.state !== 'preRecord')
      throw new Refusal(400, `must be in state preRecord, while is in state ${own.state}`)
    if (own.channels.size < 2 * publishing.media.length)
      throw new Refusal(400, 'not all announced medias have been setup')
    // Up to here nothing has held the path: it may be another one by now.
    checkPath(paths, own.path)
    if (compare(paths.confOf(own.path), publishing.conf) !== 'same') throw new Refusal(400, 'configuration has changed')
    const path = paths.find(own.path)
    own.state = 'record'
    try {
      publishing.stream = path.addPublisher(own, publishing.sdp)
    } catch (error) {
      own.state = 'preRecord'
      throw error
    }
    publishing.path = path
    log('INF', `[session ${nameOf(own)}] is publishing to path '${own.path}'`)
    clearTimeout(silence)
    silence = setTimeout(() => close('i/o timeout'), milliseconds(conf.readTimeout))
    return { status: 200, headers: sessionHeader(own) }
  }

  const pauseMedia = (own: Session): Answer => {
    if (own.state === 'play') {
      own.reading?.detach?.()
      own.reading?.outlet?.close()
      own.state = 'prePlay'
    } else if (own.state === 'record') {
      own.publishing?.path?.removePublisher(own)
      delete own.publishing?.path
      delete own.publishing?.stream
      own.state = 'preRecord'
    }
    return { status: 200, headers: sessionHeader(own) }
  }

  /** `undefined`: a method that needs a session came without one. */
  const sessionOf = ({ headers }: RtspRequest): Session | undefined => {
    const given = headers.session?.split(';')[0]?.trim()
    if (given === undefined) return undefined
    if (session && given !== session.secret) throw new Refusal(400, 'connection is linked to another session')
    if (!session) throw new Refusal(454, 'session not found')
    return session
  }

  const answerTo = async (request: RtspRequest): Promise<Answer> => {
    const { method } = request
    if (method === 'OPTIONS') return { status: 200, headers: { public: methods } }
    if (method === 'DESCRIBE') return describe(request)
    if (method === 'ANNOUNCE') return announce(request)
    const own = sessionOf(request)
    if (method === 'SETUP') return setup(request)
    if (!own) return { status: 501 }
    if (method === 'PLAY') return play(request, own)
    if (method === 'RECORD') return record(own)
    if (method === 'PAUSE') return pauseMedia(own)
    if (method === 'GET_PARAMETER')
      return { status: 200, headers: { ...sessionHeader(own), 'content-type': 'text/parameters' } }
    if (method === 'TEARDOWN') return { status: 200, headers: sessionHeader(own), end: `torn down by ${remoteAddr}` }
    return { status: 501 }
  }

  const handle = async (request: RtspRequest): Promise<void> => {
    const { cseq } = request.headers
    const answer =
      cseq === undefined ? { status: 400, end: 'CSeq is missing' } : await answerTo(request).catch(answerOf)
    if (ended) return
    // A refusal with wrong credentials is late, so that guessing is slow.
    if (answer.status === 401 && answer.end !== undefined)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4000))
    if (ended) return
    const { status, headers, body, end } = answer
    const bytes = formatResponse({
      status,
      headers: { ...(cseq !== undefined && { cseq }), server: 'gortsplib', ...headers },
      ...(body !== undefined && { body }),
    })
    if (end === undefined) socket.write(bytes)
    else socket.end(bytes, () => close(end))
  }

  /** While a request is held nobody is silent but we. */
  const work = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (let request = queue.shift(); request && !ended; request = queue.shift()) {
      await handle(request)
      silence.refresh()
    }
    busy = false
  }

  // ------------------------------------------------------------ the wire

  const takeFrame = (channel: number, packet: Buffer): void => {
    const own = session
    const target = own?.channels.get(channel)
    if (!own || !target) return
    const { counters, publishing } = own
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
      close(error instanceof Error ? error.message : String(error))
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

function requiredTarget({ url }: RtspRequest): RtspTarget {
  const target = targetOf(url)
  if (!target) throw new Refusal(400, 'invalid path')
  return target
}

/** Throws when nothing may be there, before anybody is asked for credentials. */
function checkPath(paths: Paths, path: string): void {
  const fault = faultOfName(path)
  if (fault !== undefined) throw new Refusal(400, `invalid path name: ${fault} (${path})`)
  paths.confOf(path)
}
