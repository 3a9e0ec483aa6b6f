/** Configuration → options of the actors. Pure; durations in ms. */

import type { FleetSettings } from '../../machines/domain/configuration.js'
import type { StorageSettings } from '../../machines/domain/diskRoom.js'
import type { ExternalState } from '../../machines/domain/external.js'
import type { CaptureDefaults } from '../../machines/domain/ports.js'
import type { RetentionPolicy, RetentionSettings } from '../../machines/domain/retention.js'
import { noScenario, type Scenario } from '../../machines/domain/simulation.js'
import type { Configuration } from '../schema.js'
import { startLimit } from './mediaServer.js'

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
  encoder: codec.encoder,
})

/** Time for the cameras to close their files at a stop. The rest of `shutdown_timeout` is for the media server. */
export const drainLimit = ({ server: { shutdown_timeout: limit }, mediamtx }: Configuration): number =>
  Math.max(Math.min(1_000, limit / 2), limit - mediamtx.process_termination_timeout - 500)

/** Time for the removal of the cameras' paths after that. */
export const releaseLimit = ({ server }: Configuration): number => Math.min(2_000, server.shutdown_timeout / 10)

/** The policy until a client sets one. */
export const retentionPolicy = ({ retention_policy: policy }: Configuration): RetentionPolicy => ({
  type: policy.type,
  enabled: policy.enabled,
  ...(policy.type === 'age' && { maxAgeDays: policy.max_age_days }),
  ...(policy.type === 'size' && { maxSizeGb: policy.max_size_gb }),
})

/** Limits and intervals of the effects. */
export const actorOptions = (config: Configuration) => {
  const { camera, mediamtx, recording, snapshots, storage, external_discovery: external } = config
  return {
    defaults: captureDefaults(config),
    startLimit: startLimit(config),
    closeAfter: mediamtx.run_on_demand_close_after,
    segmentDuration: recording.segment_duration,
    sourceInterval: camera.poll_interval,
    retireAfter: camera.retire_after,
    deviceScanLimit: camera.detection_timeout,
    linkCheckLimit: mediamtx.health_check_timeout,
    linkInterval: mediamtx.health_check_interval,
    hangLimit: mediamtx.hang_timeout,
    storageInterval: storage.check_interval,
    streamScanLimit: external.scan_timeout,
    drainLimit: drainLimit(config),
    releaseLimit: releaseLimit(config),
    tiers: {
      directLimit: snapshots.tier0_timeout,
      ffmpegLimit: snapshots.tier1_timeout,
      liveLimit: snapshots.tier2_timeout,
      wakeLimit: snapshots.tier3_timeout,
    },
  }
}

/** True if recordings have different priorities. */
const isGraded = ({ recording, cameras }: Configuration): boolean =>
  cameras.some(({ settings: { priority = recording.priority } }) => priority !== recording.priority)

const storageSettings = (config: Configuration): StorageSettings => {
  const { storage } = config
  return {
    warnPercent: storage.warn_percent,
    blockPercent: storage.block_percent,
    minFree: storage.min_free,
    interval: storage.check_interval,
    isGraded: isGraded(config),
    freeTarget: storage.free_target,
  }
}

const retentionSettings = (config: Configuration): RetentionSettings => ({
  policy: retentionPolicy(config),
  checkInterval: config.retention_policy.check_interval,
  hasTarget: config.storage.free_target > 0,
  hasAgeLimits: config.cameras.some(({ settings }) => settings.limits?.maxAgeDays !== undefined),
})

/** The settings of the fleet that apply while it runs. */
export const fleetSettings = (config: Configuration): FleetSettings => {
  const { camera, cameras, recording, external_discovery: external } = config
  return {
    entries: cameras,
    endsOnUnplug: recording.on_unplug === 'stop',
    ...(camera.adapt && { adapts: true }),
    ...(recording.max_interruption > 0 && { maxInterruption: recording.max_interruption }),
    priority: recording.priority,
    storage: storageSettings(config),
    retention: retentionSettings(config),
    external: {
      interval: external.scan_interval,
      maxStreams: external.max_streams,
      skydio: external.skydio.enabled,
      generic: external.generic_uav.enabled,
    },
  }
}

/** Input of the root. `kept`: the streams and the interval that clients have set. `scenario`: of `serve --simulate`. */
export const fleetInput = (config: Configuration, kept: ExternalState, scenario?: Scenario) => {
  const { camera, mediamtx, external_discovery: external } = config
  const {
    external: { maxStreams, interval, ...kinds },
    ...settings
  } = fleetSettings(config)
  return {
    ...settings,
    indexing: { enabled: config.recording.index, format: config.recording.format === 'mp4' ? 'mp4' : 'fmp4' } as const,
    hasFallback: config.storage.fallback_path !== '',
    demoWhenNone: config.simulation.demo_camera,
    pollEvery: camera.poll_interval,
    link: { resetAfter: mediamtx.circuit_breaker.recovery_timeout },
    mediaSessions: { startLimit: startLimit(config) },
    streams: kept.streams,
    external: {
      enabled: external.enabled,
      interval: kept.interval ?? interval,
      atStart: external.enable_startup_scan,
      ...kinds,
    },
    externalStreams: { maxStreams, ...(kept.interval !== undefined && { interval: kept.interval }) },
    ...(config.simulation.enabled && { simulation: scenario ?? noScenario }),
  }
}

/** Requests to the actors. */
export const askOptions = (config: Configuration) => ({
  startLimit: startLimit(config),
  autoCloseAfter: config.server.auto_close_after,
  simulation: config.simulation.enabled,
  scanLimit: config.external_discovery.scan_timeout,
  policy: retentionPolicy(config),
})

/** Access to streams. */
export const streamAccessOptions = ({ security, server }: Configuration) => ({
  open: security.streams === 'open',
  allowedIps: server.allowed_ips,
})
