import { busOf } from '../../adapters/usb/usage.js'
import type { Configuration } from '../../config/schema.js'
import type { LocalDevice } from '../../machines/domain/camera.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'

/** Formats that a USB camera compresses itself. */
const compressed = /^(MJPG|JPEG|H264|HEVC|H265|VP8|VP9)$/

type Asked = Pick<DoctorHost, 'udev' | 'cameras' | 'formats' | 'holder' | 'stat' | 'mayUse' | 'groupName' | 'children'>

/** udev, the permission for each camera, programs that use one, and cameras that share a bus. */
export async function checkCameras({ data_dir }: Configuration, host: Asked): Promise<Finding[]> {
  const devices = await host.cameras()
  const each = await Promise.all(devices.map((device) => cameraFinding(device, data_dir, host)))
  const none = ok('cameras', 'no USB camera is plugged in')
  return [udevFinding(host), ...(devices.length === 0 ? [none] : each), ...(await busFindings(devices, host))]
}

function udevFinding(host: Pick<DoctorHost, 'udev'>): Finding {
  const { runs, loads } = host.udev()
  const polling = 'cameras are found by polling once a second'
  if (!runs)
    return warn('udev', `udevd does not run here: ${polling}`, 'in a container, mount /run/udev of the host read-only')
  if (!loads)
    return warn(
      'udev',
      `its addon does not load in Node ${process.version}: ${polling}`,
      'build or install the service again with this Node and the package libudev-dev',
    )
  return ok('udev', 'it reports cameras at once')
}

async function cameraFinding(device: LocalDevice, dataDir: string, host: Asked): Promise<Finding> {
  const { node, model } = device
  const check = `camera ${node}`
  const about = await host.stat(node)
  if (about === undefined)
    return fail(check, `${model}: the device is not in this file system`, 'in a container, mount /dev of the host')
  if (!(await host.mayUse(node))) {
    const group = await host.groupName(about.gid)
    const canJoin = (about.mode & 0o060) === 0o060 && about.gid !== 0
    const fix = canJoin
      ? `add the user of the service to the group: usermod -aG ${group} camera-service, then restart the service`
      : `let a group use it, as in a rule of udev: SUBSYSTEM=="video4linux", GROUP="video", MODE="0660"`
    return fail(check, `${model}: this user may not read and write it (group ${group})`, fix)
  }
  const holder = host.holder(node)
  if (holder !== undefined && !host.children(dataDir).includes(holder.pid))
    return warn(check, `${model}: ${holder.command} (pid ${holder.pid}) uses it`, `end ${holder.command}`)
  return ok(check, `${model}: it may be used`)
}

/** Two cameras that send uncompressed pictures usually need more than one bus carries. */
async function busFindings(devices: readonly LocalDevice[], host: Pick<DoctorHost, 'formats'>): Promise<Finding[]> {
  const buses = new Map<string, string[]>()
  for (const device of devices) {
    const bus = busOf(device)
    if (bus === undefined) continue
    const formats = await host.formats(device.node)
    if (formats.length > 0 && !formats.some((format) => compressed.test(format)))
      buses.set(bus, [...(buses.get(bus) ?? []), device.node])
  }
  return [...buses].flatMap(([bus, nodes]) =>
    nodes.length < 2
      ? []
      : [
          warn(
            `bus ${bus}`,
            `${nodes.join(', ')} send uncompressed pictures over one USB controller, which may carry only one of them`,
            'plug one into a port of another controller (lsusb -t shows them), or use a smaller size or rate',
          ),
        ],
  )
}
