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
 * | no serial (or zeros only) | by port, for devices of the same model |
 * | same serial and port, another function of the device | one device with two cameras (colour, infrared), no twins |
 * | no port, or one port for several devices (virtual drivers) | by model, in the order of the nodes: low confidence |
 *
 * A port key includes the serial, so that a port never gives one unit's id to another unit of the same model.
 */
import { type CameraId, cameraNumber, type Identity, type UsbDevice } from './camera.js'
import type { Registry } from './ports.js'

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
  const ports = counted(
    shown.filter(({ serialKey, serial }) => !serialKey || isShared(serial)).map(({ portKey }) => portKey),
  )
  const orders = new Map<string, number>()

  const cameras = registry.cameras.map(({ id, keys }) => ({
    id,
    keys: keys.filter((key) => !sharedSerials.some((serial) => isKeyOf(serial, key))),
  }))
  let next = Math.max(registry.next, 0, ...cameras.map(({ id }) => cameraNumber(id) + 1))
  const taken = new Set<CameraId>()
  const claim = (key: string, portKey?: string): CameraId => {
    // In a registry that was edited by hand, one camera may have the keys of two.
    const known = cameras.find(({ id, keys }) => keys.includes(key) && !taken.has(id))
    if (!known) {
      const id: CameraId = `camera${next++}`
      cameras.push({ id, keys: portKey ? [key, portKey] : [key] })
      taken.add(id)
      return id
    }
    if (portKey && !known.keys.includes(portKey))
      known.keys = [...known.keys.filter((old) => !old.startsWith('port:')), portKey]
    taken.add(known.id)
    return known.id
  }

  const found = shown.map(({ device, serial, serialKey, portKey, modelKey }): Found => {
    const ambiguous = isShared(serial)
    if (serialKey && !ambiguous)
      return {
        id: claim(serialKey, portKey),
        device,
        identity: { key: serialKey, basis: 'serial', confidence: 'high', ambiguous },
      }
    if (portKey && ports.get(portKey) === 1) {
      return { id: claim(portKey), device, identity: { key: portKey, basis: 'port', confidence: 'medium', ambiguous } }
    }
    const order = orders.get(modelKey) ?? 0
    orders.set(modelKey, order + 1)
    const key = `${modelKey}:${order}`
    return { id: claim(key), device, identity: { key, basis: 'model', confidence: 'low', ambiguous } }
  })

  const kept = { next, cameras, sharedSerials }
  return {
    registry: kept,
    found: found.sort((a, b) => cameraNumber(a.id) - cameraNumber(b.id)),
    changed: JSON.stringify(kept) !== JSON.stringify(plain(registry)),
  }
}

/** Returns the camera id of a configured camera (`virtual:demo`, `rtsp:yard`) or of an added stream (its URL). */
export function identifyNamed(
  key: string,
  registry: Registry,
): { registry: Registry; id: CameraId; identity: Identity; changed: boolean } {
  const identity: Identity = { key, basis: 'name', confidence: 'high', ambiguous: false }
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

/**
 * Returns a unique name of the port: `usbv2-` and `usbv3-` become `usb-`, the first video function (`:1.0`, index 0) is
 * omitted. `place` is the socket; `port` also has the function, for a device with several cameras.
 */
export function normalisePort(port: string): { port: string; place: string } {
  const [, before, socket, wanted, index] =
    /^(.*?)usb(?:v\d+)?-(\d+:[\d.]+?)(?::(\d+\.\d+))?(?:-video-index(\d+))?$/.exec(port) ?? []
  if (before === undefined || socket === undefined) return { port, place: port }
  const place = `${before}usb-${socket}`
  const functionPart = wanted && wanted !== '1.0' ? `:${wanted}` : ''
  const indexPart = index && index !== '0' ? `-video-index${index}` : ''
  return { place, port: `${place}${functionPart}${indexPart}` }
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
  serialKey?: string
  portKey?: string
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
    return {
      device,
      modelKey: `model:${model}`,
      ...(place !== undefined && { place }),
      ...(serial !== undefined && { serial, serialKey: `serial:${serial}${part && `/${part}`}` }),
      ...(port !== undefined && { portKey: `port:${serial ?? model}/${port}` }),
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
const plain = ({ next, cameras, sharedSerials }: Registry): Registry => ({
  next,
  cameras: cameras.map(({ id, keys }) => ({ id, keys })),
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
