import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { Presence } from '../../machines/domain/capture.js'
import type { Clock } from '../../machines/domain/ports.js'
import { isAlive, markedProcesses, type ProcessId, readProc } from '../markedProcesses.js'
import { MARK } from './command.js'

interface PipelineProcess extends ProcessId {
  camera: CameraId
  /** The process does not capture: it waits for the device lock, or for the end of ffmpeg. */
  waits: boolean
}

/** How long the result of a scan of all processes is used, in ms, so that several cameras share one scan. */
const fresh = 200
const ticksPerSecond = 100

/**
 * Finds the pipelines, which are child processes of the media server, by the mark in their environment. Only processes
 * of the same user are visible.
 */
export function createProcessTable({ mark, clock }: { mark: string; clock: Clock }) {
  const known = new Map<CameraId, PipelineProcess>()
  /** Cameras whose process was found at least once. */
  const visible = new Set<CameraId>()
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
      if (look(camera)) return 'running'
      return visible.has(camera) ? 'gone' : 'unknown'
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
