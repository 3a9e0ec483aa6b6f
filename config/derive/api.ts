/** Configuration → options of the API and the health endpoints. Pure; durations in ms. */
import { hostInUrl, isLoopback, urlPlace } from '../../machines/domain/address.js'
import { keptValues } from '../../machines/domain/kept.js'
import type { ServerChoice } from '../../machines/domain/ports.js'
import type { Configuration } from '../schema.js'
import { mediaPorts } from './mediaServer.js'

/** Rate limits of users and addresses, and the lockout after failed logins. */
export const rateLimitOptions = ({ security }: Configuration) => ({
  requests: security.rate_limit_requests,
  addressRequests: security.rate_limit_address_requests,
  window: security.rate_limit_window,
  failures: security.auth_failures,
  pauseMax: security.auth_pause_max,
})

/** Defaults of requests for snapshots and recordings. */
export const requestDefaults = ({ snapshots, recording }: Configuration) => ({
  snapshots: { format: snapshots.format, quality: snapshots.quality, maxAge: snapshots.freshness },
  recordings: { format: recording.format },
})

/** The API, apart from its ports. `consoleDir`: the folder of the built console. */
export const rpcOptions = (config: Configuration, consoleDir = '') => {
  const { server, security, console: page } = config
  return {
    host: server.host,
    port: server.port,
    path: server.websocket_path,
    alsoListen: server.also_listen,
    allowedIps: server.allowed_ips,
    ...trustedOf(server),
    corsOrigins: [...security.cors_origins, ...(server.public_url ? [new URL(server.public_url).origin] : [])],
    ...(page.enabled && { console: { dir: consoleDir } }),
    ...(server.public_host && { publicHost: hostInUrl(server.public_host) }),
    ...tlsOptions(config),
    limits: { ...rpcLimits(config), rate: rateLimitOptions(config) },
    urls: {
      ...prefixOf(config),
      streamLife: security.stream_url_life,
      maxStreamLife: security.stream_url_max_life,
      fileLife: security.file_url_life,
      bindAddress: security.stream_url_bind_address,
      openStreams: security.streams === 'open',
    },
    ...requestDefaults(config),
    simulation: config.simulation.enabled,
    ...(config.inspect.enabled && {
      inspect: { allowedIps: config.inspect.allowed_ips, maxClients: config.inspect.max_clients },
    }),
  }
}

const trustedOf = ({ trusted_proxies: proxies }: Configuration['server']) =>
  proxies.length > 0 ? { trustedProxies: proxies } : {}

/** The path of `server.public_url`, if it has one. */
function prefixOf({ server: { public_url: url } }: Configuration): { prefix?: string } {
  const path = url && urlPlace(url).path
  return path ? { prefix: path } : {}
}

/** The host of `server.public_url` in the form of a URL; empty without one. */
const publicName = ({ server: { public_url: url } }: Configuration): string => url && hostInUrl(urlPlace(url).host)

const rpcLimits = ({ server }: Configuration) => ({
  maxConnections: server.max_connections,
  maxConnectionsPerAddress: server.max_connections_per_address,
  maxUnauthenticatedPerAddress: server.max_unauthenticated_per_address,
  maxMessageSize: server.max_message_size,
  maxBuffered: server.max_send_buffer,
  eventBuffer: server.event_buffer,
  pingInterval: server.ping_interval,
  pongWait: server.pong_wait,
  authenticationTimeout: server.authentication_timeout,
  expiryGrace: server.expiry_grace,
})

/** Empty without a certificate. */
function tlsOptions({ server: { tls } }: Configuration) {
  const { cert_file: certFile, key_file: keyFile, client_ca_file: ca, client_certificate: clientCertificate } = tls
  if (certFile === '') return {}
  return { tls: { certFile, keyFile, ...(ca && { clientCaFile: ca }), clientCertificate, clients: tls.clients } }
}

/** The protocols of the running media server besides RTSP, and whether it encrypts them. */
interface ServedProtocols {
  hls: boolean
  webrtc: boolean
  encrypted?: { hls: boolean; webrtc: boolean }
}

/**
 * Returns what each kind of media server offers to clients: always the same object for the same offers. `host` is
 * absent if it is the host that the client connected to. `served`: how a managed server was started, or what was read
 * from an external one. Called per request.
 */
export function streamUrlOptions(config: Configuration) {
  const { mediamtx } = config
  const ports = mediaPorts(config)
  const publicUrls = {
    ...(mediamtx.public_rtsp_url && { rtsp: mediamtx.public_rtsp_url }),
    ...(mediamtx.public_hls_url && { hls: mediamtx.public_hls_url }),
    ...(mediamtx.public_webrtc_url && { webrtc: mediamtx.public_webrtc_url }),
  }
  const name = publicName(config)
  const common = { ports, ...(name && { host: name }), ...(Object.keys(publicUrls).length > 0 && { publicUrls }) }
  const external = { ...common, ...(!isLoopback(mediamtx.host) && { host: hostInUrl(mediamtx.host) }) }
  const kept = keptValues()
  return (kind: ServerChoice['kind'] | undefined, served: ServedProtocols) => {
    const isExternal = kind === 'external'
    const hasMore = kind !== 'embedded'
    const hls = isExternal || (hasMore && served.hls)
    const webrtc = isExternal || (hasMore && served.webrtc)
    const encrypted = {
      hls: hls && served.encrypted?.hls === true,
      webrtc: webrtc && served.encrypted?.webrtc === true,
    }
    return kept(ports, kind ?? 'managed', [hls, webrtc, encrypted.hls, encrypted.webrtc], () => ({
      ...(isExternal ? external : common),
      hls,
      webrtc,
      ...((encrypted.hls || encrypted.webrtc) && { encrypted }),
    }))
  }
}

/** `undefined` if health and metrics are not served. */
export const healthOptions = ({ server, simulation, http_health: health }: Configuration) =>
  health.enabled
    ? {
        host: health.host,
        port: health.port,
        internalOnly: health.internal_only,
        hosts: [server.public_host, server.public_url && urlPlace(server.public_url).host].filter(Boolean),
        allowedIps: health.allowed_ips,
        ...trustedOf(server),
        withMetrics: health.enable_metrics,
        ...(simulation.enabled && { simulation: true }),
      }
    : undefined
