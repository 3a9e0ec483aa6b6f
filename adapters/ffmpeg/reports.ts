/** The failure taps: one small file a camera, which ffmpeg writes and we read when its process is gone. */
import {
  chmodSync,
  closeSync,
  type FSWatcher,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  watch,
} from 'node:fs'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Dispose, Log } from '../../machines/domain/ports.js'
import { reportFile } from './command.js'

/** A camera whose frames are damaged may fill its report for days. */
const largest = 1_048_576
/** The end of a report that is read for the reason. */
const readOf = 16_384

export interface Reports {
  /** Makes an empty file that only we can read: ffmpeg writes its command line there, with its credentials. */
  prepare(camera: CameraId): void
  /** The last lines. */
  read(camera: CameraId): string
  empty(camera: CameraId): void
  close: Dispose
}

/** `changed` is called when a process writes to its report, not when we do. */
export function createReports({
  runDir,
  log,
  changed,
}: {
  runDir: string
  log: Log
  changed: (camera: CameraId) => void
}): Reports {
  const fileOf = (camera: CameraId) => reportFile({ runDir }, camera)
  /** The time of our own last change, by which the watcher tells it from a change by ffmpeg. */
  const ours = new Map<CameraId, number>()

  const look = (camera: CameraId) => {
    const file = fileOf(camera)
    const { mtimeMs, blocks, mode } = stat(file)
    if (mtimeMs === 0 || mtimeMs === ours.get(camera)) return
    // A file that an earlier version left, or that was deleted under a pipeline.
    if ((mode & 0o077) !== 0) attempt(() => chmodSync(file, 0o600))
    if (blocks * 512 > largest) empty(camera)
    changed(camera)
  }
  const empty = (camera: CameraId) => {
    attempt(() => truncateSync(fileOf(camera)))
    ours.set(camera, stat(fileOf(camera)).mtimeMs)
  }

  let watcher: FSWatcher | undefined
  attempt(
    () => {
      watcher = watch(runDir, { persistent: false }, (_, name) => {
        const camera = name?.endsWith('.log') ? name.slice(0, -'.log'.length) : ''
        if (isCameraId(camera)) look(camera)
      })
      watcher.on('error', (error) =>
        log.warn('the reports of pipelines are no longer watched', { reason: reasonOf(error) }),
      )
    },
    // A pipeline that fails before its first frame is then not noticed; the rest works.
    (error) => log.warn('the reports of pipelines cannot be watched', { reason: reasonOf(error) }),
  )

  return {
    prepare(camera) {
      attempt(() => closeSync(openSync(fileOf(camera), 'ax', 0o600)))
      attempt(() => chmodSync(fileOf(camera), 0o600))
      ours.set(camera, stat(fileOf(camera)).mtimeMs)
    },
    read: (camera) => readEnd(fileOf(camera)),
    empty,
    close: () => watcher?.close(),
  }
}

function readEnd(file: string): string {
  let text = ''
  attempt(() => {
    const descriptor = openSync(file, 'r')
    try {
      const { size } = fstatSync(descriptor)
      const bytes = Buffer.alloc(Math.min(size, readOf))
      const length = readSync(descriptor, bytes, 0, bytes.length, Math.max(0, size - readOf))
      text = bytes.toString('utf8', 0, length)
    } finally {
      closeSync(descriptor)
    }
  })
  return text
}

function stat(file: string): { mtimeMs: number; blocks: number; mode: number } {
  return statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, blocks: 0, mode: 0 }
}

/** Most failures here mean that there is no file, or that it is another user's. */
function attempt(change: () => void, failed: (error: unknown) => void = () => {}): void {
  try {
    change()
  } catch (error) {
    failed(error)
  }
}
