import { lstat } from 'node:fs/promises'
import type { MediaFile, RecordingFile } from '../../machines/domain/ports.js'
import { readMatroska } from './matroska.js'
import { readMp4 } from './mp4.js'

/** What the file itself tells; one that cannot be read as media has no duration and is not complete. */
export async function describeRecording(file: MediaFile): Promise<RecordingFile> {
  if (file.name.endsWith('.mkv')) {
    const duration = await readMatroska(file.path)
    return { ...file, format: 'mkv', duration: duration ?? 0, complete: duration !== undefined }
  }
  const { duration, complete } = (await readMp4(file.path)) ?? { duration: 0, complete: false }
  // It may have been closed, and its last part written, since the file was looked at.
  const sizes = complete
    ? await lstat(file.path).then(({ size, mtimeMs }) => ({ bytes: size, modifiedAt: Math.round(mtimeMs) }))
    : {}
  return { ...file, ...sizes, format: 'mp4', duration, complete }
}
