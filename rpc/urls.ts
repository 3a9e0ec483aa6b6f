import type { IncomingMessage } from 'node:http'
import { hostInUrl } from '../machines/domain/address.js'

/** What the media server serves now, and where. */
export interface Offers {
  hls: boolean
  webrtc: boolean
  ports: { rtsp: number; hls: number; webrtc: number }
  /** Where the media server is, when that is another machine than ours. */
  host?: string
}

/** URLs of one camera; what the media server does not serve is absent. */
export interface StreamUrls {
  rtsp: string
  hls?: string
  webrtc?: string
}

/** The address that a client came in by: its Host header without the port, else the socket's own end. */
export const hostOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>): string => {
  const named = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1]
  return named ?? hostInUrl(request.socket.localAddress ?? '127.0.0.1')
}

/** `cameHost`: of the client's connection; a configured public host and a remote media server come before it. */
export const streamUrls = (
  camera: string,
  cameHost: string,
  publicHost: string | undefined,
  offers: Offers,
): StreamUrls => {
  const host = hostInUrl(publicHost ?? offers.host ?? cameHost)
  return {
    rtsp: `rtsp://${host}:${offers.ports.rtsp}/${camera}`,
    ...(offers.hls ? { hls: `http://${host}:${offers.ports.hls}/${camera}/index.m3u8` } : {}),
    ...(offers.webrtc ? { webrtc: `http://${host}:${offers.ports.webrtc}/${camera}` } : {}),
  }
}
