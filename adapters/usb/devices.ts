import { existsSync, watch as watchFiles } from 'node:fs'
import type { LocalDevice } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { naturally } from '../../machines/domain/identity.js'
import type { Dispose, Log, UsbDevices } from '../../machines/domain/ports.js'
import type { Evidence } from '../../machines/domain/reason.js'
import type { Run } from '../ffmpeg/run.js'
import { createNodeCheck } from './check.js'
import { devicesOf } from './nodes.js'
import { listBySysfs } from './sysfs.js'
import { fromProperties, loadUdev, type Udev } from './udev.js'

export interface UsbDevicesOptions {
  log: Log
  devDir?: string
  sysDir?: string
  /** Loads the optional package. */
  udev?: () => Udev | undefined
  /** Exists while udevd runs. In a container the package loads as well, but gets no events and lists nothing. */
  udevControl?: string
  /** Events within this time (ms) after the first one make a single hint: one plug causes several. */
  settleTime?: number
  run?: Run
}

/**
 * One monitor for the life of the process: closing a monitor of udev 1.0.1 aborts the process some time later. A
 * monitor keeps the process running, so that the process has to end with `process.exit`.
 */
const monitors = new WeakMap<Udev, ReturnType<Udev['monitor']>>()

/** Finds USB cameras and other capture devices with udev if udevd runs, otherwise in the kernel's own folders. Logs which of the two it uses. */
export function createUsbDevices(options: UsbDevicesOptions): UsbDevices {
  const { log, devDir = '/dev', sysDir = '/sys', udev: load = loadUdev } = options
  const { udevControl = '/run/udev/control', settleTime = 100 } = options
  // The kernel removes all nodes of a device at once.
  const removalTime = Math.min(10, settleTime)
  const udev = existsSync(udevControl) ? load() : undefined
  const check = createNodeCheck(options)

  return {
    async list(signal) {
      signal.throwIfAborted()
      const nodes = udev
        ? udev.list('video4linux').flatMap((properties) => fromProperties(properties) ?? [])
        : await listBySysfs({ sysDir, devDir })
      const devices = await devicesOf(nodes, check(signal))
      signal.throwIfAborted()
      return devices.sort(byPort)
    },

    watch(hint) {
      const mode = udev ? 'udev' : 'devfs'
      log.info(`USB cameras are found by ${udev ? 'udev events' : 'watching the device folder'} and by polling`, {
        mode,
      })
      let timer: NodeJS.Timeout | undefined
      let first: Evidence | undefined
      const tell = () => {
        const seen = first
        timer = undefined
        first = undefined
        hint(seen)
      }
      const changed = (evidence?: Evidence) => {
        first ??= evidence
        const isRemoval = evidence?.udev_action === 'remove'
        timer ??= setTimeout(tell, isRemoval ? removalTime : settleTime)
      }
      const stop = udev ? listen(udev, changed) : watchFolder(devDir, changed, log)
      return {
        mode,
        dispose: () => {
          stop()
          clearTimeout(timer)
        },
      }
    },
  }
}

const portOf = (device: LocalDevice): string => (device.kind === 'usb' ? device.port : undefined) ?? '\uffff'
const byPort = (a: LocalDevice, b: LocalDevice): number => naturally(portOf(a), portOf(b)) || naturally(a.node, b.node)

function listen(udev: Udev, changed: (evidence: Evidence) => void): Dispose {
  const monitor = monitors.get(udev) ?? udev.monitor('video4linux')
  monitors.set(udev, monitor)
  const actions = ['add', 'remove', 'change', 'bind', 'unbind', 'move']
  const listeners = actions.map((action) => [action, () => changed({ udev_action: action })] as const)
  for (const [action, listener] of listeners) monitor.on(action, listener)
  return () => {
    for (const [action, listener] of listeners) monitor.off(action, listener)
  }
}

function watchFolder(devDir: string, changed: () => void, log: Log): Dispose {
  const failed = (error: unknown) =>
    log.warn('the device folder cannot be watched: cameras are found by polling alone', { reason: reasonOf(error) })
  try {
    const watcher = watchFiles(devDir, { persistent: false }, (_, name) => {
      if (name === null || /^video\d+$/.test(name)) changed()
    })
    watcher.on('error', failed)
    return () => watcher.close()
  } catch (error) {
    failed(error)
    return () => {}
  }
}
