import { nobody } from '../../../machines/domain/by.js'
import { because } from '../../../machines/domain/reason.js'
import { streamKey } from '../../../machines/domain/streamUrl.js'
import { fleetMachine } from '../../../machines/fleet.js'
import type { FleetInput } from '../../../machines/fleetContext.js'
import { model, type Outcome } from '../model.js'
import { plan, request, settings } from './configuration.js'
import { gate, plugged } from './discovery.js'
import { ann, camera, crashes, demo, down, fails, full, resolves, sends, yard } from './examples.js'
import { scenario } from './simulation.js'
import { limits } from './storage.js'

const [front, back] = [plugged('SN1', '/dev/video0'), plugged('SN2', '/dev/video2')]
const input: FleetInput = {
  entries: [],
  demoWhenNone: true,
  pollEvery: 10_000,
  storage: limits,
  link: { seed: 1, resetAfter: 30_000 },
}
const configured = { ...settings.fleet, entries: [demo] }
const scanned = (...devices: (typeof front)[]): Outcome => sends('devices.scanned', { devices })

const stopped = [
  'link',
  'storage',
  'discovery',
  'externalDiscovery',
  'externalStreams',
  'configuration',
  'retention',
  'quarantine',
  'indexing',
  'simulation',
]

const fleet = model(fleetMachine, {
  starts: {
    empty: input,
    configured: { ...input, entries: [demo, yard] },
    simulated: { ...input, simulation: scenario },
  },
  events: [
    { type: 'system.stop', reason: 'SIGTERM' },
    { type: 'system.ping', id: 1 },
    { type: 'device.simulate', camera, away: true },
    { type: 'device.simulate', camera, away: false },
    { type: 'camera.rename', camera, name: 'Front Door', by: ann },
    { type: 'camera.rename', camera, name: '', by: ann },
  ],
  effects: {
    loadRegistry: [{ done: { next: 0, cameras: [], sharedSerials: [] } }, fails('storage_failed')],
    saveRegistry: [resolves, fails('storage_full')],
    settlePaths: [resolves, fails('server_unreachable')],
    camera: [{ done: undefined }, sends('writing.began'), crashes],
    // It only ends after `server.end`.
    serverProcess: (snapshot) => [
      ...(snapshot.matches({ serving: { cameras: 'ending' } }) ? [resolves] : []),
      sends('server.changed'),
      crashes,
    ],
    discovery: [scanned(), scanned(front), scanned(front, back), crashes],
    link: [
      sends('server.restored'),
      sends('server.lost', { reason: down }),
      sends('server.silent'),
      sends('server.answers'),
      crashes,
    ],
    simulation: [sends('device.simulate', { camera, away: true }), sends('disk.simulated'), crashes],
    storage: [
      sends('storage.freed'),
      sends('storage.freed', { gradually: true }),
      sends('storage.blocked', { reason: full }),
      sends('storage.strained', { reason: because('storage_priority') }),
      sends('storage.relaxed'),
      sends('storage.pressed', { missing: { bytes: 1_000, files: 0 } }),
      crashes,
    ],
    externalStreams: [
      sends('streams.changed', { streams: [gate] }),
      sends('stream.removed', { key: streamKey(gate.url), by: ann }),
      sends('interval.changed', { interval: 60_000 }),
      crashes,
    ],
    configuration: [
      sends('settings.changed', { settings: { ...settings, fleet: configured }, by: nobody }),
      sends('change.pending', { plan, request }),
      sends('change.settled', { text: plan.text, settings }),
      crashes,
    ],
    externalDiscovery: [crashes],
    mediaSessions: [crashes],
    clockWatch: [crashes],
    retention: [crashes],
    quarantine: [crashes],
    indexing: [crashes],
  },
  ends: [{ type: 'system.stop', reason: 'SIGTERM' }],
  spawned: ({ context }) => Object.keys(context.told),
  rests: [...stopped.map((name) => `serving.${name}.off`), 'serving.start', 'serving.crashes.calm'],
  bound: 30_000,
})

export const fleets = [fleet]
