import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { attempt } from '../attempt.js'
import { decoded, modelName } from './names.js'
import type { VideoNode } from './nodes.js'

/** The udev properties of a device. */
export type Properties = Record<string, string | null | undefined>

/** The part of the npm package `udev` that is used here. */
export interface Udev {
  list(subsystem: string): Properties[]
  monitor(subsystem: string): Pick<EventEmitter, 'on' | 'off'>
}

/** Returns `undefined` if the optional package is not installed or does not load on this host. */
export const loadUdev = (): Udev | undefined => attempt(() => createRequire(import.meta.url)('udev'))

/** Returns `undefined` for a node whose rules have not run yet. */
export function fromProperties(properties: Properties): VideoNode | undefined {
  const { DEVNAME: node, ID_BUS, ID_PATH: path, ID_V4L_CAPABILITIES: claim, syspath, DEVLINKS } = properties
  const { ID_V4L_PRODUCT, ID_MODEL_ENC, ID_MODEL, ID_PATH_WITH_USB_REVISION: pathWithHalf } = properties
  if (!node || typeof claim !== 'string') return undefined
  const vendorId = properties.ID_USB_VENDOR_ID ?? properties.ID_VENDOR_ID
  const productId = properties.ID_USB_MODEL_ID ?? properties.ID_MODEL_ID
  const serial = properties.ID_USB_SERIAL_SHORT ?? properties.ID_SERIAL_SHORT
  const isUsb = vendorId && productId && (!ID_BUS || ID_BUS === 'usb')
  const links = (DEVLINKS ?? '').split(' ').filter((link) => link.startsWith('/dev/v4l/'))
  return {
    node,
    index: Number(/-video-index(\d+)/.exec(DEVLINKS ?? '')?.[1] ?? 0),
    // ID_PATH is the same for the halves of a controller.
    owner: syspath ? dirname(dirname(syspath)) : node,
    captures: claim.includes(':capture:'),
    model: modelName(ID_V4L_PRODUCT ?? decoded(ID_MODEL_ENC) ?? ID_MODEL?.replaceAll('_', ' ') ?? ''),
    links: links.sort(),
    ...(syspath && { syspath }),
    ...(isUsb && {
      usb: {
        vendorId,
        productId,
        ...(serial && { serial }),
        ...(path && { path }),
        ...(pathWithHalf && { pathWithHalf }),
      },
    }),
  }
}
