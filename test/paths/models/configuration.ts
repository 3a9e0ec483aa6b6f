import { configurationMachine } from '../../../machines/configuration.js'
import type { ConfigPlan, ConfigRequest, LiveSettings } from '../../../machines/domain/configuration.js'
import { because } from '../../../machines/domain/reason.js'
import { model } from '../model.js'
import { ann, crashes, demo, fails, resolves, sends, yard } from './examples.js'
import { limits } from './storage.js'

export const settings: LiveSettings = {
  fleet: {
    entries: [demo, yard],
    endsOnUnplug: false,
    priority: 50,
    storage: limits,
    retention: { policy: { type: 'manual', enabled: false }, checkInterval: 1_000 },
    external: { interval: 0, maxStreams: 0, skydio: false, generic: false },
  },
  tuning: {
    logLevel: 'info',
    rateLimits: { requests: 1, window: 1, addressRequests: 1, failures: 1, pauseMax: 1 },
    snapshots: { format: 'jpg', quality: 90, maxAge: 0 },
    recordings: { format: 'fmp4' },
    scan: {},
  },
  rollbackTimeout: 30_000,
  history: 10,
}

export const plan: ConfigPlan = {
  text: 'logging: { level: debug }',
  writes: true,
  changes: [{ key: 'logging.level', from: 'info', to: 'debug', applies: 'live' }],
  needsRestart: [],
  warnings: [],
  settings,
}
export const request: ConfigRequest = { origin: 'client', by: ann, patch: { logging: { level: 'debug' } } }

const configuration = model(configurationMachine, {
  starts: {
    start: { text: '', settings },
    'after a crash': { text: '', settings, unconfirmed: { plan, request } },
  },
  events: [
    { type: 'config.request', request },
    { type: 'config.request', request: { origin: 'signal' } },
    { type: 'settings.applied', scope: { cameras: ['camera0'], server: true } },
    { type: 'settings.applied', scope: { cameras: [], server: true } },
  ],
  effects: {
    watchFile: [sends('file.changed'), crashes],
    planChange: [{ done: plan }, { done: { ...plan, changes: [] } }, fails('config_invalid')],
    applyChange: [resolves, fails('config_conflict')],
    revertChange: [{ done: { fileDiffers: false } }, fails('config_conflict')],
    keepVersion: [{ done: 1 }, fails('storage_full')],
    watchHealth: [sends('health.judged'), sends('health.judged', { fault: because('config_unhealthy') }), crashes],
  },
  bound: 12_000,
})

export const configurations = [configuration]
