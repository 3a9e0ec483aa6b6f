/** Configuration → options of `adapters/open.ts`. Pure; durations in ms. */
import type { ScanPlan } from '../../machines/domain/external.js'
import type { ServerChoice } from '../../machines/domain/ports.js'
import type { Configuration } from '../schema.js'
import { auditLimits, jwtSecretSources, keyDefaults, tokenOptions } from './access.js'
import {
  apiUrl,
  mediaAuthPlace,
  mediaServerOptions,
  ownPlaces,
  pathDefaults,
  publishHost,
  rtspPlace,
  serverProcessOptions,
  startLimit,
} from './mediaServer.js'

type Kind = ServerChoice['kind'] | undefined

/** Everything that the ports need. */
export const portOptions = (config: Configuration) => ({
  dataDir: config.data_dir,
  access: {
    jwtSecret: jwtSecretSources(config),
    jwtKeys: config.security.jwt_keys,
    tokens: tokenOptions(config),
    keys: keyDefaults(config),
    audit: auditLimits(config),
  },
  paths: (recordings: string) => pathDefaults(config, recordings),
  mediaServer: mediaServerOptions(config),
  apiUrl: (kind: Kind, own: { user: string; password: string }) => apiUrl(config, kind, own),
  mediaAuth: mediaAuthPlace(config),
  /** True: an external media server must ask this service for permission of its readers. */
  isProtected: config.security.streams !== 'open',
  serverProcess: serverProcessOptions(config),
  externalRtsp: { host: config.mediamtx.host, port: config.mediamtx.rtsp_port },
  rtsp: { ...rtspPlace(config), startTimeout: startLimit(config) },
  publishHost: publishHost(config),
  probeTimeout: config.camera.capability_timeout,
  pictures: pictureLimits(config),
  scan: { plan: scanPlan(config), ...scanOptions(config) },
  ownPlaces: (kind: Kind, authPort: number) => ownPlaces(config, kind, authPort),
})

/** Time limits of the programs that take pictures. */
export const pictureLimits = ({ snapshots }: Configuration) => ({
  direct: snapshots.tier0_timeout,
  ffmpeg: snapshots.tier1_timeout,
  stream: snapshots.tier3_timeout,
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

/** Time limit of one address and port, and the number of parallel ones. */
export const scanOptions = ({ external_discovery: external }: Configuration) => ({
  hostLimit: external.host_timeout,
  concurrency: external.max_concurrent_scans,
})
