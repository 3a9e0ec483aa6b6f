import * as Type from 'typebox'
import type { FileKind } from '../../machines/domain/ports.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { Count, InUse } from '../schemas.js'
import { cameraParamsOf, notice, paramsOf, topic } from './topic.js'

const deleted = <Name extends string>(name: Name, kind: FileKind, summary: string) =>
  topic({
    name,
    summary,
    params: cameraParamsOf({ filename: Type.String(), file_size: Count, ...reasonShape }),
    from: {
      'file.deleted': (file) =>
        file.kind === kind
          ? notice('info', { filename: file.name, file_size: file.bytes, ...reasonFields(file.reason) })
          : undefined,
    },
  })

const recordingDeleted = deleted('recording.deleted', 'recordings', 'retention deleted a recording')
const snapshotDeleted = deleted('snapshot.deleted', 'snapshots', 'retention deleted a snapshot')

const cleanup = topic({
  name: 'storage.cleanup',
  summary: 'retention finished a run; what it deleted in all',
  params: paramsOf({ files_deleted: Count, space_freed: Count, files_kept: Count, ...optionalReasonShape }),
  from: {
    // Counts only: the file names belong to cameras that a subscriber may not use.
    'retention.swept': ({ files, freed, kept, reason }) =>
      notice(kept.length > 0 || reason !== undefined ? 'warning' : 'info', {
        files_deleted: files,
        space_freed: freed,
        files_kept: kept.length,
        ...reasonFields(reason),
      }),
  },
})

const switched = topic({
  name: 'storage.switched',
  summary: 'new recordings go to the fallback folder (`to`), or to the main folder again',
  params: paramsOf({ to: InUse, ...reasonShape }),
  isState: true,
  from: {
    'storage.switched': ({ to, reason }) =>
      notice(to === 'fallback' ? 'warning' : 'info', { to, ...reasonFields(reason) }),
  },
})

export const storageTopics = [recordingDeleted, snapshotDeleted, cleanup, switched] as const
