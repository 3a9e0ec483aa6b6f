/** Configuration → settings that apply while the service runs. Pure; durations in ms. */
import type { LiveSettings } from '../../machines/domain/configuration.js'
import type { Configuration } from '../schema.js'
import { fleetSettings } from './actors.js'
import { rateLimitOptions, requestDefaults } from './api.js'
import { scanPlan } from './ports.js'

export const liveSettings = (config: Configuration): LiveSettings => ({
  fleet: fleetSettings(config),
  tuning: {
    logLevel: config.logging.level,
    rateLimits: rateLimitOptions(config),
    ...requestDefaults(config),
    scan: scanPlan(config),
  },
  rollbackTimeout: config.config.rollback_timeout,
  history: config.config.history,
})
