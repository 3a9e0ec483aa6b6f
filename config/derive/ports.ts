/** Configuration → options of `adapters/open.ts`. Pure; durations in ms. */
import type { ScanPlan } from '../../machines/domain/external.js'
import type { ServerChoice } from '../../machines/domain/ports.js'
import type { Scenario } from '../../machines/domain/simulation.js'
import type { Configuration } from '../schema.js'
import { jwtSecretSources, keyDefaults, tokenOptions } from './access.js'
import {
  apiUrl,
  needsEncryption,
  ownPlaces,
  pathDefaults,
  publishHost,
  rtspPlace,
  serverProcessOptions,
  startLimit,
} from './mediaServer.js'

type Kind = ServerChoice['kind'] | undefined

/** Everything that the ports need. `scenario`: of `serve --simulate`. */
export const portOptions = (config: Configuration, scenario?: Scenario) => ({
  dataDir: config.data_dir,
  access: {
    jwtSecret: jwtSecretSources(config),
    jwtKeys: config.security.jwt_keys,
    tokens: tokenOptions(config),
    keys: keyDefaults(config),
    audit: { maxSize: config.audit.max_size, maxFiles: config.audit.max_files },
  },
  journal: {
    enabled: config.journal.enabled,
    maxSize: config.journal.max_size,
    maxAge: config.journal.max_age,
  },
  fallbackDir: config.storage.fallback_path,
  paths: (recordings: string) => pathDefaults(config, recordings),
  mediaServer: {
    timeout: config.mediamtx.timeout,
    threshold: config.mediamtx.circuit_breaker.failure_threshold,
  },
  apiUrl: (kind: Kind, own: { user: string; password: string }) => apiUrl(config, kind, own),
  /** The server that answers the media server's questions for permission. */
  mediaAuth: { host: config.mediamtx.auth_host, port: config.mediamtx.auth_port },
  /** True: an external media server must ask this service for permission of its readers. */
  isProtected: config.security.streams !== 'open',
  serverProcess: { ...serverProcessOptions(config), ...(scenario && { modeFrom: 'serve --simulate' }) },
  externalRtsp: { host: config.mediamtx.host, port: config.mediamtx.rtsp_port },
  neededEncryption: needsEncryption(config),
  rtsp: { ...rtspPlace(config), startTimeout: startLimit(config) },
  publishHost: publishHost(config),
  probeTimeout: config.camera.capability_timeout,
  /** Time limits of the programs that take pictures. */
  pictures: {
    direct: config.snapshots.tier0_timeout,
    ffmpeg: config.snapshots.tier1_timeout,
    stream: config.snapshots.tier3_timeout,
  },
  skipFrames: config.snapshots.skip_frames,
  /** `hostLimit`: time limit of one address and port. */
  scan: {
    plan: scanPlan(config),
    hostLimit: config.external_discovery.host_timeout,
    concurrency: config.external_discovery.max_concurrent_scans,
  },
  ownPlaces: (kind: Kind, authPort: number) => ownPlaces(config, kind, authPort),
  ...(config.simulation.enabled && {
    simulation: {
      levels: { warnPercent: config.storage.warn_percent, blockPercent: config.storage.block_percent },
      ...(scenario && { scenario }),
    },
  }),
})

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
