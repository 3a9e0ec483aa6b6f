import type { MediaFile, RecordingFile } from '../../machines/domain/ports.js'
import { readMatroska } from './matroska.js'
import { readMp4 } from './mp4.js'

/** What the file itself tells; one that cannot be read as media has no duration and is not complete. */
export async function describeRecording(file: MediaFile): Promise<RecordingFile> {
  if (file.name.endsWith('.mkv')) {
    const duration = await readMatroska(file.path)
    return { ...file, format: 'mkv', duration: duration ?? 0, complete: duration !== undefined }
  }
  const mp4 = await readMp4(file.path)
  return { ...file, format: 'mp4', duration: mp4?.duration ?? 0, complete: mp4?.complete ?? false }
}
