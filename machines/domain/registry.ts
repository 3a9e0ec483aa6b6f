/** The registry of identities, and what earlier versions wrote into it. */
import type { Registry } from './ports.js'
import { isPlaceholder } from './serials.js'

/**
 * The version of the keys. 2: the port has the half of the controller and a name of it that lasts. The layout of the
 * file is the same, so that an earlier service still reads it.
 */
export const keyVersion = 2

const prefix = 'was:'

/** A key as an earlier version wrote it: the device that it meant claims it once, and gets its own key then. */
export const formerKey = (key: string): string => `${prefix}${key}`
export const isFormer = (key: string): boolean => key.startsWith(prefix)

/** Serials that are known to be none since: their keys identify no unit any more. */
const isOfPlaceholder = (key: string): boolean => {
  const [, serial] = /^serial:[0-9a-f]{4}:[0-9a-f]{4}:([^/]+)/.exec(key) ?? []
  return serial !== undefined && isPlaceholder(serial)
}

/**
 * Returns the registry of an earlier version with its keys marked: in `port:…usb-0:2`, the USB 3 half may be meant, and
 * `xhci-hcd.9.auto` may have another number now. No camera and no id is lost.
 */
export function carriedOver(registry: Registry): Registry {
  const isOlder = (registry.keyVersion ?? 1) < keyVersion
  const marked = (key: string): string =>
    (isOlder && key.startsWith('port:')) || isOfPlaceholder(key) ? formerKey(key) : key
  const cameras = registry.cameras.map((camera) => ({ ...camera, keys: camera.keys.map(marked) }))
  return { ...registry, keyVersion, cameras }
}
