import { readdir, rename, rm, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isCameraId } from '../../machines/domain/camera.js'
import { isSegmentName } from '../../machines/domain/fileName.js'
import type { RecordingFile } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { failureOf } from '../ffmpeg/endReason.js'
import { quiet, run } from '../ffmpeg/run.js'
import { describeRecording } from './describe.js'
import { look } from './mediaFiles.js'

/** How far the durations of original and copy may differ, in ms: Matroska counts the last frame in another way. */
const TOLERANCE = 500
/** Time limit for one copy, in ms; far above what a disk needs for one recording. */
const LIMIT = 3_600_000

/** `.<recording>.<mkv or mp4>.tmp`, which listings skip. */
export const temporaryOf = (name: string): string => `.${name}.tmp`

/**
 * Removes the incomplete copies of this format that a killed service left in the cameras' folders. Must be called
 * before the first copy, which looks the same. Never rejects.
 */
export async function discardLeftovers(recordingsDir: string, format: RecordingFile['format']): Promise<void> {
  const ending = `.${format}.tmp`
  for (const camera of await readdir(recordingsDir).catch(() => [])) {
    if (!isCameraId(camera)) continue
    const folder = join(recordingsDir, camera)
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.startsWith('.') || !name.endsWith(ending)) continue
      if (isSegmentName(camera, `${name.slice(1, -ending.length)}.mp4`))
        await rm(join(folder, name), { force: true }).catch(() => {})
    }
  }
}

/**
 * Copies the recording into a Matroska file beside it, and removes the original after checking that the copy holds as
 * much. Rejects otherwise; the original is then untouched and no other file is left.
 */
export async function remux(file: RecordingFile, signal: AbortSignal): Promise<RecordingFile> {
  const name = file.name.replace(/\.mp4$/, '.mkv')
  const path = join(dirname(file.path), name)
  const temporary = join(dirname(file.path), temporaryOf(name))
  try {
    const copying = ['-i', `file:${file.path}`, '-map', '0', '-c', 'copy', '-copyinkf']
    const args = [...quiet, ...copying, '-f', 'matroska', `file:${temporary}`]
    const { code, stderr } = await run('ffmpeg', args, { signal, timeout: LIMIT })
    if (code !== 0) throw failureOf(stderr, 'failed', 'ffmpeg failed')
    const copy = await look(temporary, name, file.camera)
    const described = copy && (await describeRecording({ ...copy, name }))
    if (!described?.complete || described.duration === 0 || Math.abs(described.duration - file.duration) > TOLERANCE)
      throw new Failure('failed', 'the copy is not whole')
    signal.throwIfAborted()
    const modified = new Date(file.modifiedAt)
    await utimes(temporary, modified, modified)
    await rename(temporary, path)
    await unlink(file.path).catch(() => {})
    return { ...described, path, modifiedAt: file.modifiedAt, createdAt: file.createdAt }
  } finally {
    await rm(temporary, { force: true })
  }
}
