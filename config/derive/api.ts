/** Configuration → options of the API and the health endpoints. Pure; durations in ms. */
import { hostInUrl, isLoopback } from '../../machines/domain/address.js'
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

/** The API, apart from its ports. */
export const rpcOptions = (config: Configuration) => {
  const { server, security } = config
  return {
    host: server.host,
    port: server.port,
    path: server.websocket_path,
    alsoListen: server.also_listen,
    allowedIps: server.allowed_ips,
    corsOrigins: security.cors_origins,
    ...(server.public_host && { publicHost: hostInUrl(server.public_host) }),
    ...tlsOptions(config),
    limits: { ...rpcLimits(config), rate: rateLimitOptions(config) },
    urls: {
      streamLife: security.stream_url_life,
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

/**
 * Returns what each kind of media server offers to clients: always the same object for the same offers. `host` is
 * absent if it is this host. `started`: the protocols with which a managed server was started. Called per request.
 */
export function streamUrlOptions(config: Configuration) {
  const { host } = config.mediamtx
  const ports = mediaPorts(config)
  const embedded = { hls: false, webrtc: false, ports }
  const external = { hls: true, webrtc: true, ports, ...(!isLoopback(host) && { host: hostInUrl(host) }) }
  const kept = keptValues()
  return (kind: ServerChoice['kind'] | undefined, { hls, webrtc }: { hls: boolean; webrtc: boolean }) => {
    if (kind === 'external') return external
    if (kind === 'embedded') return embedded
    return kept(ports, 'managed', [hls, webrtc], () => ({ hls, webrtc, ports }))
  }
}

/** `undefined` if health and metrics are not served. */
export const healthOptions = ({ server, simulation, http_health: health }: Configuration) =>
  health.enabled
    ? {
        host: health.host,
        port: health.port,
        internalOnly: health.internal_only,
        hosts: server.public_host ? [server.public_host] : [],
        allowedIps: health.allowed_ips,
        withMetrics: health.enable_metrics,
        ...(simulation.enabled && { simulation: true }),
      }
    : undefined
