import { lstat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import type { MediaFile, RecordingFile } from '../../machines/domain/ports.js'
import { readMatroska } from './matroska.js'
import { readMp4 } from './mp4.js'

type Closed = Pick<RecordingFile, 'bytes' | 'modifiedAt' | 'duration' | 'indexed'>

/** The newest closed files, by path: they change only together with their size or time. */
const closed = new LRUCache<string, Closed>({ max: 10_000 })

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
  const known = closed.get(file.path)
  if (known?.bytes === file.bytes && known.modifiedAt === file.modifiedAt)
    return { ...file, format: 'mp4', duration: known.duration, complete: true, indexed: known.indexed }
  const unknown = { duration: 0, complete: false, indexed: false }
  const { duration, complete, indexed } = (await readMp4(file.path)) ?? unknown
  // The media server may have written the last part and closed the file since `file` was read.
  const sizes = complete
    ? await lstat(file.path).then(({ size, mtimeMs }) => ({ bytes: size, modifiedAt: Math.round(mtimeMs) }))
    : {}
  if (complete) closed.set(file.path, { bytes: file.bytes, modifiedAt: file.modifiedAt, ...sizes, duration, indexed })
  return { ...file, ...sizes, format: 'mp4', duration, complete, indexed }
}
