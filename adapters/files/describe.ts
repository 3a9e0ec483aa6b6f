import { lstat } from 'node:fs/promises'
import type { MediaFile, RecordingFile } from '../../machines/domain/ports.js'
import { readMatroska } from './matroska.js'
import { readMp4 } from './mp4.js'

/**
 * Reads format, duration and completeness from the file itself. A file that holds no media has duration 0 and is not
 * complete. Rejects if the file cannot be read.
 */
export async function describeRecording(file: MediaFile): Promise<RecordingFile> {
  if (file.name.endsWith('.mkv')) {
    const duration = await readMatroska(file.path)
    return {
      ...file,
      format: 'mkv',
      duration: duration ?? 0,
      complete: duration !== undefined,
      indexed: duration !== undefined,
    }
  }
  const unknown = { duration: 0, complete: false, indexed: false }
  const { duration, complete, indexed } = (await readMp4(file.path)) ?? unknown
  // The media server may have written the last part and closed the file since `file` was read.
  const sizes = complete
    ? await lstat(file.path).then(({ size, mtimeMs }) => ({ bytes: size, modifiedAt: Math.round(mtimeMs) }))
    : {}
  return { ...file, ...sizes, format: 'mp4', duration, complete, indexed }
}
