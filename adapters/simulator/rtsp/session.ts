import { randomBytes, randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { MediaSection } from '../../rtsp/sdp.js'
import { instant, microseconds } from '../clock.js'
import type { PathConf } from '../config/fields.js'
import type { Path } from '../paths/path.js'
import type { Stream } from '../stream.js'
import type { Outlet } from './outlet.js'

/** The states of gortsplib's sessions. */
export type SessionState = 'initial' | 'prePlay' | 'play' | 'preRecord' | 'record'

/** What a reading session reads. */
export interface Reading {
  path: Path
  stream: Stream
  /** Set while the session plays. */
  detach?: () => void
  outlet?: Outlet
}

/** What one connection has set up: plain data, which the API lists. */
export interface Session {
  id: string
  /** The value of the `Session` header. */
  secret: string
  created: string
  connection: string
  remoteAddr: string
  state: SessionState
  /** Empty before the first accepted SETUP or ANNOUNCE. */
  path: string
  query: string
  user: string
  userAgent: string
  /** By interleaved channel. */
  channels: Map<number, { track: number; rtcp: boolean }>
  reading?: Reading
  publishing?: { conf: PathConf; sdp: string; media: MediaSection[]; path?: Path; stream?: Stream }
  counters: {
    inboundBytes: number
    inboundRtp: number
    inboundRtcp: number
    outboundBytes: number
    outboundRtp: number
    outboundRtcp: number
  }
  close(reason: string): void
}

/** Returns a session that has set up nothing yet. */
export const createSession = ({
  connection,
  remoteAddr,
  close,
}: Pick<Session, 'connection' | 'remoteAddr' | 'close'>): Session => ({
  id: randomUUID(),
  secret: randomBytes(16).toString('hex'),
  created: instant(microseconds()),
  connection,
  remoteAddr,
  state: 'initial',
  path: '',
  query: '',
  user: '',
  userAgent: '',
  channels: new Map(),
  counters: { inboundBytes: 0, inboundRtp: 0, inboundRtcp: 0, outboundBytes: 0, outboundRtp: 0, outboundRtcp: 0 },
  close,
})

/** Returns a session as the API lists it. */
export function describeSession(session: Session): Record<string, unknown> {
  const { id, created, remoteAddr, state, path, query, user, userAgent, connection, counters } = session
  const { inboundBytes, inboundRtp, inboundRtcp, outboundBytes, outboundRtp, outboundRtcp } = counters
  const isSetUp = session.channels.size > 0
  return {
    id,
    created,
    remoteAddr,
    state: state === 'play' ? 'read' : state === 'record' ? 'publish' : 'idle',
    path,
    query,
    user,
    userAgent,
    transport: isSetUp ? 'TCP' : null,
    profile: isSetUp ? 'AVP' : null,
    conns: [connection],
    inboundBytes,
    inboundRTPPackets: inboundRtp,
    inboundRTPPacketsLost: 0,
    inboundRTPPacketsInError: 0,
    inboundRTPPacketsJitter: 0,
    inboundRTCPPackets: inboundRtcp,
    inboundRTCPPacketsInError: 0,
    outboundBytes,
    outboundRTPPackets: outboundRtp,
    outboundRTPPacketsReportedLost: 0,
    outboundRTPPacketsDiscarded: session.reading?.outlet?.discarded ?? 0,
    outboundRTCPPackets: outboundRtcp,
    bytesReceived: inboundBytes,
    bytesSent: outboundBytes,
    rtpPacketsReceived: inboundRtp,
    rtpPacketsSent: outboundRtp,
    rtpPacketsLost: 0,
    rtpPacketsInError: 0,
    rtpPacketsJitter: 0,
    rtcpPacketsReceived: inboundRtcp,
    rtcpPacketsSent: outboundRtcp,
    rtcpPacketsInError: 0,
  }
}

/** Returns the name of a session in the log. */
export const nameOf = ({ id }: Session): string => id.slice(0, 8)

/** Returns the `Session` header of a response. */
export const sessionHeader = ({ secret }: Session): { session: string } => ({ session: `${secret};timeout=55` })

/** Returns `host:port` of the peer. */
export const addressOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string =>
  `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
