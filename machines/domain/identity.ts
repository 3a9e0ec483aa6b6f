/**
 * Who a camera is. What it shows decides, best first: its serial, the port that it is plugged into, its model and order.
 *
 * | what is seen | what follows |
 * |---|---|
 * | a serial that was always single | the camera of that serial, at any port; the port is noted |
 * | two devices with one serial at once | the serial is shared from now on, for good: all that show it go by port, `ambiguous` |
 * | … the camera known by the serial is at the port noted for it | that one keeps its id, the twin gets its own |
 * | … none of them is at the noted port | nobody can tell: both get new ids, the old one waits for its port |
 * | … a twin came alone first, at another port | it was taken for the moved camera and keeps the id; the one that comes back is the new one |
 * | a shared serial, alone (reboot with one twin) | by port: its own id at its own port, a new id at a port where it never was |
 * | twins exchanged between their ports | nothing tells them apart: ids follow the ports, which `ambiguous` has said all along |
 * | no serial (or zeros only) | by port, for devices of the same model |
 * | serial and port alike, but another function of the device | one device with two cameras (colour and infrared): no twins |
 * | no port, or one port for several devices (virtual drivers) | by model, in order of the nodes: confidence low |
 *
 * A port key holds the serial too, so that a port never gives one unit's id to another unit of the same model.
 */
import { type CameraId, cameraNumber, type Identity, type UsbDevice } from './camera.js'
import type { Registry } from './ports.js'

export interface Found {
  id: CameraId
  device: UsbDevice
  identity: Identity
}

/**
 * Gives each device its camera id: the known one, else the next number. Does not depend on the order of `devices`; a device
 * that is given twice (same node) counts once. `found` is ordered by number; `changed`: the registry is to be saved.
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
    // Taken already: a registry that was edited by hand may give one camera the keys of two.
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

/** The same for a camera that the configuration names (`virtual:demo`, `rtsp:yard`) or whose URL a client has added. */
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
 * One name for one port: `usbv2-`, `usbv3-` are `usb-`, the first video function (`:1.0`, index 0) is not told.
 * `place` is the socket, `port` adds which function of a device with several cameras it is.
 */
export function normalisePort(port: string): { port: string; place: string } {
  const [, before, socket, wanted, index] =
    /^(.*?)usb(?:v\d+)?-(\d+:[\d.]+?)(?::(\d+\.\d+))?(?:-video-index(\d+))?$/.exec(port) ?? []
  if (before === undefined || socket === undefined) return { port, place: port }
  const place = `${before}usb-${socket}`
  return {
    place,
    port: `${place}${wanted && wanted !== '1.0' ? `:${wanted}` : ''}${index && index !== '0' ? `-video-index${index}` : ''}`,
  }
}

/** As udev writes serials, so that both ways of discovery agree; `undefined` when it tells no unit from another. */
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

/** Serials that are at two places now. */
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

/** The given registry in the order of our own fields, for comparing. */
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

/** `video10` after `video9`, the same in every locale. */
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
