import { fromPromise } from 'xstate'
import { timeOf } from '../../machines/domain/fileName.js'
import type { IndexFormat, Unindexed } from '../../machines/domain/files.js'
import type { Indexer, Log } from '../../machines/domain/ports.js'
import { Failure, reasonFrom } from '../../machines/domain/reason.js'
import type { IntentStore, RecordingFormat } from '../../machines/domain/recording.js'
import { mayBeOpen } from '../../machines/domain/retention.js'
import type { CameraView, StorageView } from '../../machines/domain/views.js'
import type { Formats, Found, Indexable, Indexed } from '../../machines/indexing.js'

export interface IndexingPorts {
  indexer: Indexer
  intents: Pick<IntentStore, 'find'>
  /** The present cameras. A file that one of them may be writing is left alone. */
  cameras: () => readonly Pick<CameraView, 'id' | 'recording'>[]
  storage: () => Pick<StorageView, 'state' | 'spare'>
  log: Log
}

/** The effects of machines/indexing.ts. */
export const indexingEffects = ({ indexer, intents, cameras, storage, log }: IndexingPorts) => {
  const recordingOf = ({ camera }: Unindexed) => cameras().find(({ id }) => id === camera)?.recording
  const mayChange = (file: Unindexed) => mayBeOpen(recordingOf(file), file.name)

  /** The format of the running or interrupted recording that the file belongs to, also one of an earlier run. */
  async function presentFormat(file: Unindexed): Promise<RecordingFormat | undefined> {
    const recording = recordingOf(file)
    if (recording?.files.includes(file.name)) return recording.format
    const intent = await intents.find(file.camera)
    return intent && (timeOf(file.name) ?? 0) >= intent.startedAt ? intent.format : undefined
  }

  return {
    findUnindexed: fromPromise<Found, { formats: Formats; format: IndexFormat }>(async ({ input, signal }) => {
      try {
        const found: Found = { files: [], waiting: [] }
        for (const file of await indexer.unindexed(signal)) {
          const format = (await presentFormat(file)) ?? input.formats[file.name] ?? input.format
          // The whole recording is converted to Matroska at its end.
          if (format === 'mkv' || !file.isAtRest || mayChange(file)) found.waiting.push(file.name)
          else found.files.push({ ...file, format })
        }
        return found
      } catch (error) {
        if (!signal.aborted)
          log.warn('the recordings cannot be searched for files without an index', {
            reason: reasonFrom(error).details,
          })
        throw error
      }
    }),

    indexFile: fromPromise<Indexed, { file: Indexable | undefined }>(async ({ input: { file }, signal }) => {
      // A recording may have started meanwhile.
      if (!file || mayChange(file)) return undefined
      const { state, spare = 0 } = storage()
      // The copy needs as much room as the original, until it replaces it.
      if (state !== 'ok' || spare < file.bytes) {
        const { camera, name } = file
        log.debug('a recording gets its index later, because the disk has no room for a copy', { camera, file: name })
        throw new Failure('storage_full')
      }
      return indexer.index(file, file.format, signal)
    }),
  }
}
