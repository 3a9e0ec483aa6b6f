import type { IncomingMessage } from 'node:http'
import { hostInUrl } from '../machines/domain/address.js'
import type { StreamUrls } from './schemas.js'

/** The protocols and ports of the media server. */
export interface Offers {
  hls: boolean
  webrtc: boolean
  ports: { rtsp: number; hls: number; webrtc: number }
  /** Host of the media server in the form of a URL, if it is not this host. */
  host?: string
}

/** The host that a client connected to: its Host header without the port, else the local address of the socket. */
export const hostOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>): string => {
  const named = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1]
  return hostInUrl(named ?? request.socket.localAddress ?? '127.0.0.1')
}

/**
 * `ownHost`: the host that the client connected to. A public host and a remote media server take precedence. All hosts
 * have the form of a URL: IPv6 in brackets.
 */
export const streamUrls = (
  camera: string,
  ownHost: string,
  publicHost: string | undefined,
  offers: Offers,
): StreamUrls => {
  const host = publicHost ?? offers.host ?? ownHost
  return {
    rtsp: `rtsp://${host}:${offers.ports.rtsp}/${camera}`,
    ...(offers.hls ? { hls: `http://${host}:${offers.ports.hls}/${camera}/index.m3u8` } : {}),
    ...(offers.webrtc ? { webrtc: `http://${host}:${offers.ports.webrtc}/${camera}` } : {}),
  }
}
