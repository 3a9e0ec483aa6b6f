/** Configuration → settings that apply while the service runs. Pure; durations in ms. */
import type { LiveSettings } from '../../machines/domain/configuration.js'
import type { Configuration } from '../schema.js'
import { retentionSettings, storageSettings } from './actors.js'
import { rateLimitOptions, requestDefaults } from './api.js'
import { scanPlan } from './ports.js'

export const liveSettings = (config: Configuration): LiveSettings => {
  const { recording, external_discovery: external } = config
  return {
    fleet: {
      entries: config.cameras,
      endsOnUnplug: recording.on_unplug === 'stop',
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
    },
    tuning: {
      logLevel: config.logging.level,
      rateLimits: rateLimitOptions(config),
      ...requestDefaults(config),
      scan: scanPlan(config),
    },
    rollbackTimeout: config.config.rollback_timeout,
    history: config.config.history,
  }
}
