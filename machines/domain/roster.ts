/** The cameras that should exist, with their ids: plugged in, configured, or added by clients. */
import type { CameraId, CameraSettings, Device, Identity, LocalDevice, RtspDevice, V4l2Device } from './camera.js'
import { entriesOf, isMeant, keyOf, linkTo, settingsKey } from './entries.js'
import type { AddedStream } from './external.js'
import { identify, identifyNamed } from './identity.js'
import type { CameraEntry, Registry } from './ports.js'
import { because, type Reason } from './reason.js'
import { streamIdentity, streamKey } from './streamUrl.js'

/** A camera that is present. */
export interface Present {
  id: CameraId
  name: string
  identity: Identity
  settings: CameraSettings
  device: Device
  /** Its entry in the configuration: `settingsKey`. */
  entry?: string
}

/** An entry of the configuration that no device matches. */
export interface Absent {
  name: string
  /** `settingsKey` */
  entry: string
  reason: Reason
}

interface Wanted {
  devices: LocalDevice[]
  entries: CameraEntry[]
  streams: AddedStream[]
  /** Virtual cameras that are unplugged in the simulation. */
  away: CameraId[]
}

interface Roster {
  registry: Registry
  present: Present[]
  changed: boolean
  absent: Absent[]
  /** Capture devices that are not USB, and that no entry names. */
  ignored: V4l2Device[]
}

/** Returns all cameras that are present, with their ids. */
export function roster({ devices, entries, streams, away }: Wanted, registry: Registry): Roster {
  const own = entriesOf(devices, entries)
  const wanted = devices
    .filter((device) => device.kind === 'usb')
    .filter(({ node }) => own.get(node)?.enabled !== false)
  const usb = identify(wanted, registry)
  const present: Present[] = usb.found.map(({ id, device, identity }) => {
    const entry = own.get(device.node)
    const settings = entry?.settings ?? {}
    return {
      id,
      device,
      identity,
      name: entry?.name ?? device.model,
      settings,
      ...(entry && { entry: settingsKey(entry) }),
    }
  })
  let next = usb.registry
  let changed = usb.changed
  const add = (
    key: string,
    evidence: Parameters<typeof identifyNamed>[2],
    camera: Omit<Present, 'id' | 'identity'>,
  ) => {
    const named = identifyNamed(key, next, evidence)
    next = named.registry
    changed ||= named.changed
    const { id, identity } = named
    if (!away.includes(id)) present.push({ id, identity, ...camera })
  }
  for (const entry of entries) {
    const { name, source, enabled, settings } = entry
    const key = keyOf(entry)
    if (!enabled || source.kind === 'usb' || key === undefined) continue
    const camera = { name, settings, entry: settingsKey(entry) }
    if (source.kind === 'v4l2') {
      const device = devices.find((one) => own.get(one.node) === entry)
      if (device?.kind === 'v4l2') add(key, evidenceOf(source.path), { ...camera, device })
    } else add(key, undefined, { ...camera, device: { ...source, name } })
  }
  for (const { name, url } of streams) {
    // The stream may have been added to the configuration later.
    if (configuredAt(url, entries)) continue
    add(streamIdentity(url), undefined, { name, settings: {}, device: { kind: 'rtsp', name, url, added: true } })
  }
  return {
    registry: next,
    present: present.map((camera) => renamed(camera, next)),
    changed,
    absent: absentIn(entries, devices, own),
    ignored: devices.filter((device) => device.kind === 'v4l2').filter(({ node }) => !own.has(node)),
  }
}

/** A name that a client has set replaces the others. */
const renamed = (camera: Present, { cameras }: Registry): Present => {
  const { name = camera.name } = cameras.find(({ id }) => id === camera.id) ?? {}
  return { ...camera, name }
}

/** The number of a node lasts for loopback devices only; a path is a place, like a USB port. */
const evidenceOf = (path: string): Pick<Identity, 'basis' | 'confidence'> => ({
  basis: 'port',
  confidence: /^\/dev\/video\d+$/.test(path) ? 'low' : 'medium',
})

function absentIn(entries: CameraEntry[], devices: LocalDevice[], own: Map<string, CameraEntry>): Absent[] {
  const matched = new Set(own.values())
  return entries.flatMap((entry): Absent[] => {
    const { name, source, enabled } = entry
    if (!enabled || matched.has(entry) || (source.kind !== 'usb' && source.kind !== 'v4l2')) return []
    const isUsb = source.kind === 'v4l2' && devices.some((device) => linkTo(device, source.path))
    const isSecond = devices.some((device) => isMeant(device, entry))
    const reason = isUsb
      ? because('entry_unmatched', 'the device of this entry is a USB camera: write usb: instead of v4l2:')
      : isSecond
        ? because('entry_unmatched', 'another entry of the configuration means the same camera')
        : because('entry_unmatched')
    return [{ name, entry: settingsKey(entry), reason }]
  })
}

/** Returns the configured camera with this source, enabled or not. */
export const configuredAt = (url: string, entries: readonly CameraEntry[]): CameraEntry | undefined =>
  entries.find(({ source }) => source.kind === 'rtsp' && streamKey(source.url) === streamKey(url))

/** False if the device changed, so that the camera must be opened again. */
export function isSameDevice(one: Device, other: Device): boolean {
  if (one.kind === 'usb' && other.kind === 'usb') {
    const isSamePlug = one.node === other.node && one.port === other.port && one.plug === other.plug
    return isSamePlug && String(one.otherNodes) === String(other.otherNodes)
  }
  if (one.kind === 'v4l2' && other.kind === 'v4l2') return one.node === other.node
  return one.kind === 'rtsp' && other.kind === 'rtsp' ? isSameAccess(one, other) : one.kind === other.kind
}

/** Compares all but the name, which may change while the stream runs. */
const isSameAccess = (one: RtspDevice, other: RtspDevice): boolean => {
  const parts = (device: RtspDevice) => Object.entries({ ...device, name: '' }).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(parts(one)) === JSON.stringify(parts(other))
}
