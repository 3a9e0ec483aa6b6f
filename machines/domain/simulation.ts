/** Simulated faults: the scenario of `serve --simulate`, and what clients ask for with `simulate`. Durations in ms. */
import type { CameraId, Identity, UsbDevice } from './camera.js'
import { normalisePort } from './port.js'

export const cameraActions = ['unplug', 'plug', 'replug', 'twin', 'stall', 'resume', 'busy'] as const
export const serverActions = ['kill_server', 'hang_server', 'resume_server'] as const
export const diskActions = ['disk_nearly_full', 'disk_full', 'disk_read_only', 'disk_ok'] as const
export const hostActions = [...serverActions, ...diskActions, 'jump_clock'] as const

export type CameraAction = (typeof cameraActions)[number]
export type ServerAction = (typeof serverActions)[number]
export type DiskAction = (typeof diskActions)[number]
export type Action = CameraAction | (typeof hostActions)[number]

const isOneOf =
  <Name extends string>(names: readonly Name[]) =>
  (action: string): action is Name =>
    (names as readonly string[]).includes(action)
export const isCameraAction = isOneOf(cameraActions)
export const isServerAction = isOneOf(serverActions)
export const isDiskAction = isOneOf(diskActions)

/** One fault, or its end. */
export interface Act {
  action: Action
  /** Of a camera: its name in the scenario, or in the configuration. */
  camera?: string
  /** `plug`, `replug`, `twin`: the USB port, as in `1.2`. */
  port?: string
  /** `jump_clock`: forward, or back if negative. */
  by?: number
}

/** An act at a time. Times count from the start of the scenario. */
export interface Step extends Act {
  at: number
  /** It is repeated after this time. */
  every?: number
  /** Number of times in all; absent: for ever, if it has `every`. */
  repeat?: number
  /** Each time is later by a random part of this. */
  jitter?: number
}

/** `camera` of a step that selects a camera at random. */
export const anyCamera = 'any'

/** The name of the second device with the serial of this camera. */
export const twinOf = (camera: string): string => `${camera}-twin`

/** A USB camera that does not exist. */
export interface SimulatedCamera {
  name: string
  /** Absent: it reports none, and is identified by its port. */
  serial?: string
  /** As in `1.2`. */
  port: string
  /** Whether it is plugged in at the start. */
  plugged: boolean
}

export interface Scenario {
  /** For random times and cameras: the same seed gives the same ones. */
  seed: number
  /** `ready`: when all cameras are connected; `asked`: at the request of a client. */
  start: 'ready' | 'asked'
  cameras: readonly SimulatedCamera[]
  steps: readonly Step[]
  /** The cameras that `any` selects from. */
  names: readonly string[]
}

export const noScenario: Scenario = { seed: 1, start: 'ready', cameras: [], steps: [], names: [] }

/** A simulated USB camera and its device, also while it is not plugged in. */
export interface SimulatedDevice {
  name: string
  plugged: boolean
  device: UsbDevice
}

/** Causes simulated faults. Nothing outside of the service and its own media server is touched. */
export interface SimulatedHost {
  devices(): readonly SimulatedDevice[]
  /** Resolves when the service has listed the cameras again. Rejects with `Failure` if there is no such camera. */
  plug(name: string, port: string | undefined, signal: AbortSignal): Promise<void>
  unplug(name: string, signal: AbortSignal): Promise<void>
  /** Plugs in a second device with the same serial. Its name: `twinOf(name)`. */
  twin(name: string, port: string | undefined, signal: AbortSignal): Promise<void>
  /** Rejects with `Failure` if the service has no media server of its own that runs. */
  server(action: ServerAction): Promise<void>
  /** Changes the measured usage of the main disk, and whether it takes snapshots. Nothing is written. */
  disk(action: DiskAction): Promise<void>
  /** Moves the wall clock of the service and of its embedded media server. */
  jumpClock(by: number): Promise<void>
}

/** A time of a step: its number in the list, how often it was made before, and when it is due. */
export interface Due {
  index: number
  count: number
  at: number
}

/** Returns the next step that is due; undefined: none is left. `made`: how often each was made. */
export function nextDue({ seed, steps }: Scenario, made: readonly number[]): Due | undefined {
  let next: Due | undefined
  for (const [
    index,
    { at: first, every, repeat = every === undefined ? 1 : Infinity, jitter = 0 },
  ] of steps.entries()) {
    const count = made[index] ?? 0
    if (count >= repeat) continue
    const at = first + count * (every ?? 0) + Math.floor(jitter * random(seed, index, count, 0))
    if (next === undefined || at < next.at) next = { index, count, at }
  }
  return next
}

/** Returns the act of a step, with the camera that `any` stands for. */
export function actOf({ seed, steps, names }: Scenario, { index, count }: Due): Act {
  const { at: _at, every: _every, repeat: _repeat, jitter: _jitter, ...act } = steps[index] as Step
  if (act.camera !== anyCamera) return act
  const camera = names[Math.floor(random(seed, index, count, 1) * names.length)]
  return { ...act, ...(camera !== undefined && { camera }) }
}

/** A number from 0 to below 1 that depends only on its arguments (the finaliser of MurmurHash3). */
function random(...numbers: number[]): number {
  let hash = 0x9e3779b9
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return (hash >>> 0) / 2 ** 32
}

/** True if a camera with this identity is the device, at its present port. */
export function isOf({ key, basis }: Identity, { vendorId, productId, serial, port }: UsbDevice): boolean {
  const model = `${vendorId}:${productId}`
  const unit = serial === undefined ? model : `${model}:${serial}`
  if (basis === 'serial') return key === `serial:${unit}`
  return basis === 'port' && port !== undefined && key === `port:${unit}/${normalisePort(port).port}`
}

/** What an act did. */
export interface Done {
  /** For the journal. */
  action?: Action
  /** The camera that it was about. */
  camera?: CameraId
  /** A virtual camera is unplugged, or plugged in again. */
  away?: boolean
}
