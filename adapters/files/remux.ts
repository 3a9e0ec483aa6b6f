import { execFile } from 'node:child_process'
import { readdir, rename, rm, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isCameraId } from '../../machines/domain/camera.js'
import { isSegmentName } from '../../machines/domain/fileName.js'
import type { RecordingFile } from '../../machines/domain/ports.js'
import { describeRecording } from './describe.js'
import { look } from './mediaFiles.js'

/** What the copy's duration may differ by, in ms: Matroska counts the last frame otherwise. */
const TOLERANCE = 500

/** `.<recording>.mkv.tmp`, which listings pass over. */
const temporaryOf = (name: string): string => `.${name}.tmp`

/** Removes what a killed service left half remuxed in the cameras' folders. Never rejects. Only before the first remux. */
export async function discardLeftovers(recordingsDir: string): Promise<void> {
  for (const camera of await readdir(recordingsDir).catch(() => [])) {
    if (!isCameraId(camera)) continue
    const folder = join(recordingsDir, camera)
    for (const name of await readdir(folder).catch(() => [])) {
      const [, recording] = /^\.(.+)\.mkv\.tmp$/.exec(name) ?? []
      if (recording !== undefined && isSegmentName(camera, `${recording}.mp4`))
        await rm(join(folder, name), { force: true }).catch(() => {})
    }
  }
}

/**
 * Puts the recording into Matroska beside the original, frames copied, and removes the original once the copy is seen to
 * hold as much. Rejects, with the original untouched and nothing left behind, when it does not.
 */
export async function remux(file: RecordingFile, signal: AbortSignal): Promise<RecordingFile> {
  const name = file.name.replace(/\.mp4$/, '.mkv')
  const path = join(dirname(file.path), name)
  const temporary = join(dirname(file.path), temporaryOf(name))
  try {
    await ffmpeg(
      [
        '-nostdin',
        '-v',
        'error',
        '-y',
        '-i',
        `file:${file.path}`,
        '-map',
        '0',
        '-c',
        'copy',
        '-f',
        'matroska',
        `file:${temporary}`,
      ],
      signal,
    )
    const copy = await look(temporary, name, file.camera)
    const described = copy && (await describeRecording({ ...copy, name }))
    if (!described?.complete || described.duration === 0 || Math.abs(described.duration - file.duration) > TOLERANCE)
      throw new Error('the copy is not whole')
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

const ffmpeg = (args: string[], signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile('ffmpeg', args, { signal, killSignal: 'SIGKILL', maxBuffer: 1_000_000 }, (error) => {
      if (signal.aborted) reject(signal.reason)
      else if (error) reject(new Error(error.code === 'ENOENT' ? 'ffmpeg is not installed' : 'ffmpeg failed'))
      else resolve()
    })
  })
