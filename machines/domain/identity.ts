/**
 * Identifies cameras. Evidence, best first: the serial, the USB port, the model and the order of the nodes.
 *
 * | seen | result |
 * |---|---|
 * | a serial that was always unique | the camera of that serial, at any port; the port is noted |
 * | two devices with one serial at once | shared permanently: its devices are identified by port, `ambiguous` |
 * | … the known camera is at its noted port | it keeps its id, the twin gets a new one |
 * | … none of them is at the noted port | undecidable: both get new ids, the old id stays reserved for its port |
 * | … a twin came first, alone, elsewhere | it keeps the id as the moved camera; the returning one gets a new id |
 * | a shared serial, one device (reboot with one twin) | by port: the old id at a known port, else a new id |
 * | twins exchanged between their ports | indistinguishable: the ids stay with the ports (`ambiguous`) |
 * | a serial that many cameras report (`serials.ts`) | by port, `ambiguous` once two devices have it |
 * | no serial (or zeros only) | by port, for devices of the same model |
 * | same serial and port, another function of the device | one device with two cameras (colour, infrared), no twins |
 * | no port, or one port for several devices (virtual drivers) | by model, in the order of the nodes: low confidence |
 * | … two of that model, at once or ever | indistinguishable: `ambiguous` |
 *
 * A port key includes the serial, so that a port never gives one unit's id to another unit of the same model.
 * A key of an earlier version is claimed by the device that it meant, once: see `registry.ts`.
 */
import { type CameraId, cameraNumber, type Identity, type UsbDevice } from './camera.js'
import { normalisePort, withoutBootNumbers } from './port.js'
import type { Registry } from './ports.js'
import { because, type Reason } from './reason.js'
import { formerKey, isFormer } from './registry.js'
import { isPlaceholder } from './serials.js'

export interface Found {
  id: CameraId
  device: UsbDevice
  identity: Identity
}

/**
 * Returns the camera id of each device: the known id, else a new one with the next number. The order of `devices` does
 * not matter; a device that is listed twice (same node) counts once. `found` is ordered by number; `changed`: the
 * registry must be saved.
 */
export function identify(
  devices: UsbDevice[],
  registry: Registry,
): { registry: Registry; found: Found[]; changed: boolean } {
  const shown = evidenceOf(devices)
  const sharedSerials = [...new Set([...registry.sharedSerials, ...twinSerials(shown)])].sort()
  const isShared = (serial: string | undefined): boolean => serial !== undefined && sharedSerials.includes(serial)
  const cameras = registry.cameras.map((camera) => ({
    ...camera,
    keys: camera.keys.filter((key) => !sharedSerials.some((serial) => isKeyOf(serial, key))),
  }))
  const identities = identitiesOf(shown, cameras, isShared)
  const ids = claimsOf(shown, identities, cameras)
  let next = Math.max(registry.next, 0, ...cameras.map(({ id }) => cameraNumber(id) + 1))

  const found = shown.map(({ device, portKey }, at): Found => {
    const identity = identities[at] as Identity
    const known = cameras.find(({ id }) => id === ids[at])
    const notesPort = identity.basis === 'serial' && portKey !== undefined
    const keys = notesPort ? [identity.key, portKey] : [identity.key]
    if (known) {
      known.keys = keysAfter(known.keys, keys)
      return { id: known.id, device, identity }
    }
    const id: CameraId = `camera${next++}`
    cameras.push({ id, keys })
    return { id, device, identity }
  })

  const kept = { ...plain(registry), next, cameras, sharedSerials }
  return {
    registry: kept,
    found: found.sort((a, b) => cameraNumber(a.id) - cameraNumber(b.id)),
    changed: JSON.stringify(plain(kept)) !== JSON.stringify(plain(registry)),
  }
}

/** Returns the identity of each device, in their order. */
function identitiesOf(
  shown: Evidence[],
  cameras: Registry['cameras'],
  isShared: (serial: string | undefined) => boolean,
): Identity[] {
  const isUnit = ({ serial, isUnique }: Evidence): boolean => isUnique && !isShared(serial)
  const ports = counted(shown.filter((one) => !isUnit(one)).map(({ portKey }) => portKey))
  const isByPort = (one: Evidence): boolean => one.portKey !== undefined && ports.get(one.portKey) === 1
  const models = counted(shown.filter((one) => !isUnit(one) && !isByPort(one)).map(({ modelKey }) => modelKey))
  const orders = new Map<string, number>()
  return shown.map((one): Identity => {
    const { serial, serialKey = '', portKey = '', modelKey } = one
    const ambiguous = isShared(serial)
    if (isUnit(one)) return { key: serialKey, basis: 'serial', confidence: 'high', ambiguous }
    if (isByPort(one)) return { key: portKey, basis: 'port', confidence: 'medium', ambiguous }
    const order = orders.get(modelKey) ?? 0
    orders.set(modelKey, order + 1)
    const isOneOfSeveral = (models.get(modelKey) ?? 0) > 1 || cameras.some(({ keys }) => keys.includes(`${modelKey}:1`))
    return {
      key: `${modelKey}:${order}`,
      basis: 'model',
      confidence: 'low',
      ambiguous: ambiguous || isOneOfSeveral,
    }
  })
}

/**
 * Returns the known id of each device, or `undefined`. Keys of this version go first, for all devices: a key of an
 * earlier version must not take the camera of another device.
 */
function claimsOf(shown: Evidence[], identities: Identity[], cameras: Registry['cameras']): (CameraId | undefined)[] {
  const ids: (CameraId | undefined)[] = shown.map(() => undefined)
  const taken = new Set<CameraId>()
  const claim = (at: number, isKey: ((key: string) => boolean) | undefined) => {
    if (ids[at] !== undefined || isKey === undefined) return
    // In a registry that was edited by hand, one camera may have the keys of two.
    const known = cameras.find(({ id, keys }) => keys.some(isKey) && !taken.has(id))
    if (known === undefined) return
    ids[at] = known.id
    taken.add(known.id)
  }
  for (const at of shown.keys()) claim(at, (key) => key === identities[at]?.key)
  for (const way of formerWays) {
    for (const [at, one] of shown.entries()) claim(at, way(one, identities[at] as Identity))
  }
  return ids
}

/** How to find a device in the registry of an earlier version: the surest way first. */
const formerWays: ((one: Evidence, own: Identity) => ((key: string) => boolean) | undefined)[] = [
  ({ formerPortKey }, { basis }) =>
    basis === 'port' && formerPortKey !== undefined ? (key) => key === formerKey(formerPortKey) : undefined,
  // The host was started meanwhile, and its controllers have other numbers.
  ({ formerPortKey }, { basis }) => {
    if (basis !== 'port' || formerPortKey === undefined) return undefined
    const lasting = withoutBootNumbers(formerPortKey)
    return lasting === formerPortKey
      ? undefined
      : (key) => isFormer(key) && withoutBootNumbers(key) === formerKey(lasting)
  },
  // A placeholder was taken for a serial: its only unit may have moved before this version came.
  ({ serialKey, isUnique }, { ambiguous }) =>
    serialKey !== undefined && !isUnique && !ambiguous ? (key) => key === formerKey(serialKey) : undefined,
]

/** The keys of a camera that was found by `keys`: a new port replaces the old one, and what an earlier version wrote. */
function keysAfter(before: string[], keys: string[]): string[] {
  const isLasting = (key: string) => !isFormer(key) && !(key.startsWith('port:') && keys.some(isPortKey))
  const kept = before.filter((key) => keys.includes(key) || isLasting(key))
  return [...kept, ...keys.filter((key) => !kept.includes(key))]
}

const isPortKey = (key: string): boolean => key.startsWith('port:')

/** Why an identity is ambiguous. */
export const ambiguityOf = ({ basis }: Identity): Reason =>
  basis === 'model'
    ? because(
        'identity_ambiguous',
        'another camera of this model cannot be told apart from it: they are taken in the order of their device nodes',
      )
    : because('identity_ambiguous')

/** Returns the camera id of a configured camera (`virtual:demo`, `rtsp:yard`) or of an added stream (its URL). */
export function identifyNamed(
  key: string,
  registry: Registry,
  evidence: Pick<Identity, 'basis' | 'confidence'> = { basis: 'name', confidence: 'high' },
): { registry: Registry; id: CameraId; identity: Identity; changed: boolean } {
  const identity: Identity = { key, ...evidence, ambiguous: false }
  const known = registry.cameras.find(({ keys }) => keys.includes(key))
  if (known) return { registry, id: known.id, identity, changed: false }
  const number = Math.max(registry.next, 0, ...registry.cameras.map(({ id }) => cameraNumber(id) + 1))
  const id: CameraId = `camera${number}`
  return {
    registry: { ...registry, next: number + 1, cameras: [...registry.cameras, { id, keys: [key] }] },
    id,
    identity,
    changed: true,
  }
}

/** Normalises a serial as udev does, so that both ways of discovery agree; `undefined` if it identifies no unit. */
export function normaliseSerial(serial: string | undefined): string | undefined {
  const text = (serial ?? '')
    .trim()
    .replace(/\s+/g, '_')
    .replace(/[^\w#+\-.:=@\u0080-\uffff]/g, '_')
  return /^0*$/.test(text.replace(/[\x21-\x2f\x3a-\x40_]/g, '')) ? undefined : text
}

interface Evidence {
  device: UsbDevice
  place?: string
  /** `vendor:product:serial`. */
  serial?: string
  /** False for a serial that many cameras report. */
  isUnique: boolean
  serialKey?: string
  portKey?: string
  /** The port key as earlier versions wrote it. */
  formerPortKey?: string
  modelKey: string
}

function evidenceOf(devices: UsbDevice[]): Evidence[] {
  const byNode = new Map([...devices].sort(byEvidence).map((device) => [device.node, device]))
  return [...byNode.values()].sort(byEvidence).map((device) => {
    const model = `${device.vendorId}:${device.productId}`
    const text = normaliseSerial(device.serial)
    const serial = text === undefined ? undefined : `${model}:${text}`
    const { port, place } = device.port ? normalisePort(device.port) : {}
    const part = port !== undefined && place !== undefined ? port.slice(place.length) : ''
    const former = device.formerPort ?? port?.replace('usbv3-', 'usb-')
    return {
      device,
      modelKey: `model:${model}`,
      isUnique: text !== undefined && !isPlaceholder(text),
      ...(place !== undefined && { place }),
      ...(serial !== undefined && { serial, serialKey: `serial:${serial}${part && `/${part}`}` }),
      ...(port !== undefined && { portKey: `port:${serial ?? model}/${port}` }),
      ...(former !== undefined && { formerPortKey: `port:${serial ?? model}/${former}` }),
    }
  })
}

const isKeyOf = (serial: string, key: string): boolean =>
  key === `serial:${serial}` || key.startsWith(`serial:${serial}/`)

/** Returns the serials that are present at two places at once. */
function twinSerials(shown: Evidence[]): string[] {
  return shown.flatMap(({ serial, place, portKey }, at) =>
    serial !== undefined &&
    shown.some(
      (other, i) =>
        i > at &&
        other.serial === serial &&
        !(place !== undefined && other.place === place && other.portKey !== portKey),
    )
      ? [serial]
      : [],
  )
}

function counted(keys: (string | undefined)[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** Returns the registry with its fields in a fixed order, for comparison. */
const plain = ({ keyVersion, next, cameras, sharedSerials }: Registry): Registry => ({
  ...(keyVersion !== undefined && { keyVersion }),
  next,
  cameras: cameras.map(({ id, keys, name }) => ({ id, keys, ...(name !== undefined && { name }) })),
  sharedSerials,
})

function byEvidence(a: UsbDevice, b: UsbDevice): number {
  const sortKeys = ({ port, vendorId, productId, serial }: UsbDevice): string[] => [
    port ? normalisePort(port).port : '\uffff',
    vendorId,
    productId,
    serial ?? '',
  ]
  const [left, right] = [sortKeys(a), sortKeys(b)]
  for (const [at, text] of left.entries()) {
    const order = naturally(text, right[at] ?? '')
    if (order !== 0) return order
  }
  return naturally(a.node, b.node)
}

/** Compares texts with numbers by value, independent of the locale: `video10` after `video9`. */
export function naturally(a: string, b: string): number {
  const [left, right] = [a.split(/(\d+)/), b.split(/(\d+)/)]
  for (const [at, text] of left.entries()) {
    const other = right[at]
    if (other === undefined) return 1
    if (text === other) continue
    const difference = at % 2 === 1 ? Number(text) - Number(other) : 0
    if (difference !== 0) return difference
    return text < other ? -1 : 1
  }
  return left.length - right.length
}
