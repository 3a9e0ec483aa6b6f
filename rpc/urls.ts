import type { IncomingMessage } from 'node:http'
import { hostInUrl, urlOrigin } from '../machines/domain/address.js'
import type { StreamUrls } from './schemas.js'

/** The protocols and ports of the media server. */
export interface Offers {
  hls: boolean
  webrtc: boolean
  ports: { rtsp: number; hls: number; webrtc: number }
  /** Host of the media server in the form of a URL, if it is not the host that the client connected to. */
  host?: string
  /** The protocols that are https. Absent: none. */
  encrypted?: { hls: boolean; webrtc: boolean }
  /** Addresses for clients that a proxy serves instead of host and port, without a slash at the end. */
  publicUrls?: { rtsp?: string; hls?: string; webrtc?: string }
}

/** The host that a client connected to: its Host header without the port, else the local address of the socket. */
export const hostOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>): string => {
  const named = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1]
  return hostInUrl(named ?? request.socket.localAddress ?? '127.0.0.1')
}

/**
 * `ownHost`: the host that the client connected to. A public host and the host of the media server take precedence, and
 * a public address of the protocol over all. All hosts have the form of a URL: IPv6 in brackets.
 */
export const streamUrls = (
  camera: string,
  ownHost: string,
  publicHost: string | undefined,
  { hls, webrtc, ports, host: mediaHost, encrypted, publicUrls = {} }: Offers,
): StreamUrls => {
  const host = publicHost ?? mediaHost ?? ownHost
  const http = (isEncrypted: boolean | undefined, port: number) => urlOrigin(isEncrypted ? 'https' : 'http', host, port)
  return {
    rtsp: `${publicUrls.rtsp ?? urlOrigin('rtsp', host, ports.rtsp)}/${camera}`,
    ...(hls ? { hls: `${publicUrls.hls ?? http(encrypted?.hls, ports.hls)}/${camera}/index.m3u8` } : {}),
    ...(webrtc ? { webrtc: `${publicUrls.webrtc ?? http(encrypted?.webrtc, ports.webrtc)}/${camera}` } : {}),
  }
}
