import pLimit from 'p-limit'
import type { Static } from 'typebox'
import * as Type from 'typebox'
import { mayUse } from '../../machines/domain/access.js'
import type { CameraId } from '../../machines/domain/camera.js'
import { dependencyFailed, invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { FileKind, MediaFile, RecordingFile } from '../../machines/domain/ports.js'
import { because, reasonFrom } from '../../machines/domain/reason.js'
import { isInUse } from '../../machines/domain/retention.js'
import { fromDisk } from '../fromDisk.js'
import { type Call, type Method, method } from '../method.js'
import { gapOf, given, iso, resources, seconds } from '../present.js'
import { optionalReasonShape, reasonFields, unreadableFields } from '../reason.js'
import { mayReach } from '../rights.js'
import {
  Count,
  Deleted,
  FileInfo,
  FileList,
  Gap,
  Indexed,
  OneFile,
  Page,
  Protected,
  Quarantined,
  Truncated,
} from '../schemas.js'
import { downloadUrl, thumbnailUrl } from '../signedUrls.js'

/** Number of files of one list that are read at the same time. */
const readers = 8

/** How long the media server may take to close a file, in ms. */
const closing = 5_000

const formatOf = (name: string) => name.slice(name.lastIndexOf('.') + 1).toLowerCase()

const quarantineReason = ({ bytes }: MediaFile) =>
  reasonFields(because(bytes === 0 ? 'file_empty' : 'file_without_media'))

const entryOf = (
  call: Call,
  kind: FileKind,
  { name, camera, bytes, modifiedAt, createdAt, quarantined }: MediaFile,
) => ({
  filename: name,
  file_size: bytes,
  modified_time: iso(modifiedAt),
  created_time: iso(createdAt),
  download_url: downloadUrl(call, kind, { camera, name }),
  ...(!quarantined && { thumbnail_url: thumbnailUrl(call, kind, { camera, name }) }),
  device: camera,
  format: formatOf(name),
  ...(quarantined && { quarantined }),
})

/** The media server has the file open. A file that is closed just now counts as open, too. */
const isOpen = ({ services: { directory, clock } }: Call, { name, camera, modifiedAt }: MediaFile): boolean =>
  // A file of the future was written before the clock was set back.
  Math.abs(clock.now() - modifiedAt) < closing ||
  isInUse(directory.cameras().find(({ id }) => id === camera)?.recording, name)

/** The member that marks a recording that was cut off: by a crash, a full disk, or a power cut. */
const truncatedOf = (call: Call, file: RecordingFile) =>
  !file.complete && !file.quarantined && !isOpen(call, file) ? { truncated: true as const } : {}

/** What the file itself tells, unless it is gone or cannot be read: one such file must not fail the whole list. */
const mediaOf = async (
  call: Call,
  listed: MediaFile,
): Promise<{ duration?: number; truncated?: true; indexed?: boolean }> => {
  const file = await call.services.files.described(listed).catch(() => undefined)
  if (file === undefined) return {}
  return { duration: seconds(file.duration), ...truncatedOf(call, file), indexed: file.indexed }
}

/** The gaps of the recording that the file belongs to. */
const gapsOf = ({ services }: Call, { name, camera }: MediaFile) => {
  const recording = services.directory.cameras().find(({ id }) => id === camera)?.recording
  const gaps = recording?.files.includes(name) ? recording.gaps : services.gaps.find(name)
  return gaps === undefined ? {} : { gaps: gaps.map(gapOf) }
}

type Listing = Static<typeof Page> & { quarantined?: boolean }

const list = async (kind: FileKind, { limit = 50, offset = 0, quarantined = false }: Listing, call: Call) => {
  const { services, caller } = call
  const limits = caller && { mayUse: (camera: CameraId) => mayUse(caller, camera) }
  const { files, total, unreadable } = await fromDisk(
    services.files.list(kind, { limit, offset, quarantined, ...limits }),
  )
  const entries = await pLimit(readers).map(files, async (file) => ({
    ...entryOf(call, kind, file),
    ...(kind === 'recordings' && { protected: services.protection.has(file.name) }),
    ...(file.quarantined ? quarantineReason(file) : kind === 'recordings' && (await mediaOf(call, file))),
  }))
  return { files: entries, total, limit, offset, ...unreadableFields(unreadable) }
}

const find = async (kind: FileKind, filename: string, { services, caller }: Call): Promise<MediaFile> => {
  if (!isFileName(filename)) throw invalidParam('filename', 'must not have more than 255 bytes')
  const file = await fromDisk(services.files.find(kind, filename))
  if (file === undefined || !mayReach(caller, file.camera)) throw notFound(resources[kind], filename)
  return file
}

const remove = async (kind: FileKind, filename: string, call: Call) => {
  const { services } = call
  const { name, camera, quarantined = false } = await find(kind, filename, call)
  const recording = services.directory.cameras().find(({ id }) => id === camera)?.recording
  if (kind === 'recordings' && !quarantined && recording !== undefined && isInUse(recording, name)) {
    throw new ServiceError('invalidState', {
      reason: 'recording_in_progress',
      state: recording.status,
      allowed_states: ['STOPPED'],
      allowed_methods: ['stop_recording'],
    })
  }
  if (kind === 'recordings' && services.protection.has(name)) {
    throw new ServiceError('invalidState', {
      reason: 'recording_protected',
      state: 'protected',
      allowed_states: ['not protected'],
      allowed_methods: ['protect_recording'],
    })
  }
  if (!(await fromDisk(services.files.remove(kind, name, { quarantined })))) throw notFound(resources[kind], filename)
  return { filename: name, deleted: true, message: `${resources[kind]} deleted` }
}

const listing = {
  role: 'viewer',
  cost: 5,
  errors: ['dependencyFailed'],
  numeric: ['limit', 'offset'],
  result: FileList,
} as const

const listRecordings = method({
  ...listing,
  name: 'list_recordings',
  summary: 'Lists the recordings, newest first.',
  params: Type.Object({
    ...Page.properties,
    quarantined: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'True lists the quarantined files instead: they contain nothing that can be played',
      }),
    ),
  }),
  handler: (page, call) => list('recordings', page, call),
})

const listSnapshots = method({
  ...listing,
  name: 'list_snapshots',
  summary: 'Lists the snapshots, newest first.',
  params: Page,
  handler: ({ limit, offset }, call) => list('snapshots', given({ limit, offset }), call),
})

const getRecordingInfo = method({
  name: 'get_recording_info',
  summary: 'Returns the details of one recording; its name may be given without the extension.',
  role: 'viewer',
  errors: ['notFound', 'dependencyFailed'],
  params: OneFile,
  result: Type.Object({
    ...FileInfo.properties,
    duration: Count,
    duration_ms: Count,
    protected: Protected,
    complete: Type.Boolean({ description: 'False if the file still grows, or was cut off' }),
    truncated: Truncated,
    indexed: Indexed,
    quarantined: Quarantined,
    ...optionalReasonShape,
    gaps: Type.Optional(
      Type.Array(Gap, { description: 'Times without media in the whole recording of the file, oldest first' }),
    ),
  }),
  handler: async ({ filename }, call) => {
    const found = await find('recordings', filename, call)
    const file = await fromDisk(call.services.files.recording(found.name))
    if (file === undefined) throw notFound('Recording', filename)
    return {
      ...entryOf(call, 'recordings', file),
      duration: seconds(file.duration),
      duration_ms: Math.max(0, Math.round(file.duration)),
      protected: call.services.protection.has(file.name),
      complete: file.complete,
      ...truncatedOf(call, file),
      indexed: file.indexed,
      ...(file.quarantined && quarantineReason(file)),
      ...gapsOf(call, file),
    }
  },
})

const getSnapshotInfo = method({
  name: 'get_snapshot_info',
  summary: 'Returns the details of one snapshot; its name may be given without the extension.',
  role: 'viewer',
  errors: ['notFound', 'dependencyFailed'],
  params: OneFile,
  result: FileInfo,
  handler: async ({ filename }, call) => entryOf(call, 'snapshots', await find('snapshots', filename, call)),
})

const deleteMethod = (kind: FileKind, own: Pick<Method, 'name' | 'summary' | 'errors'>) =>
  method({
    ...own,
    role: 'admin',
    cost: 2,
    audit: { event: 'deletion', subject: 'filename' },
    params: OneFile,
    result: Deleted,
    handler: ({ filename }, call) => remove(kind, filename, call),
  })

const deleteRecording = deleteMethod('recordings', {
  name: 'delete_recording',
  summary:
    'Deletes one recording, also a quarantined one, unless it is still being written, or is protected; earlier files ' +
    'of a running recording can be deleted.',
  errors: ['notFound', 'invalidState', 'dependencyFailed'],
})
const deleteSnapshot = deleteMethod('snapshots', {
  name: 'delete_snapshot',
  summary: 'Deletes one snapshot.',
  errors: ['notFound', 'dependencyFailed'],
})

const protectRecording = method({
  name: 'protect_recording',
  summary: 'Protects one recording from deletion, by clients and by retention, or ends its protection.',
  role: 'admin',
  since: '1.1',
  cost: 2,
  audit: { event: 'change', subject: 'filename' },
  errors: ['notFound', 'invalidState', 'dependencyFailed'],
  params: Type.Object({ ...OneFile.properties, protected: Type.Boolean({ description: 'False: end it' }) }),
  result: Type.Object({ filename: Type.String(), protected: Protected, message: Type.String() }),
  handler: async ({ filename, protected: isProtected }, call) => {
    const { name } = await find('recordings', filename, call)
    await call.services.protection.set(name, isProtected).catch((error: unknown) => {
      const { code, details } = reasonFrom(error)
      if (code !== 'limit_reached') throw dependencyFailed('storage', { code, details })
      throw new ServiceError('invalidState', {
        reason: code,
        state: 'full',
        allowed_states: ['not full'],
        details,
        suggestion: 'End the protection of another recording',
      })
    })
    return { filename: name, protected: isProtected, message: `Recording ${isProtected ? '' : 'no longer '}protected` }
  },
})

export const fileMethods = [
  listRecordings,
  listSnapshots,
  getRecordingInfo,
  getSnapshotInfo,
  deleteRecording,
  deleteSnapshot,
  protectRecording,
]
