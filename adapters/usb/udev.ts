import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { normalisePort } from '../../machines/domain/port.js'
import { attempt } from '../attempt.js'

/** The udev properties of a device. */
export type Properties = Record<string, string | null | undefined>

/** The part of the npm package `udev` that is used here. */
export interface Udev {
  list(subsystem: string): Properties[]
  monitor(subsystem: string): Pick<EventEmitter, 'on' | 'off'>
}

/** Returns `undefined` if the optional package is not installed or does not load on this host. */
export const loadUdev = (): Udev | undefined => attempt(() => createRequire(import.meta.url)('udev'))

/** Returns `undefined` for other devices, and for nodes without pictures: every UVC camera has a metadata node. */
export function fromProperties(properties: Properties): UsbDevice | undefined {
  const {
    DEVNAME: node,
    ID_BUS,
    ID_PATH,
    ID_V4L_CAPABILITIES,
    ID_V4L_PRODUCT,
    ID_MODEL_ENC,
    ID_MODEL,
    DEVLINKS,
  } = properties
  const vendorId = properties.ID_USB_VENDOR_ID ?? properties.ID_VENDOR_ID
  const productId = properties.ID_USB_MODEL_ID ?? properties.ID_MODEL_ID
  const serial = properties.ID_USB_SERIAL_SHORT ?? properties.ID_SERIAL_SHORT
  if (!node || !vendorId || !productId || (ID_BUS && ID_BUS !== 'usb') || !ID_V4L_CAPABILITIES?.includes(':capture:'))
    return undefined
  const index = /-video-index(\d+)/.exec(DEVLINKS ?? '')?.[1]
  return {
    kind: 'usb',
    node,
    vendorId: vendorId.toLowerCase(),
    productId: productId.toLowerCase(),
    model: modelName(ID_V4L_PRODUCT ?? decoded(ID_MODEL_ENC) ?? ID_MODEL?.replaceAll('_', ' ') ?? 'USB camera'),
    ...(serial && { serial }),
    ...(ID_PATH && { port: normalisePort(`${ID_PATH}${index ? `-video-index${index}` : ''}`).port }),
  }
}

/** UVC devices often give their name twice: `Test Cam: Test Cam`. */
export function modelName(text: string): string {
  const name = text.trim().replace(/\s+/g, ' ')
  const [, once] = /^(.+): \1$/.exec(name) ?? []
  return once ?? (name || 'USB camera')
}

/** udev writes special characters as `\x20`. */
const decoded = (text: string | null | undefined): string | undefined =>
  text?.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
