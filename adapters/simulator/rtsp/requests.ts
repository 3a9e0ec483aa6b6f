import type { Socket } from 'node:net'
import type { RtspRequest } from '../../rtsp/message.js'
import { controlUrl, parseSdp } from '../../rtsp/sdp.js'
import { type Access, authorise, basicCredentials } from '../auth.js'
import { compare } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import type { GlobalConf } from '../config/fields.js'
import { faultOfName } from '../config/pathNames.js'
import type { Log } from '../log.js'
import type { Paths } from '../paths/manager.js'
import { freeChannel, interleavedOf, type RtspTarget, targetOf } from './address.js'
import { type Answer, Refusal } from './answer.js'
import { startMedia } from './reading.js'
import { nameOf, type Reading, type Session, type SessionState, sessionHeader } from './session.js'

/** The connection that a request came from. */
export interface Peer {
  id: string
  socket: Socket
  /** `host:port` */
  remoteAddr: string
  conf: GlobalConf
  paths: Paths
  log: Log
  readonly ended: boolean
  readonly session: Session | undefined
  /** Returns the session of the connection, and creates it if there is none. */
  openSession(userAgent: string): Session
  /** Closes the connection after this time without a byte, in ms. */
  limitSilence(time: number): void
  close(reason: string): void
}

const methods = 'DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN'

/** Returns the function that answers the requests of one connection. It rejects with the reason of a refusal. */
export function createRequests(peer: Peer): (request: RtspRequest) => Promise<Answer> {
  const { id, conf, paths, log } = peer

  const authoriseFor = (
    { headers }: RtspRequest,
    { path, query }: RtspTarget,
    about: Pick<Access, 'action' | 'id' | 'userAgent'>,
  ): Promise<string> =>
    authorise(conf, {
      ...about,
      path,
      query,
      protocol: 'rtsp',
      ip: (peer.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      ...basicCredentials(headers.authorization),
    })

  const describe = async (request: RtspRequest): Promise<Answer> => {
    const target = requiredTarget(request)
    checkTarget(paths, target.path)
    await authoriseFor(request, target, { action: 'read', id, userAgent: '' })
    const { sdp } = await paths.find(target.path).describe(target.query)
    return {
      status: 200,
      headers: { 'content-base': `${request.url}/`, 'content-type': 'application/sdp' },
      body: sdp,
    }
  }

  // ------------------------------------------------------------ publishing

  const announce = async (request: RtspRequest): Promise<Answer> => {
    const target = requiredTarget(request)
    const userAgent = request.headers['user-agent'] ?? ''
    const own = peer.openSession(userAgent)
    requireState(own, 'initial')
    checkTarget(paths, target.path)
    own.user = await authoriseFor(request, target, { action: 'publish', id: own.id, userAgent })
    const sdp = request.body.toString('utf8')
    const { media } = parseSdp(sdp)
    if (media.length === 0) throw new Refusal(400, 'invalid SDP: no media found')
    own.publishing = { conf: paths.confOf(target.path), sdp, media }
    Object.assign(own, { state: 'preRecord', path: target.path, query: target.query })
    return { status: 200 }
  }

  const record = (own: Session): Answer => {
    const { publishing } = own
    requireState(own, 'preRecord')
    if (!publishing || own.channels.size < 2 * publishing.media.length)
      throw new Refusal(400, 'not all announced medias have been setup')
    // The path may have changed since ANNOUNCE, because nothing held it.
    checkTarget(paths, own.path)
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
    peer.limitSilence(milliseconds(conf.readTimeout))
    return { status: 200, headers: sessionHeader(own) }
  }

  // ------------------------------------------------------------ reading

  const startReading = async (own: Session, request: RtspRequest, target: RtspTarget): Promise<Reading> => {
    checkTarget(paths, target.path)
    const userAgent = request.headers['user-agent'] ?? ''
    const user = await authoriseFor(request, target, { action: 'read', id: own.id, userAgent })
    const path = paths.find(target.path)
    const stream = await path.addReader(own, target.query)
    // The client may have left while the request was held.
    if (peer.ended) {
      path.removeReader(own)
      throw new Refusal(400, 'terminated')
    }
    own.reading = { path, stream }
    Object.assign(own, { user, userAgent, path: target.path, query: target.query, state: 'prePlay' })
    return own.reading
  }

  const readerTrack = async (own: Session, request: RtspRequest): Promise<number> => {
    const target = requiredTarget(request)
    const { track } = target
    if (track === undefined) throw new Refusal(400, 'invalid SETUP path: it does not end in a track')
    requireState(own, 'initial', 'prePlay')
    if (own.path !== '' && own.path !== target.path) throw new Refusal(400, "can't setup medias with different paths")
    const reading = own.reading ?? (await startReading(own, request, target))
    if (!reading.stream.tracks[track]) throw new Refusal(400, 'media not found')
    return track
  }

  const play = (request: RtspRequest, own: Session): Answer => {
    const { reading } = own
    requireState(own, 'prePlay', 'play')
    if (!reading) throw new Refusal(400, 'nothing was set up')
    const base = request.url.replace(/\/$/, '')
    const info = [...own.channels.values()].flatMap(({ track, rtcp }) => {
      const last = reading.stream.tracks[track]?.last
      if (rtcp || !last) return []
      return [`url=${base}/trackID=${track};seq=${(last.sequence + 1) & 0xffff};rtptime=${last.timestamp}`]
    })
    if (own.state === 'prePlay')
      startMedia({ session: own, reading, socket: peer.socket, conf, log, dead: () => peer.close('write timeout') })
    return { status: 200, headers: { ...sessionHeader(own), ...(info.length > 0 && { 'rtp-info': info.join(',') }) } }
  }

  // ------------------------------------------------------------ both

  const setup = async (request: RtspRequest): Promise<Answer> => {
    const own = peer.openSession(request.headers['user-agent'] ?? '')
    const offer = interleavedOf(request.headers.transport)
    if (!offer) return { status: 461, headers: sessionHeader(own) }
    const track = own.publishing ? publisherTrack(own, request) : await readerTrack(own, request)
    const rtp = freeChannel(own.channels, offer.channels)
    if (rtp === undefined) throw new Refusal(400, 'interleaved IDs are invalid or already in use')
    own.channels.set(rtp, { track, rtcp: false })
    own.channels.set(rtp + 1, { track, rtcp: true })
    return {
      status: 200,
      headers: { ...sessionHeader(own), transport: `RTP/AVP/TCP;unicast;interleaved=${rtp}-${rtp + 1}` },
    }
  }

  /** Returns the session that the request names; `undefined` when it names none. */
  const sessionOf = ({ headers }: RtspRequest): Session | undefined => {
    const given = headers.session?.split(';')[0]?.trim()
    if (given === undefined) return undefined
    if (!peer.session) throw new Refusal(454, 'session not found')
    if (given !== peer.session.secret) throw new Refusal(400, 'connection is linked to another session')
    return peer.session
  }

  return async (request) => {
    const { method } = request
    if (method === 'OPTIONS') return { status: 200, headers: { public: methods } }
    if (method === 'DESCRIBE') return describe(request)
    if (method === 'ANNOUNCE') return announce(request)
    const own = sessionOf(request)
    if (method === 'SETUP') return setup(request)
    if (!own) return { status: 501 }
    const headers = sessionHeader(own)
    if (method === 'PLAY') return play(request, own)
    if (method === 'RECORD') return record(own)
    if (method === 'PAUSE') {
      pauseMedia(own)
      return { status: 200, headers }
    }
    if (method === 'GET_PARAMETER') return { status: 200, headers: { ...headers, 'content-type': 'text/parameters' } }
    if (method === 'TEARDOWN') return { status: 200, headers, end: `torn down by ${peer.remoteAddr}` }
    return { status: 501 }
  }
}

function requiredTarget({ url }: RtspRequest): RtspTarget {
  const target = targetOf(url)
  if (!target) throw new Refusal(400, 'invalid path')
  return target
}

/** Throws when there can be no such path. Comes before the credentials are checked. */
function checkTarget(paths: Paths, path: string): void {
  const fault = faultOfName(path)
  if (fault !== undefined) throw new Refusal(400, `invalid path name: ${fault} (${path})`)
  paths.confOf(path)
}

function requireState({ state }: Session, ...allowed: SessionState[]): void {
  if (!allowed.includes(state)) throw new Refusal(400, `must be in state ${allowed.at(-1)}, while is in state ${state}`)
}

function publisherTrack({ publishing }: Session, { url }: RtspRequest): number {
  const base = url.replace(/\/[^/]*$/, '')
  const track = publishing?.media.findIndex(({ control }) => controlUrl(base, control) === url) ?? -1
  if (track === -1) throw new Refusal(400, 'media not found')
  return track
}

function pauseMedia(own: Session): void {
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
}
