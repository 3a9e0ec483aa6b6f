import { randomBytes, randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { MediaSection } from '../../rtsp/sdp.js'
import { instant, microseconds } from '../clock.js'
import type { PathConf } from '../config/config.js'
import type { Path } from '../paths/path.js'
import type { Stream } from '../stream.js'
import type { Outlet } from './outlet.js'

export type SessionState = 'initial' | 'prePlay' | 'play' | 'preRecord' | 'record'

export interface Reading {
  path: Path
  stream: Stream
  /** While it plays. */
  detach?: () => void
  outlet?: Outlet
}

/** What one connection has set up. Plain data, written by `connection.ts` and shown by the API. */
export interface Session {
  id: string
  /** The value of the `Session` header. */
  secret: string
  created: string
  connection: string
  remoteAddr: string
  state: SessionState
  /** Empty before the first SETUP or ANNOUNCE was answered. */
  path: string
  query: string
  user: string
  userAgent: string
  /** By channel. */
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

/** One of the API's list of sessions. */
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

/** In the log. */
export const nameOf = ({ id }: Session): string => id.slice(0, 8)

export const sessionHeader = ({ secret }: Session): { session: string } => ({ session: `${secret};timeout=55` })

export const addressOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string =>
  `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
