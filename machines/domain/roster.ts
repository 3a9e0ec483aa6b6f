/** The cameras that should exist, with their ids: plugged in, configured, or added by clients. */
import type { CameraId, CameraSettings, Device, Identity, RtspDevice, UsbDevice } from './camera.js'
import type { AddedStream } from './external.js'
import { identify, identifyNamed } from './identity.js'
import type { CameraEntry, Registry } from './ports.js'
import { streamIdentity, streamKey } from './streamUrl.js'

/** A camera that is present. */
export interface Present {
  id: CameraId
  name: string
  identity: Identity
  settings: CameraSettings
  device: Device
}

/**
 * Returns all cameras that are present, with their ids. `away`: virtual cameras that are unplugged in the simulation.
 */
export function roster(
  {
    devices,
    entries,
    streams,
    away,
  }: { devices: UsbDevice[]; entries: CameraEntry[]; streams: AddedStream[]; away: CameraId[] },
  registry: Registry,
): { registry: Registry; present: Present[]; changed: boolean } {
  const wanted = devices.filter((device) => entryOf(device, entries)?.enabled !== false)
  const usb = identify(wanted, registry)
  const present: Present[] = usb.found.map(({ id, device, identity }) => {
    const entry = entryOf(device, entries)
    return { id, device, identity, name: entry?.name ?? device.model, settings: entry?.settings ?? {} }
  })
  let next = usb.registry
  let changed = usb.changed
  for (const { name, source, enabled, settings } of entries) {
    if (!enabled || source.kind === 'usb') continue
    const named = identifyNamed(`${source.kind}:${name}`, next)
    next = named.registry
    changed ||= named.changed
    const device: Device = source.kind === 'rtsp' ? { ...source, name } : { kind: 'virtual', name }
    if (!away.includes(named.id)) present.push({ id: named.id, name, identity: named.identity, settings, device })
  }
  for (const { name, url } of streams) {
    // The stream may have been added to the configuration later.
    if (configuredAt(url, entries)) continue
    const { registry, id, identity, changed: isNew } = identifyNamed(streamIdentity(url), next)
    next = registry
    changed ||= isNew
    present.push({ id, name, identity, settings: {}, device: { kind: 'rtsp', name, url, added: true } })
  }
  return { registry: next, present, changed }
}

/** Returns the entry `usb:<serial or port>` of this device. */
export const entryOf = ({ serial, port }: UsbDevice, entries: CameraEntry[]): CameraEntry | undefined =>
  entries.find(({ source }) => source.kind === 'usb' && (source.match === serial || source.match === port))

/** Returns the configured camera with this source, enabled or not. */
export const configuredAt = (url: string, entries: readonly CameraEntry[]): CameraEntry | undefined =>
  entries.find(({ source }) => source.kind === 'rtsp' && streamKey(source.url) === streamKey(url))

/** False if the device changed, so that the camera must be opened again. */
export function isSameDevice(one: Device, other: Device): boolean {
  if (one.kind === 'usb' && other.kind === 'usb') return one.node === other.node && one.port === other.port
  return one.kind === 'rtsp' && other.kind === 'rtsp' ? isSameAccess(one, other) : one.kind === other.kind
}

/** Compares all but the name, which may change while the stream runs. */
const isSameAccess = (one: RtspDevice, other: RtspDevice): boolean => {
  const parts = (device: RtspDevice) => Object.entries({ ...device, name: '' }).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(parts(one)) === JSON.stringify(parts(other))
}
