/** The failure taps: one small file per camera. ffmpeg writes it; the service reads it when the process is gone. */
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
import type { Log } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { reportFile } from './command.js'

/** Maximum size of a report, because damaged frames cause messages for days. */
const largest = 1_048_576
/** Number of bytes at the end of a report that are read. */
const readOf = 16_384

/**
 * Calls `changed` when a process writes to its report, not when the service changes it. Ignores
 * most errors: they mean that the file does not exist or belongs to another user.
 */
export function createReports({
  runDir,
  log,
  changed,
}: {
  runDir: string
  log: Log
  changed: (camera: CameraId) => void
}) {
  const fileOf = (camera: CameraId) => reportFile({ runDir }, camera)
  /** The modification time after our own last change, to distinguish it from changes by ffmpeg. */
  const ours = new Map<CameraId, number>()

  const look = (camera: CameraId) => {
    const file = fileOf(camera)
    const { mtimeMs, blocks, mode } = stat(file)
    if (mtimeMs === 0 || mtimeMs === ours.get(camera)) return
    // The file is from an earlier version, or ffmpeg created it after the prepared file was deleted.
    if ((mode & 0o077) !== 0) attempt(() => chmodSync(file, 0o600))
    if (blocks * 512 > largest) empty(camera)
    changed(camera)
  }
  const empty = (camera: CameraId) => {
    attempt(() => truncateSync(fileOf(camera)))
    ours.set(camera, stat(fileOf(camera)).mtimeMs)
  }

  let watcher: FSWatcher | undefined
  try {
    watcher = watch(runDir, { persistent: false }, (_, name) => {
      const camera = name?.endsWith('.log') ? name.slice(0, -'.log'.length) : ''
      if (isCameraId(camera)) look(camera)
    })
    watcher.on('error', (error) =>
      log.warn('the reports of pipelines are no longer watched', { reason: reasonOf(error) }),
    )
  } catch (error) {
    // In this case a pipeline that fails before its first frame is not detected.
    log.warn('the reports of pipelines cannot be watched', { reason: reasonOf(error) })
  }

  return {
    /**
     * Creates an empty file that only this user can read, because ffmpeg writes its command line with credentials
     * to it.
     */
    prepare(camera: CameraId) {
      attempt(() => closeSync(openSync(fileOf(camera), 'ax', 0o600)))
      attempt(() => chmodSync(fileOf(camera), 0o600))
      ours.set(camera, stat(fileOf(camera)).mtimeMs)
    },
    /** Returns the last lines. */
    read: (camera: CameraId) => attempt(() => readEnd(fileOf(camera))) ?? '',
    empty,
    close: () => watcher?.close(),
  }
}

function readEnd(file: string): string {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, readOf))
    const length = readSync(descriptor, bytes, 0, bytes.length, Math.max(0, size - readOf))
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

function stat(file: string): { mtimeMs: number; blocks: number; mode: number } {
  return statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, blocks: 0, mode: 0 }
}
