/** Configuration → options of each part. Pure: one function per part, named after it. Durations in ms. */
import { join } from 'node:path'
import { hostInUrl, isAnyHost, isLoopback } from '../machines/domain/address.js'
import type { ScanPlan } from '../machines/domain/external.js'
import type { CaptureDefaults, ServerChoice } from '../machines/domain/ports.js'
import type { RetentionPolicy } from '../machines/domain/retention.js'
import type { Configuration } from './schema.js'

/** The local address of a media server that the service starts. */
const local = '127.0.0.1'

/** Where the key of the tokens comes from, apart from the data directory. */
export const jwtSecretSources = ({ security }: Configuration) => ({
  value: security.jwt_secret_key,
  file: security.jwt_secret_file,
})

/** For tokens of every issuer. */
export const tokenOptions = ({ security }: Configuration) => ({
  issuer: security.jwt_issuer,
  audience: security.jwt_audience,
  tolerance: security.jwt_clock_tolerance,
})

/** Lifetime of a key that is created without one, and the number of valid keys. */
export const keyDefaults = ({ api_key_management: keys }: Configuration) => ({
  expiry: keys.default_expiry,
  maxKeys: keys.max_keys,
})

/** Size in bytes. */
export const auditLimits = ({ audit }: Configuration) => ({ maxSize: audit.max_size, maxFiles: audit.max_files })

/** Rate limits of users and addresses, and the lockout after failed logins. */
export const rateLimitOptions = ({ security }: Configuration) => ({
  requests: security.rate_limit_requests,
  addressRequests: security.rate_limit_address_requests,
  window: security.rate_limit_window,
  failures: security.auth_failures,
  pauseMax: security.auth_pause_max,
})

// ---------------------------------------------------------------- media server

/** Options that all paths share. `recordings` is the folder of the data directory. */
export const pathDefaults = ({ mediamtx, recording }: Configuration, recordings: string) => ({
  closeAfter: mediamtx.run_on_demand_close_after,
  startTimeout: mediamtx.run_on_demand_start_timeout,
  partDuration: recording.part_duration,
  segmentDuration: recording.segment_duration,
  recordPath: join(recordings, '%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
})

/** Time for a stream to start. A little longer than that of the media server, which knows the reason of a failure. */
export const startLimit = ({ mediamtx }: Configuration): number => mediamtx.run_on_demand_start_timeout + 2_000

const mediaPorts = ({ mediamtx }: Configuration) => ({
  rtsp: mediamtx.rtsp_port,
  hls: mediamtx.hls_port,
  webrtc: mediamtx.webrtc_port,
})

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

/** Calls of the control API. */
export const mediaServerOptions = ({ mediamtx }: Configuration) => ({
  timeout: mediamtx.timeout,
  breaker: {
    threshold: mediamtx.circuit_breaker.failure_threshold,
    resetTimeout: mediamtx.circuit_breaker.recovery_timeout,
  },
})

/** The server that answers the media server's questions for permission. */
export const mediaAuthPlace = ({ mediamtx }: Configuration) => ({ host: mediamtx.auth_host, port: mediamtx.auth_port })

/** A media server that the service finds or starts. */
export const serverProcessOptions = (config: Configuration) => ({
  mode: config.mediamtx.mode,
  api: { host: config.mediamtx.host, port: config.mediamtx.api_port },
  ports: { api: config.mediamtx.api_port, ...mediaPorts(config) },
  host: config.server.host,
  offers: { hls: true, webrtc: true },
  grace: config.mediamtx.process_termination_timeout,
})

/** RTSP of the media server. A server of our own listens on the same single address as the service. */
export function rtspPlace({ server, mediamtx }: Configuration): { host: string; port: number } {
  const isOurs = mediamtx.mode !== 'external' && mediamtx.host === local && !isAnyHost(server.host)
  return { host: isOurs ? server.host : mediamtx.host, port: mediamtx.rtsp_port }
}

/** Health checks of the media server. */
export const linkDelays = ({ mediamtx }: Configuration) => ({
  interval: mediamtx.health_check_interval,
  checkLimit: mediamtx.health_check_timeout,
})

/** What the media server offers to clients. `host` is absent if it is this host. */
export const streamUrlOptions = (config: Configuration, kind: ServerChoice['kind'] | undefined) => ({
  ...(kind === 'external' && !isLoopback(config.mediamtx.host) && { host: config.mediamtx.host }),
  hls: kind !== 'embedded',
  webrtc: kind !== 'embedded',
  ports: mediaPorts(config),
})

// ---------------------------------------------------------------- cameras

/** ffmpeg processes, and the host to which they publish. */
export const pipelineOptions = (config: Configuration) => {
  const { host } = rtspPlace(config)
  return {
    firstFrameWithin: config.mediamtx.run_on_demand_start_timeout,
    publishHost: host === config.server.host ? hostInUrl(host) : local,
  }
}

/** Capture settings of cameras without their own. */
export const captureDefaults = ({ camera, mediamtx: { codec } }: Configuration): CaptureDefaults => ({
  ...camera.size,
  fps: camera.fps,
  codec: {
    profile: codec.video_profile,
    level: codec.video_level,
    pixelFormat: codec.pixel_format,
    preset: codec.preset,
    bitrate: codec.bitrate,
  },
})

/** Time limits of the programs that take pictures. */
export const pictureLimits = ({ snapshots }: Configuration) => ({
  direct: snapshots.tier0_timeout,
  ffmpeg: snapshots.tier1_timeout,
  stream: snapshots.tier3_timeout,
})

/** Time limits of the tiers. */
export const snapshotDelays = ({ snapshots }: Configuration) => ({
  directLimit: snapshots.tier0_timeout,
  ffmpegLimit: snapshots.tier1_timeout,
  liveLimit: snapshots.tier2_timeout,
  wakeLimit: snapshots.tier3_timeout,
})

/** Input of the fleet, apart from what the data directory keeps. `interval`: between scans, as a client has set it. */
export const fleetInput = (config: Configuration, interval?: number) => {
  const { camera, cameras, storage, external_discovery: external } = config
  return {
    entries: cameras,
    demoWhenNone: config.simulation.demo_camera,
    pollEvery: camera.poll_interval,
    storage: { warnPercent: storage.warn_percent, blockPercent: storage.block_percent },
    retention: { policy: retentionPolicy(config), checkInterval: config.retention_policy.check_interval },
    external: {
      enabled: external.enabled,
      interval: interval ?? external.scan_interval,
      atStart: external.enable_startup_scan,
      skydio: external.skydio.enabled,
      generic: external.generic_uav.enabled,
    },
  }
}

/** Time for the cameras to close their files at a stop. The rest of `shutdown_timeout` is for the media server. */
export const drainLimit = ({ server, mediamtx }: Configuration): number =>
  Math.max(1_000, server.shutdown_timeout - mediamtx.process_termination_timeout - 500)

/** The policy until a client sets one. */
export const retentionPolicy = ({ retention_policy: policy }: Configuration): RetentionPolicy => ({
  type: policy.type,
  enabled: policy.enabled,
  ...(policy.type === 'age' && { maxAgeDays: policy.max_age_days }),
  ...(policy.type === 'size' && { maxSizeGb: policy.max_size_gb }),
})

// ---------------------------------------------------------------- external streams

/** The addresses that scans may call. */
export const scanPlan = ({ external_discovery: { skydio, generic_uav: generic } }: Configuration): ScanPlan => ({
  ...(skydio.enabled && {
    skydio: {
      ranges: skydio.network_ranges,
      hosts: skydio.known_ips,
      eoPort: skydio.eo_port,
      irPort: skydio.ir_port,
      eoPath: skydio.eo_stream_path,
      irPath: skydio.ir_stream_path,
      both: skydio.enable_both_streams,
    },
  }),
  ...(generic.enabled && {
    generic: {
      ranges: generic.network_ranges,
      hosts: generic.known_ips,
      ports: generic.common_ports,
      paths: generic.stream_paths,
    },
  }),
})

/** Time limit of one address and port, and the number of parallel ones. */
export const scanOptions = ({ external_discovery: external }: Configuration) => ({
  hostLimit: external.host_timeout,
  concurrency: external.max_concurrent_scans,
})

/** Streams that clients add. */
export const externalLimits = ({ external_discovery: external }: Configuration) => ({
  maxStreams: external.max_streams,
  scanLimit: external.scan_timeout,
})

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
    ...(isExternal ? [{ host: mediamtx.host, ports: media }] : []),
  ]
}

// ---------------------------------------------------------------- API

/** The API, apart from its ports. */
export const rpcOptions = (config: Configuration) => {
  const { server, security, snapshots } = config
  return {
    host: server.host,
    port: server.port,
    path: server.websocket_path,
    alsoListen: server.also_listen,
    allowedIps: server.allowed_ips,
    corsOrigins: security.cors_origins,
    ...(server.public_host && { publicHost: server.public_host }),
    ...tlsOptions(config),
    limits: { ...rpcLimits(config), rate: rateLimitOptions(config) },
    urls: {
      streamLife: security.stream_url_life,
      fileLife: security.file_url_life,
      bindAddress: security.stream_url_bind_address,
      openStreams: security.streams === 'open',
    },
    snapshots: { format: snapshots.format, quality: snapshots.quality, maxAge: snapshots.freshness },
    recordings: { format: config.recording.format },
    simulation: config.simulation.enabled,
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

/** `undefined` if health and metrics are not served. */
export const healthOptions = ({ server, http_health: health }: Configuration) =>
  health.enabled
    ? {
        host: health.host,
        port: health.port,
        internalOnly: health.internal_only,
        hosts: server.public_host ? [server.public_host] : [],
        allowedIps: health.allowed_ips,
        withMetrics: health.enable_metrics,
      }
    : undefined
