import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { normalisePort, withoutBootNumbers } from '../../machines/domain/port.js'

/**
 * Returns the port of a device by names that last: with the half of its controller, and without the numbers that the
 * boot gives. `path` and `pathWithHalf` are those of udev. `formerPort`: see `UsbDevice`.
 */
export async function namedPort(
  { path, pathWithHalf }: { path?: string; pathWithHalf?: string },
  { index, syspath }: { index: number; syspath?: string },
): Promise<Pick<UsbDevice, 'port' | 'formerPort'>> {
  if (path === undefined) return {}
  const suffix = index > 0 ? `-video-index${index}` : ''
  const whole = pathWithHalf ?? ((await isFast(syspath)) ? path.replace(/-usb-(?=\d+:)/, '-usbv3-') : path)
  const { port } = normalisePort(`${lasting(whole, syspath)}${suffix}`)
  const former = usb2(normalisePort(`${path}${suffix}`).port)
  return { port, ...(former !== usb2(port) && { formerPort: former }) }
}

const usb2 = (port: string): string => port.replace('usbv3-', 'usb-')

/** True if the device is at the USB 3 half of its controller: the root hub of that half is faster than USB 2. */
async function isFast(syspath: string | undefined): Promise<boolean> {
  const [rootHub] = /^.*?\/usb\d+(?=\/)/.exec(syspath ?? '') ?? []
  if (rootHub === undefined) return false
  const speed = await readFile(`${rootHub}/speed`, 'utf8').catch(() => '')
  return Number(speed) >= 5_000
}

/** Names the controller by the device above it, which has its address from the hardware. */
function lasting(path: string, syspath: string | undefined): string {
  const [, controller] = /platform-([^/]+?\.\d+\.auto)(?=-|$)/.exec(path) ?? []
  const before = syspath?.split(`/${controller}/`)[0]
  if (controller === undefined || before === undefined || before === syspath) return withoutBootNumbers(path)
  const above = basename(before)
  const isLasting = above !== 'platform' && basename(dirname(before)) !== '' && !/\.auto$/.test(above)
  return withoutBootNumbers(isLasting ? path.replace(controller, above) : path)
}
