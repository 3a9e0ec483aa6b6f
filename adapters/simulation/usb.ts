import type { UsbDevice } from '../../machines/domain/camera.js'
import type { UsbDevices } from '../../machines/domain/ports.js'
import { type Evidence, Failure } from '../../machines/domain/reason.js'
import {
  type SimulatedCamera,
  type SimulatedDevice,
  type SimulatedHost,
  twinOf,
} from '../../machines/domain/simulation.js'

/** Never the name of a file: no program may open a device of this host. */
const nodes = 'simulated:'
export const isSimulated = (node: string): boolean => node.startsWith(nodes)

/** As udev names the ports of the first bus. */
const portPath = (port: string): string => `pci-0000:00:14.0-usb-0:${port}:1.0`

const deviceOf = ({ name, serial, port }: SimulatedCamera, node: number): UsbDevice => ({
  kind: 'usb',
  node: `${nodes}${node}`,
  vendorId: '1d6b',
  productId: '0102',
  port: portPath(port),
  model: name,
  ...(serial !== undefined && { serial }),
})

/** USB cameras that do not exist, in place of those of the host. */
export function createSimulatedUsb(cameras: readonly SimulatedCamera[]): {
  usb: UsbDevices
  host: Pick<SimulatedHost, 'devices' | 'plug' | 'unplug' | 'twin'>
} {
  let nextNode = 0
  const all = new Map<string, SimulatedCamera>(cameras.map((camera) => [camera.name, camera]))
  const shown = new Map<string, SimulatedDevice>()
  const hints = new Set<(evidence?: Evidence) => void>()
  /** Called with each list: the service has seen the present devices. */
  const waiting = new Set<() => void>()

  /** The kernel gives a device that is plugged in another node. */
  const show = (camera: SimulatedCamera) => {
    all.set(camera.name, camera)
    const before = shown.get(camera.name)
    const isNew = camera.plugged && !before?.plugged
    const node = before && !isNew ? Number(before.device.node.slice(nodes.length)) : nextNode++
    shown.set(camera.name, { name: camera.name, plugged: camera.plugged, device: deviceOf(camera, node) })
  }
  for (const camera of cameras) show(camera)

  const find = (name: string): SimulatedCamera => {
    const camera = all.get(name)
    if (camera === undefined) throw new Failure('not_simulated', `the scenario has no camera ${name}`)
    return camera
  }
  const change = (camera: SimulatedCamera, action: 'add' | 'remove', signal: AbortSignal): Promise<void> => {
    const isTaken = [...all.values()].some(
      ({ name, port, plugged }) => plugged && camera.plugged && name !== camera.name && port === camera.port,
    )
    if (isTaken) throw new Failure('not_simulated', `another camera is at the USB port ${camera.port}`)
    show(camera)
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      waiting.add(resolve)
      for (const hint of hints) hint({ udev_action: action })
    })
  }

  return {
    usb: {
      async list(signal) {
        signal.throwIfAborted()
        const seen = [...waiting]
        waiting.clear()
        // The caller takes the list first.
        setImmediate(() => {
          for (const resolve of seen) resolve()
        })
        return [...shown.values()].flatMap(({ plugged, device }) => (plugged ? [device] : []))
      },
      watch(hint) {
        hints.add(hint)
        return { mode: 'udev', dispose: () => hints.delete(hint) }
      },
    },
    host: {
      devices: () => [...shown.values()],
      async plug(name, port, signal) {
        const camera = find(name)
        if (camera.plugged && (port === undefined || port === camera.port)) return
        if (camera.plugged) throw new Failure('not_simulated', `${name} is plugged in at another port: use replug`)
        await change({ ...camera, plugged: true, ...(port !== undefined && { port }) }, 'add', signal)
      },
      async unplug(name, signal) {
        const camera = find(name)
        if (!camera.plugged) return
        await change({ ...camera, plugged: false }, 'remove', signal)
      },
      async twin(name, port, signal) {
        const camera = find(name)
        const twin = twinOf(name)
        if (camera.serial === undefined) throw new Failure('not_simulated', `${name} has no serial`)
        if (all.get(twin)?.plugged) throw new Failure('not_simulated', `${twin} is plugged in already`)
        await change({ ...camera, name: twin, port: port ?? freePort([...all.values()]), plugged: true }, 'add', signal)
      },
    },
  }
}

/** A root port that no camera is at, or was at. */
function freePort(cameras: readonly SimulatedCamera[]): string {
  const taken = new Set(cameras.map(({ port }) => port))
  for (let port = 1; ; port++) if (!taken.has(String(port))) return String(port)
}
