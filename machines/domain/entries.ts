/** Which entry of the configuration means which device. */
import type { LocalDevice } from './camera.js'
import { normaliseSerial } from './identity.js'
import { normalisePort, withoutBootNumbers } from './port.js'
import type { CameraEntry } from './ports.js'

/** `046d:0825` */
export const isModel = (match: string): boolean => /^[0-9a-f]{4}:[0-9a-f]{4}$/.test(match)

/** What identifies a camera that is not USB; `undefined` for USB cameras. */
export const keyOf = ({ name, key = name, source }: CameraEntry): string | undefined =>
  source.kind === 'usb' ? undefined : `${source.kind}:${source.kind === 'v4l2' ? source.path : key}`

/** What tells an entry from others: that of a camera, or the selector of a USB camera. */
export const settingsKey = (entry: CameraEntry): string =>
  keyOf(entry) ?? `usb:${entry.source.kind === 'usb' ? entry.source.match : ''}`

/** True if the text is the node of the device, or a lasting link to it. */
export const linkTo = (device: LocalDevice, path: string): boolean =>
  device.node === path || device.links?.includes(path) === true

/** Ways in which an entry means a device, the most exact first. */
const ways: ((device: LocalDevice, source: CameraEntry['source']) => boolean)[] = [
  (device, source) => {
    if (device.kind === 'v4l2') return source.kind === 'v4l2' && linkTo(device, source.path)
    if (source.kind !== 'usb') return false
    const { serial, port, links } = device
    const { match } = source
    return (
      (serial !== undefined && (match === serial || match === normaliseSerial(serial))) ||
      (port !== undefined && placeOf(match) === port) ||
      links?.includes(match) === true
    )
  },
  // As an earlier version, or udev, names the port: without the half and with the number of the boot.
  (device, source) => {
    if (device.kind !== 'usb' || source.kind !== 'usb' || device.port === undefined) return false
    const { port, formerPort = port } = device
    const wanted = withoutBootNumbers(placeOf(source.match))
    return [port, formerPort].some((name) => withoutBootNumbers(name.replace('usbv3-', 'usb-')) === wanted)
  },
  (device, source) =>
    device.kind === 'usb' && source.kind === 'usb' && source.match === `${device.vendorId}:${device.productId}`,
]

/** True if the entry means the device, also if another entry comes first. */
export const isMeant = (device: LocalDevice, { source }: CameraEntry): boolean =>
  ways.some((means) => means(device, source))

/** `/dev/v4l/by-path/pci-…-usb-0:1:1.0-video-index0` names a port. */
const placeOf = (match: string): string => normalisePort(match.replace(/^.*\//, '')).port

/**
 * Returns the entry of each device, by its node. An entry that means a device exactly means no other one. One that
 * names a model means all cameras of the model that have no other entry.
 */
export function entriesOf(devices: readonly LocalDevice[], entries: readonly CameraEntry[]): Map<string, CameraEntry> {
  const own = new Map<string, CameraEntry>()
  const used = new Set<CameraEntry>()
  for (const means of ways) {
    const found = devices.flatMap((device) => {
      if (own.has(device.node)) return []
      const entry = entries.find((one) => !used.has(one) && means(device, one.source))
      return entry === undefined ? [] : [[device.node, entry] as const]
    })
    for (const [node, entry] of found) {
      own.set(node, entry)
      used.add(entry)
    }
  }
  return own
}
