import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { Presence } from '../../machines/domain/capture.js'
import type { Clock } from '../../machines/domain/ports.js'
import { isAlive, isOurs, markedProcesses, type ProcessId, readProc } from '../markedProcesses.js'
import { MARK } from './command.js'
import { isConnected } from './isConnected.js'

interface PipelineProcess extends ProcessId {
  camera: CameraId
  /** The process does not capture: it waits for the device lock, or for the end of ffmpeg. */
  waits: boolean
}

/** How long the result of a scan of all processes is used, in ms, so that several cameras share one scan. */
const fresh = 200
const ticksPerSecond = 100

interface ProcessTableOptions {
  mark: string
  clock: Clock
  /** True if the media server may run as another user, which hides its processes. False by default. */
  mayBeHidden?: () => boolean
}

/**
 * Finds the pipelines, which are child processes of the media server, by the mark in their environment. Only processes
 * of the same user are visible.
 */
export function createProcessTable({ mark, clock, mayBeHidden = () => false }: ProcessTableOptions) {
  const known = new Map<CameraId, PipelineProcess>()
  /** The last process of each camera that was admitted as a publisher. */
  const admitted = new Map<CameraId, ProcessId>()
  /** Cameras whose process was found at least once. */
  const visible = new Set<CameraId>()
  const own = `${MARK}=${mark}/`
  let scanned: { at: number; found: PipelineProcess[] } | undefined

  const scan = (): PipelineProcess[] =>
    markedProcesses(MARK).flatMap(({ pid, started, program, mark: found }) => {
      const camera = found.startsWith(`${mark}/`) ? found.slice(mark.length + 1) : ''
      const waits = program !== 'ffmpeg'
      return isCameraId(camera) ? [{ camera, pid, started, waits }] : []
    })

  const look = (camera: CameraId): PipelineProcess | undefined => {
    const last = known.get(camera)
    if (last && !last.waits && isAlive(last)) return last
    known.delete(camera)
    const at = clock.monotonic()
    if (!scanned || at - scanned.at > fresh) scanned = { at, found: scan() }
    const [found] = scanned.found
      .filter((process) => process.camera === camera && isAlive(process))
      .sort((a, b) => Number(a.waits) - Number(b.waits) || a.started - b.started)
    if (found) {
      known.set(camera, found)
      visible.add(camera)
    }
    return found
  }

  return {
    presence(camera: CameraId): Presence {
      const found = look(camera)
      if (found) return found.waits ? 'waiting' : 'running'
      return visible.has(camera) ? 'gone' : 'unknown'
    },
    /** True for a process of this data directory, also one that a shell of ours started. */
    isOwn: (pid: number): boolean =>
      readProc(`${pid}/environ`)
        .split('\0')
        .some((each) => each.startsWith(own)),
    /** See `Pipelines`. Other users can read the password in `ps`, but cannot start a process of this user. */
    admit(camera: CameraId): boolean {
      const last = admitted.get(camera)
      // While this process runs, no other one can capture: it holds the device lock.
      if (last && isAlive(last)) return false
      scanned = { at: clock.monotonic(), found: scan() }
      const ours = scanned.found.filter((process) => process.camera === camera && isOurs(process))
      if (ours.length === 0) return mayBeHidden() && !visible.has(camera)
      visible.add(camera)
      const one = ours.find((process) => !process.waits && isConnected(process))
      if (one) admitted.set(camera, one)
      return one !== undefined
    },
    /** Returns the process that captures, else the one that waits for the device. `since`: epoch ms. */
    of(camera: CameraId): (PipelineProcess & { since: number }) | undefined {
      const found = look(camera)
      if (!found) return undefined
      const up = Number.parseFloat(readProc('uptime'))
      return { ...found, since: Math.round(clock.now() - Math.max(0, up - found.started / ticksPerSecond) * 1000) }
    },
  }
}
