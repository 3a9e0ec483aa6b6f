import { isDeepStrictEqual } from 'node:util'
import type { UsbDevice } from '../../../machines/domain/camera.js'
import type { Segment, SegmentEvent, TapEvent } from '../../../machines/domain/ports.js'
import { because, Failure, type Reason, type ReasonCode } from '../../../machines/domain/reason.js'

/** A camera of the simulated host. */
export interface Unit {
  device: UsbDevice
  /** Address of a network camera. */
  url: string
  isPlugged: boolean
  /** It delivers frames. */
  isLive: boolean
  isBusy: boolean
  isDenied: boolean
}

interface Process {
  pid: number
  since: number
  frames: number
  isStopped: boolean
}

/** A stream that somebody holds, or waits for. */
interface Holder {
  lost: (reason: Reason) => void
  resolve: () => void
  isLive: boolean
}

interface Path {
  /** Its configuration, in the fields of the media server. */
  body: Record<string, string | boolean>
  record: boolean
  process?: Process | undefined
  holders: Set<Holder>
  /** Deaths of the process since the stream was last idle: ffmpeg is started again at once twice. */
  deaths: number
  mayStartAt: number
  unusedSince: number
  file?: File | undefined
}

interface File extends Segment {
  media: number
  isOpen: boolean
  isDeleted: boolean
}

export type Host = ReturnType<typeof createHost>

/** ms. */
const step = 50
const firstFrame = 300
const serverPause = 5_000
const closeAfter = 2_000
const partLength = 200

/**
 * A host with cameras, a media server, ffmpeg processes and a disk, which behaves as measured on real ones: the time
 * that each of them needs is part of the model. Timers are those of the test.
 */
export function createHost({ units, now, wall }: { units: Map<string, Unit>; now: () => number; wall: () => number }) {
  const paths = new Map<string, Path>()
  const files = new Map<string, File[]>()
  const taps = new Map<string, (event: TapEvent) => void>()
  const folders = new Map<string, Set<(event: SegmentEvent) => void>>()
  const reports = new Map<string, Reason>()
  const host = {
    units,
    paths,
    server: 'down' as 'down' | 'up' | 'hung',
    /** Changes with each start. */
    started: 0,
    mayServerStart: true,
    /** Cameras whose paths the media server refuses. */
    refused: new Set<string>(),
    /** Sessions of viewers of the RTSP server. */
    viewers: new Set<string>(),
    api: 'works' as 'works' | 'slow' | 'failing',
    disk: undefined as ReasonCode | undefined,
    isDiskHanging: false,
    isStateWritable: true,
    exited: (_reason: string) => {},
    /** Connections to a server that hangs: they are reset when it ends. */
    hanging: new Set<() => void>(),
    filesOf: (camera: string) => files.get(camera)?.filter(({ isDeleted }) => !isDeleted) ?? [],
    unitOf: (camera: string): Unit => {
      const unit = units.get(camera)
      if (!unit) throw new Error(`there is no ${camera}`)
      return unit
    },
    boot,
    crash,
    publish,
    remove,
    setRecord,
    hold,
    kill,
    deleteFile,
    takeReport: (camera: string) => {
      const report = reports.get(camera)
      reports.delete(camera)
      return report
    },
    tapsOf: (camera: string, listener: (event: TapEvent) => void) => {
      taps.set(camera, listener)
      return () => void taps.delete(camera)
    },
    watchFolder: (camera: string, listener: (event: SegmentEvent) => void) => {
      const listeners = folders.get(camera) ?? new Set()
      folders.set(camera, listeners.add(listener))
      return () => void listeners.delete(listener)
    },
    isReady: (camera: string) => isReady(paths.get(camera)),
    /** Bytes of all files, at 1 Mbit/s. */
    bytes: () => [...files.values()].flat().reduce((sum, { media }) => sum + media * 125, 0),
    /** ms of media that were ever written. */
    written: (camera: string) => (files.get(camera) ?? []).reduce((sum, { media }) => sum + media, 0),
    leftovers: () => {
      const all = [...paths.values()]
      return {
        paths: paths.size,
        processes: all.filter(({ process }) => process !== undefined).length,
        'stream holders': all.reduce((sum, { holders }) => sum + holders.size, 0),
        'folder watches': [...folders.values()].reduce((sum, listeners) => sum + listeners.size, 0),
        taps: taps.size,
        'open files': [...files.values()].flat().filter(({ isOpen }) => isOpen).length,
      }
    },
    close: () => clearInterval(timer),
  }
  let pids = 100
  const timer = setInterval(tick, step)

  const tell = (camera: string, event: SegmentEvent) => {
    for (const listener of [...(folders.get(camera) ?? [])]) listener(event)
  }

  function boot() {
    host.server = 'up'
    host.started += 1
    paths.clear()
  }

  /** The media server ends, and what it started with it. Its files stay as they are. */
  function crash(reason: string) {
    if (host.server === 'down') return
    host.server = 'down'
    for (const reset of [...host.hanging]) reset()
    host.hanging.clear()
    for (const [name, path] of paths) {
      endProcess(name, path, 'server_closed')
      if (path.file) path.file.isOpen = false
    }
    paths.clear()
    host.exited(reason)
  }

  /** Sets the whole path. A live stream of it ends, unless only `record` changes. */
  function publish(name: string, body: Record<string, string | boolean>) {
    const record = body.record === true
    const old = paths.get(name)
    if (old && isDeepStrictEqual({ ...old.body, record }, body)) return setRecord(name, record)
    remove(name)
    paths.set(name, { body, record, holders: new Set(), deaths: 0, mayStartAt: 0, unusedSince: now() })
  }

  function remove(name: string) {
    const path = paths.get(name)
    if (path) endProcess(name, path, 'server_closed')
    paths.delete(name)
  }

  function setRecord(name: string, on: boolean) {
    const path = paths.get(name)
    if (!path) throw new Failure('server_refused', 'the media server has no such path')
    path.record = on
    path.body = { ...path.body, record: on }
    if (!on) closeFile(path)
  }

  function closeFile(path: Path) {
    if (path.file) path.file.isOpen = false
    path.file = undefined
  }

  /** Waits for the stream, and starts it. */
  function hold(name: string, lost: (reason: Reason) => void, resolve: () => void) {
    const path = paths.get(name)
    if (!path) return undefined
    const holder: Holder = { lost, resolve, isLive: false }
    path.holders.add(holder)
    return () => void path.holders.delete(holder)
  }

  function kill(name: string) {
    const path = paths.get(name)
    if (!path?.process) return false
    reports.set(name, because('pipeline_killed'))
    die(name, path)
    return true
  }

  function die(name: string, path: Path) {
    path.deaths += 1
    path.mayStartAt = now() + (path.deaths <= 2 ? firstFrame : serverPause)
    endProcess(name, path, 'server_closed')
  }

  function endProcess(name: string, path: Path, code: ReasonCode) {
    path.process = undefined
    closeFile(path)
    taps.get(name)?.({ type: 'tap.reported' })
    for (const holder of [...path.holders])
      if (holder.isLive) {
        path.holders.delete(holder)
        holder.lost(because(code))
      }
  }

  function deleteFile(camera: string) {
    const file = paths.get(camera)?.file
    if (!file) return
    file.isDeleted = true
    tell(camera, { type: 'segment.deleted' })
  }

  function tick() {
    if (host.server !== 'up') return
    for (const [name, path] of paths) tickPath(name, path)
  }

  function isReady(path: Path | undefined): path is Path & { process: Process } {
    return path?.process !== undefined && path.process.frames > 0
  }

  function tickPath(name: string, path: Path) {
    const unit = host.unitOf(name)
    if (path.holders.size > 0) path.unusedSince = now()
    if (!path.process) return startIfWanted(name, path, unit)
    const { process } = path
    if (now() - path.unusedSince > closeAfter) {
      taps.get(name)?.({ type: 'tap.finished', sender: process.pid })
      path.deaths = 0
      return endProcess(name, path, 'no_longer_used')
    }
    if (!unit.isPlugged) {
      reports.set(name, because('device_gone'))
      return die(name, path)
    }
    if (!process.isStopped && unit.isLive && now() - process.since >= firstFrame) process.frames += 1
    const age = now() - process.since
    if (age % 500 < step && !process.isStopped)
      taps.get(name)?.({
        type: 'tap.progress',
        sender: process.pid,
        progress: { frames: process.frames, fps: 20, bitrate: 1_000_000 },
      })
    if (!isReady(path)) return
    for (const holder of path.holders)
      if (!holder.isLive) {
        holder.isLive = true
        holder.resolve()
      }
    const isFlowing = !process.isStopped && unit.isLive
    if (path.record && isFlowing) write(name, path)
  }

  function startIfWanted(name: string, path: Path, unit: Unit) {
    if (path.holders.size === 0 || now() < path.mayStartAt) return
    const problem = !unit.isPlugged
      ? 'device_gone'
      : unit.isBusy
        ? 'device_busy'
        : unit.isDenied
          ? 'permission_denied'
          : undefined
    if (problem) {
      reports.set(name, because(problem))
      path.deaths += 1
      path.mayStartAt = now() + serverPause
      taps.get(name)?.({ type: 'tap.reported' })
      return
    }
    reports.delete(name)
    pids += 1
    path.process = { pid: pids, since: now(), frames: 0, isStopped: false }
    taps.get(name)?.({ type: 'tap.reported' })
  }

  /** The recorder of the media server writes parts of 200 ms. After a failure it begins a new file. */
  function write(name: string, path: Path) {
    if (host.disk !== undefined) return closeFile(path)
    if (!path.file) {
      const all = files.get(name) ?? []
      path.file = { filename: `${name}_${all.length}.mp4`, startedAt: wall(), media: 0, isOpen: true, isDeleted: false }
      files.set(name, [...all, path.file])
    }
    const { file } = path
    file.media += step
    if (file.isDeleted || file.media % partLength !== 0) return
    const at = wall()
    if (file.media === partLength) tell(name, { type: 'segment.added', segment: segmentOf(file), at })
    else tell(name, { type: 'segment.grew', at })
  }

  return host
}

/** A copy: the file grows, and what an actor has received never changes. */
export const segmentOf = ({ filename, startedAt }: Segment): Segment => ({ filename, startedAt })
