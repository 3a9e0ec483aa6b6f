import { readdirSync, readlinkSync, realpathSync } from 'node:fs'
import type { CameraId, Device } from '../../machines/domain/camera.js'
import type { Log } from '../../machines/domain/ports.js'
import type { Reason } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'
import { readProc } from '../markedProcesses.js'

/** A program that has a device open. */
export interface Holder {
  pid: number
  /** The name of the program, without its arguments: they may hold a password. */
  command: string
}

export interface DeviceUsageOptions {
  log: Pick<Log, 'warn'>
  /** True for a process of this service. */
  isOwn: (pid: number) => boolean
  /** The cameras whose pipeline runs now. */
  isRunning: (camera: CameraId) => boolean
}

/**
 * Adds to the reason of a failure who uses the device or its bus, as evidence for administrators: `holder_pid`,
 * `holder_command`, `neighbours`. See rpc/evidence.ts.
 */
export function createDeviceUsage({ log, isOwn, isRunning }: DeviceUsageOptions) {
  const devices = new Map<CameraId, Device>()

  const neighboursOf = (camera: CameraId): CameraId[] => {
    const bus = busOf(devices.get(camera))
    return [...devices].flatMap(([other, device]) =>
      bus !== undefined && other !== camera && busOf(device) === bus && isRunning(other) ? [other] : [],
    )
  }

  return {
    /** The device of a camera, whenever its command is made. */
    note(camera: CameraId, device: Device) {
      devices.set(camera, device)
    },
    explained<R extends Pick<Reason, 'code' | 'evidence'>>(
      camera: CameraId,
      reason: R,
      device = devices.get(camera),
    ): R {
      if (device?.kind !== 'usb') return reason
      if (reason.code === 'usb_bandwidth') {
        const neighbours = neighboursOf(camera).join(', ')
        return neighbours === '' ? reason : { ...reason, evidence: { ...reason.evidence, neighbours } }
      }
      const holder = reason.code === 'device_busy' ? holderOf(device.node, isOwn) : undefined
      if (holder === undefined) return reason
      log.warn('another program uses the device of a camera', { camera, ...holder })
      const evidence = { ...reason.evidence, holder_pid: holder.pid, holder_command: holder.command }
      return { ...reason, evidence }
    },
  }
}

export type DeviceUsage = ReturnType<typeof createDeviceUsage>

/** Returns the first program that has the device open. Those of other users may be hidden. */
export function holderOf(node: string, isOwn: (pid: number) => boolean): Holder | undefined {
  const device = attempt(() => realpathSync(node)) ?? node
  for (const name of attempt(() => readdirSync('/proc')) ?? []) {
    const pid = Number(name)
    if (!/^\d+$/.test(name) || pid === process.pid || !hasOpen(pid, device) || isOwn(pid)) continue
    return { pid, command: readProc(`${pid}/comm`).trim() || 'unknown' }
  }
  return undefined
}

const hasOpen = (pid: number, device: string): boolean =>
  (attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some(
    (file) => attempt(() => readlinkSync(`/proc/${pid}/fd/${file}`)) === device,
  )

/** The USB controller in the path of the port: `pci-0000:00:14.0` of `pci-0000:00:14.0-usb-0:1.2:1.0`. */
export const busOf = (device: Device | undefined): string | undefined =>
  device?.kind === 'usb' ? /^(.+)-usb-\d+:/.exec(device.port ?? '')?.[1] : undefined
