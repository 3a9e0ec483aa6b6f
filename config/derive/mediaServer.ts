/** Configuration → options of the media server and its surroundings. Pure; durations in ms. */
import { join } from 'node:path'
import { hostInUrl, isAnyHost, urlPlace } from '../../machines/domain/address.js'
import type { ServerChoice } from '../../machines/domain/ports.js'
import type { Configuration } from '../schema.js'

/** The local address of a media server that the service starts. */
const local = '127.0.0.1'

export const mediaPorts = ({ mediamtx }: Configuration) => ({
  rtsp: mediamtx.rtsp_port,
  hls: mediamtx.hls_port,
  webrtc: mediamtx.webrtc_port,
})

/** Options that all paths share. `recordings`: the folder of the data directory, or a link to the folder in use. */
export const pathDefaults = ({ mediamtx, recording }: Configuration, recordings: string) => ({
  closeAfter: mediamtx.run_on_demand_close_after,
  startTimeout: mediamtx.run_on_demand_start_timeout,
  partDuration: recording.part_duration,
  segmentDuration: recording.segment_duration,
  recordPath: join(recordings, '%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
})

/** Time for a stream to start. A little longer than that of the media server, which knows the reason of a failure. */
export const startLimit = ({ mediamtx }: Configuration): number => mediamtx.run_on_demand_start_timeout + 2_000

/**
 * URL of the control API, with the credentials of the service. An external server gets them only if it asks this
 * service for permission, because another one could be listening there.
 */
export function apiUrl(
  { mediamtx }: Configuration,
  kind: ServerChoice['kind'] | undefined,
  { user, password }: { user: string; password: string },
): string {
  const isExternal = kind === 'external'
  const credentials = isExternal && mediamtx.auth_port === 0 ? '' : `${user}:${password}@`
  return `http://${credentials}${hostInUrl(isExternal ? mediamtx.host : local)}:${mediamtx.api_port}`
}

/** The certificate for HLS and WebRTC of a managed server. `undefined`: they are not encrypted. */
export function mediaTls({
  server: { tls },
  mediamtx,
}: Configuration): { certFile: string; keyFile: string } | undefined {
  if (mediamtx.tls === 'files') return { certFile: mediamtx.tls_cert_file, keyFile: mediamtx.tls_key_file }
  if (mediamtx.tls === 'off' || tls.cert_file === '') return undefined
  return { certFile: tls.cert_file, keyFile: tls.key_file }
}

/** HLS and WebRTC of a managed server. */
export function mediaOptions(config: Configuration) {
  const { server, mediamtx } = config
  const tls = mediaTls(config)
  return {
    hlsVariant: mediamtx.hls_variant,
    webrtcHosts: mediamtx.webrtc_hosts,
    trustedProxies: server.trusted_proxies,
    ...(tls && { tls }),
  }
}

/**
 * True if browsers load pages of this service by https: they block what such a page loads by http. False for a protocol
 * whose public address is configured.
 */
export const needsEncryption = ({ server, mediamtx }: Configuration): { hls: boolean; webrtc: boolean } => {
  const isSecure = server.tls.cert_file !== '' || server.public_url.startsWith('https:')
  return {
    hls: isSecure && mediamtx.public_hls_url === '',
    webrtc: isSecure && mediamtx.public_webrtc_url === '',
  }
}

/** A media server that the service finds or starts. */
export const serverProcessOptions = (config: Configuration) => ({
  mode: config.mediamtx.mode,
  api: { host: config.mediamtx.host, port: config.mediamtx.api_port },
  ports: {
    api: config.mediamtx.api_port,
    ...mediaPorts(config),
    ...(config.mediamtx.webrtc_udp_port !== 0 && { webrtcUdp: config.mediamtx.webrtc_udp_port }),
  },
  media: mediaOptions(config),
  host: config.server.host,
  offers: { hls: true, webrtc: true },
  grace: config.mediamtx.process_termination_timeout,
})

/** RTSP of the media server. A server of our own listens on the same single address as the service. */
export function rtspPlace({ server, mediamtx }: Configuration): { host: string; port: number } {
  const isOurs = mediamtx.mode !== 'external' && mediamtx.host === local && !isAnyHost(server.host)
  return { host: isOurs ? server.host : mediamtx.host, port: mediamtx.rtsp_port }
}

/** The host to which the ffmpeg processes publish, as in a URL. */
export function publishHost(config: Configuration): string {
  const { host } = rtspPlace(config)
  return host === config.server.host ? hostInUrl(host) : local
}

/** Hosts and ports of the service and its media server, where no stream may lead. Without `host`: all our addresses. */
export function ownPlaces(
  config: Configuration,
  kind: ServerChoice['kind'] | undefined,
  authPort: number,
): { host?: string; ports: number[] }[] {
  const { server, mediamtx, http_health: health } = config
  const media = [...Object.values(mediaPorts(config)), mediamtx.api_port]
  const isExternal = kind === 'external'
  return [
    { ports: [server.port, health.port, authPort, ...(isExternal ? [] : media)] },
    ...(server.public_host ? [{ host: server.public_host, ports: [server.port, ...media] }] : []),
    ...publicPlaces(config),
    ...(isExternal ? [{ host: mediamtx.host, ports: media }] : []),
  ]
}

/** Where proxies of the service listen. */
const publicPlaces = ({ server, mediamtx }: Configuration) =>
  [server.public_url, mediamtx.public_rtsp_url, mediamtx.public_hls_url, mediamtx.public_webrtc_url].flatMap((text) => {
    if (text === '') return []
    const { host, port } = urlPlace(text)
    return [{ host, ports: [port] }]
  })
