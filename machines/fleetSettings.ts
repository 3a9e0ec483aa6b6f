/** What a change of the configuration means for the fleet. Pure. */
import type { EventObject } from 'xstate'
import type { CameraSetup } from './cameraContext.js'
import type { CameraId, CameraSettings, LocalDevice } from './domain/camera.js'
import type { FleetSettings } from './domain/configuration.js'
import { entriesOf, keyOf } from './domain/entries.js'
import type { AddedStream } from './domain/external.js'
import type { CameraEntry } from './domain/ports.js'
import { configuredAt, type Present } from './domain/roster.js'
import { streamIdentity, streamKey } from './domain/streamUrl.js'
import type { FleetContext, Known } from './fleetContext.js'

/** The demonstration camera. */
const demoEntry: CameraEntry = { name: 'demo', source: { kind: 'virtual' }, enabled: true, settings: {} }

/** Only the first scan can add the demonstration camera. */
export function withDemo(
  { entries, streams, devices: before, demoWhenNone }: FleetContext,
  devices: LocalDevice[],
): CameraEntry[] {
  const found = devices.filter(({ kind }) => kind === 'usb').length + streams.length
  const isWanted = before === undefined && demoWhenNone && found === 0
  return !isWanted || entries.some((entry) => entry.enabled) ? entries : [...entries, demoEntry]
}

/** The parts of the context that the settings replace. What a client has set stays. */
export function contextAfter(context: FleetContext, settings: FleetSettings) {
  const { endsOnUnplug, maxInterruption, adapts = false, priority, storage, retention, external } = settings
  const keepsDemo = context.entries.includes(demoEntry) && !settings.entries.some(({ name }) => name === demoEntry.name)
  const isSetByClient = context.externalStreams.interval !== undefined
  return {
    entries: keepsDemo ? [...settings.entries, demoEntry] : settings.entries,
    endsOnUnplug,
    adapts,
    maxInterruption,
    priority,
    storage,
    retention,
    external: {
      ...context.external,
      skydio: external.skydio,
      generic: external.generic,
      ...(!isSetByClient && { interval: external.interval }),
    },
    externalStreams: { ...context.externalStreams, maxStreams: external.maxStreams },
  }
}

/** The cameras that the configuration no longer has, or ignores from now on. An unplugged camera is another matter. */
export function droppedCameras({ entries, streams, devices, told }: FleetContext, next: CameraEntry[]): CameraId[] {
  const own = entriesOf(devices ?? [], next)
  const [before, after] = [namedKeys(entries), namedKeys(next)]
  // An added stream that is configured now is another camera.
  const replaced = streams.filter(({ url }) => !configuredAt(url, entries) && configuredAt(url, next))
  const replacedKeys = new Set(replaced.map(({ url }) => streamIdentity(url)))
  return (Object.entries(told) as [CameraId, Known][]).flatMap(
    ([
      id,
      {
        identity: { key },
        device,
      },
    ]) => {
      const isGone = (before.has(key) && !after.has(key)) || replacedKeys.has(key)
      const isIgnored = device?.kind === 'usb' && own.get(device.node)?.enabled === false
      return isGone || isIgnored ? [id] : []
    },
  )
}

/** These cameras count as unplugged. */
export const withoutDevices = (told: FleetContext['told'], cameras: readonly CameraId[]): FleetContext['told'] =>
  Object.fromEntries(
    Object.entries(told).map(([id, known]) =>
      known && cameras.includes(id as CameraId) ? [id, { ...known, device: undefined }] : [id, known],
    ),
  )

const namedKeys = (entries: readonly CameraEntry[]) =>
  new Set(entries.flatMap((entry) => (entry.enabled ? (keyOf(entry) ?? []) : [])))

export const setupOf = (
  { endsOnUnplug = false, maxInterruption, adapts = false }: FleetContext,
  { name, settings }: Present,
): CameraSetup => ({
  name,
  settings,
  endsOnUnplug,
  ...(maxInterruption !== undefined && { maxInterruption }),
  ...(adapts && { adapts }),
})

type Child = 'storage' | 'retention' | 'externalDiscovery' | 'externalStreams'
type Next = ReturnType<typeof contextAfter>

/** The events by which the services of the fleet take their settings. */
export function settingsEvents(before: FleetContext, next: Next): [Child, EventObject][] {
  const { entries, storage, retention, external, externalStreams } = next
  const { interval, skydio, generic } = external
  const events: [Child, EventObject][] = []
  const add = (child: Child, type: string, settings: object) => events.push([child, { type, ...settings }])
  if (!isSame(storage, before.storage)) add('storage', 'limits.set', storage)
  if (retentionDiffers(before, next)) add('retention', 'retention.configured', retention)
  add('externalDiscovery', 'kinds.set', { skydio, generic })
  if (interval !== before.external.interval) add('externalDiscovery', 'interval.set', { interval })
  add('externalStreams', 'streams.configured', { entries, maxStreams: externalStreams.maxStreams })
  return events
}

/** True if retention must look at its rules again: the limits of cameras are rules, too. */
const retentionDiffers = (before: FleetContext, next: Pick<FleetContext, 'retention' | 'entries'>): boolean => {
  const limitsOf = ({ entries }: Pick<FleetContext, 'entries'>) =>
    entries.map(({ name, settings }) => ({ name, limits: settings.limits }))
  return !isSame([before.retention, limitsOf(before)], [next.retention, limitsOf(next)])
}

export const isSame = (one: object, other: object) => JSON.stringify(one) === JSON.stringify(other)

/** True if the stream is the same with both settings: they differ at most in what does not concern it. */
export const isSameStream = (one: CameraSettings, other: CameraSettings) => isSame(streamOf(one), streamOf(other))

const streamOf = ({ name: _, priority: __, limits: ___, skipFrames: ____, ...stream }: CameraSettings) => stream

export const withoutStream = (streams: AddedStream[], key: string): AddedStream[] =>
  streams.filter(({ url }) => streamKey(url) !== key)
