import { existsSync, watch as watchFiles } from 'node:fs'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { naturally } from '../../machines/domain/identity.js'
import type { Dispose, Log, UsbDevices } from '../../machines/domain/ports.js'
import { listBySysfs } from './sysfs.js'
import { fromProperties, loadUdev, type Udev } from './udev.js'

export interface UsbDevicesOptions {
  log: Log
  devDir?: string
  sysDir?: string
  /** Loads the optional package. */
  udev?: () => Udev | undefined
  /** Is there when udevd runs. In a container the package loads, and then hears and knows nothing. */
  udevControl?: string
  /** One plug makes several events; the hint follows the last of them by so many ms, and the first by ten times that at most. */
  settleTime?: number
}

/**
 * One for the life of the process: closing a monitor of udev 1.0.1 aborts the process some time later. It keeps the process
 * running, so that this must end by `process.exit`.
 */
const monitors = new WeakMap<Udev, ReturnType<Udev['monitor']>>()

/** Finds USB cameras by udev when that runs, else by the kernel's own folders. The log says which of the two. */
export function createUsbDevices(options: UsbDevicesOptions): UsbDevices {
  const {
    log,
    devDir = '/dev',
    sysDir = '/sys',
    udev: load = loadUdev,
    udevControl = '/run/udev/control',
    settleTime = 100,
  } = options
  const udev = existsSync(udevControl) ? load() : undefined

  return {
    async list(signal) {
      signal.throwIfAborted()
      const devices = udev ? udev.list('video4linux').map(fromProperties) : await listBySysfs({ sysDir, devDir })
      signal.throwIfAborted()
      return devices.filter((device) => device !== undefined).sort(byPort)
    },

    watch(hint) {
      const later = debounced(hint, settleTime)
      const mode = udev ? 'udev' : 'devfs'
      log.info(
        udev
          ? 'USB cameras are found by udev events'
          : 'USB cameras are found by watching the device folder and polling',
        { mode },
      )
      const stop = udev ? listen(udev, later.call) : watchFolder(devDir, later.call, log)
      return {
        mode,
        dispose: () => {
          stop()
          later.cancel()
        },
      }
    },
  }
}

const byPort = (a: UsbDevice, b: UsbDevice): number =>
  naturally(a.port ?? '\uffff', b.port ?? '\uffff') || naturally(a.node, b.node)

function listen(udev: Udev, changed: () => void): Dispose {
  const monitor = monitors.get(udev) ?? udev.monitor('video4linux')
  monitors.set(udev, monitor)
  const actions = ['add', 'remove', 'change', 'bind', 'unbind', 'move']
  for (const action of actions) monitor.on(action, changed)
  return () => {
    for (const action of actions) monitor.off(action, changed)
  }
}

function watchFolder(devDir: string, changed: () => void, log: Log): Dispose {
  try {
    const watcher = watchFiles(devDir, { persistent: false }, (_, name) => {
      if (name === null || /^video\d+$/.test(name)) changed()
    })
    watcher.on('error', (error) =>
      log.warn('the device folder is no longer watched: cameras are found by polling alone', {
        reason: reasonOf(error),
      }),
    )
    return () => watcher.close()
  } catch (error) {
    log.warn('the device folder cannot be watched: cameras are found by polling alone', { reason: reasonOf(error) })
    return () => {}
  }
}

function debounced(act: () => void, wait: number): { call: () => void; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined
  let latest = 0
  const fire = () => {
    timer = undefined
    act()
  }
  return {
    call() {
      if (!timer) latest = Date.now() + wait * 10
      clearTimeout(timer)
      timer = setTimeout(fire, Math.max(0, Math.min(wait, latest - Date.now())))
    },
    cancel() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
