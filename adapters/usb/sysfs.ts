import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { normalisePort } from '../../machines/domain/port.js'
import { modelName } from './udev.js'

/** Lists the USB cameras from the kernel's folders, for hosts without udev (containers). */
export async function listBySysfs({ sysDir, devDir }: { sysDir: string; devDir: string }): Promise<UsbDevice[]> {
  const folder = join(sysDir, 'class/video4linux')
  const names = await readdir(folder).catch(() => [])
  const devices = await Promise.all(
    names.filter((name) => /^video\d+$/.test(name)).map((name) => describe(join(folder, name), join(devDir, name))),
  )
  return devices.filter((device) => device !== undefined)
}

async function describe(entry: string, node: string): Promise<UsbDevice | undefined> {
  // The first node of a UVC camera gives pictures, the second one metadata.
  if ((await text(join(entry, 'index'))) !== '0') return undefined
  const usbInterface = await realpath(join(entry, 'device')).catch(() => undefined)
  if (usbInterface === undefined) return undefined
  const usbDevice = dirname(usbInterface)
  const [vendorId, productId, serial, name] = await Promise.all([
    text(join(usbDevice, 'idVendor')),
    text(join(usbDevice, 'idProduct')),
    text(join(usbDevice, 'serial')),
    text(join(entry, 'name')),
  ])
  if (!vendorId || !productId) return undefined
  const port = await portOf(usbInterface)
  return {
    kind: 'usb',
    node,
    vendorId: vendorId.toLowerCase(),
    productId: productId.toLowerCase(),
    model: modelName(name ?? ''),
    ...(serial && { serial }),
    ...(port && { port: normalisePort(port).port }),
  }
}

/**
 * Returns what udev calls ID_PATH: the controllers on the way to the interface, one of each kind, and its place on the
 * bus.
 */
async function portOf(usbInterface: string): Promise<string | undefined> {
  const [, place] = /^[\d]+-(.+)$/.exec(basename(usbInterface)) ?? []
  if (place === undefined) return undefined
  let path = `usb-0:${place}`
  let last = 'usb'
  for (let at = dirname(usbInterface); dirname(at) !== at && basename(at) !== 'devices'; at = dirname(at)) {
    const subsystem = await readlink(join(at, 'subsystem')).then(basename, () => undefined)
    if (subsystem !== last && (subsystem === 'pci' || subsystem === 'platform'))
      path = `${subsystem}-${basename(at)}-${path}`
    last = subsystem ?? last
  }
  return path
}

const text = async (file: string): Promise<string | undefined> =>
  (await readFile(file, 'utf8').catch(() => undefined))?.trim()
