import { readdirSync, readFileSync } from 'node:fs'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { Presence } from '../../machines/domain/capture.js'
import { MARK } from './command.js'

/** Identifies a pipeline's process. The pid alone is not sufficient, because pids are reused. */
export interface PipelineProcess {
  camera: CameraId
  pid: number
  /** Clock ticks since boot. */
  started: number
  /** The process waits for the device lock. */
  waits: boolean
}

/** How long the result of a scan of all processes is used, in ms, so that several cameras share one scan. */
const fresh = 200
const ticksPerSecond = 100

export interface ProcessTable {
  /** Returns the process that captures, else the one that waits for the device. `since`: epoch ms. */
  of(camera: CameraId): (PipelineProcess & { since: number }) | undefined
  isAlive(process: Pick<PipelineProcess, 'pid' | 'started'>): boolean
  presence(camera: CameraId): Presence
}

/**
 * Finds the pipelines, which are child processes of the media server, by the mark in their environment. Only processes
 * of the same user are visible.
 */
export function createProcessTable({
  mark,
  now,
  procDir = '/proc',
}: {
  mark: string
  now: () => number
  procDir?: string
}): ProcessTable {
  const known = new Map<CameraId, PipelineProcess>()
  /** Cameras whose process was found at least once. */
  const visible = new Set<CameraId>()
  let scanned: { at: number; found: PipelineProcess[] } | undefined

  const stat = (pid: number): { started: number; name: string } | undefined => {
    const text = read(`${procDir}/${pid}/stat`)
    // The second field is the program's name in brackets, which may contain any character.
    const end = text.lastIndexOf(')')
    const fields = text.slice(end + 2).split(' ')
    if (end === -1 || fields[0] === 'Z' || fields[0] === 'X') return undefined
    return { started: Number(fields[19]), name: text.slice(text.indexOf('(') + 1, end) }
  }

  const scan = (): PipelineProcess[] => {
    const entry = `${MARK}=${mark}/`
    return names(procDir).flatMap((name) => {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
      const environment = read(`${procDir}/${name}/environ`)
      if (!environment.includes(entry)) return []
      const camera = environment
        .split('\0')
        .find((variable) => variable.startsWith(entry))
        ?.slice(entry.length)
      const status = stat(Number(name))
      return camera !== undefined && isCameraId(camera) && status
        ? [
            {
              camera,
              pid: Number(name),
              started: status.started,
              waits: status.name === 'flock' || status.name === 'env',
            },
          ]
        : []
    })
  }

  const isAlive = ({ pid, started }: Pick<PipelineProcess, 'pid' | 'started'>): boolean =>
    stat(pid)?.started === started

  const look = (camera: CameraId): PipelineProcess | undefined => {
    const last = known.get(camera)
    if (last && !last.waits && isAlive(last)) return last
    known.delete(camera)
    const at = now()
    if (!scanned || at - scanned.at > fresh || at < scanned.at) scanned = { at, found: scan() }
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
    isAlive,
    presence: (camera) => (look(camera) ? 'running' : visible.has(camera) ? 'gone' : 'unknown'),
    of(camera) {
      const found = look(camera)
      if (!found) return undefined
      const up = Number.parseFloat(read(`${procDir}/uptime`))
      return { ...found, since: Math.round(now() - Math.max(0, up - found.started / ticksPerSecond) * 1000) }
    },
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
