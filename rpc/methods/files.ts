import Type, { type Static } from 'typebox'
import { mayUse } from '../../machines/domain/access.js'
import { invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { isInUse } from '../../machines/domain/retention.js'
import { type Call, method } from '../method.js'
import { downloadUrl, iso, resources, seconds } from '../present.js'
import { Count, Deleted, FileList, OneFile, Page, Time } from '../schemas.js'

const formatOf = (name: string) => name.slice(name.lastIndexOf('.') + 1).toLowerCase()

const entryOf = (call: Call, kind: FileKind, { name, camera, bytes, modifiedAt, createdAt }: MediaFile) => ({
  filename: name,
  file_size: bytes,
  modified_time: iso(modifiedAt),
  created_time: iso(createdAt),
  download_url: downloadUrl(call, kind, { camera, name }),
  device: camera,
  format: formatOf(name),
})

/** `each` for all values, at most `width` at a time, results in order. */
const inParallel = async <T, R>(values: readonly T[], width: number, each: (value: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  const queue = values.entries()
  const work = async () => {
    for (const [index, value] of queue) results[index] = await each(value)
  }
  await Promise.all(Array.from({ length: Math.min(width, values.length) }, work))
  return results
}

/** Seconds of media, `undefined` when the file has gone or cannot be read: a list does not fail for one entry. */
const durationOf = async ({ services }: Call, name: string) => {
  try {
    const file = await services.files.recording(name)
    return file === undefined ? undefined : seconds(file.duration)
  } catch {
    return undefined
  }
}

const list = async (kind: FileKind, { limit = 50, offset = 0 }: Static<typeof Page>, call: Call) => {
  const { services, caller } = call
  const { files, total } = await services.files.list(kind, {
    limit,
    offset,
    ...(caller && { mayUse: (camera) => mayUse(caller, camera) }),
  })
  if (kind === 'snapshots') return { files: files.map((file) => entryOf(call, kind, file)), total, limit, offset }
  const durations = await inParallel(files, 8, (file) => durationOf(call, file.name))
  const entries = files.map((file, index) => {
    const duration = durations[index]
    return duration === undefined ? entryOf(call, kind, file) : { ...entryOf(call, kind, file), duration }
  })
  return { files: entries, total, limit, offset }
}

const find = async (kind: FileKind, filename: string, { services, caller }: Call): Promise<MediaFile> => {
  if (!isFileName(filename)) throw invalidParam('filename', 'must not have more than 255 bytes')
  const file = await services.files.find(kind, filename)
  const hidden = file !== undefined && caller !== undefined && !mayUse(caller, file.camera)
  if (file === undefined || hidden) throw notFound(resources[kind], filename)
  return file
}

const remove = async (kind: FileKind, filename: string, call: Call) => {
  const { services } = call
  const { name, camera } = await find(kind, filename, call)
  const recording = services.directory.cameras().find(({ id }) => id === camera)?.recording
  if (kind === 'recordings' && recording !== undefined && isInUse(recording, name)) {
    const data = {
      reason: 'recording_in_progress',
      state: recording.status,
      allowed_states: ['STOPPED'],
      allowed_methods: ['stop_recording'],
    }
    throw new ServiceError('invalidState', data)
  }
  if (!(await services.files.remove(kind, name))) throw notFound(resources[kind], filename)
  return { filename: name, deleted: true, message: `${resources[kind]} deleted` }
}

export const fileMethods = [
  method({
    name: 'list_recordings',
    summary: 'Lists the recordings, newest first.',
    role: 'viewer',
    cost: 5,
    since: '1.0',
    params: Page,
    numeric: ['limit', 'offset'],
    result: FileList,
    handler: (page, call) => list('recordings', page, call),
  }),
  method({
    name: 'list_snapshots',
    summary: 'Lists the snapshots, newest first.',
    role: 'viewer',
    cost: 5,
    since: '1.0',
    params: Page,
    numeric: ['limit', 'offset'],
    result: FileList,
    handler: (page, call) => list('snapshots', page, call),
  }),
  method({
    name: 'get_recording_info',
    summary: 'Tells all of one recording; its name may lack the extension.',
    role: 'viewer',
    since: '1.0',
    errors: ['notFound'],
    params: OneFile,
    result: Type.Object({
      filename: Type.String(),
      file_size: Count,
      duration: Count,
      duration_ms: Count,
      created_time: Time,
      modified_time: Time,
      download_url: Type.String(),
      device: Type.String(),
      format: Type.String(),
      complete: Type.Boolean({ description: 'False: still growing, or cut off' }),
    }),
    handler: async ({ filename }, call) => {
      const found = await find('recordings', filename, call)
      const file = await call.services.files.recording(found.name)
      if (file === undefined) throw notFound('Recording', filename)
      return {
        ...entryOf(call, 'recordings', file),
        duration: seconds(file.duration),
        duration_ms: Math.max(0, Math.round(file.duration)),
        complete: file.complete,
      }
    },
  }),
  method({
    name: 'get_snapshot_info',
    summary: 'Tells all of one snapshot; its name may lack the extension.',
    role: 'viewer',
    since: '1.0',
    errors: ['notFound'],
    params: OneFile,
    result: Type.Object({
      filename: Type.String(),
      file_size: Count,
      created_time: Time,
      modified_time: Time,
      download_url: Type.String(),
      device: Type.String(),
      format: Type.String(),
    }),
    handler: async ({ filename }, call) => entryOf(call, 'snapshots', await find('snapshots', filename, call)),
  }),
  method({
    name: 'delete_recording',
    summary: 'Deletes one recording; one that is still being written is refused.',
    role: 'admin',
    cost: 2,
    audited: true,
    since: '1.0',
    errors: ['notFound', 'invalidState'],
    params: OneFile,
    result: Deleted,
    handler: ({ filename }, call) => remove('recordings', filename, call),
  }),
  method({
    name: 'delete_snapshot',
    summary: 'Deletes one snapshot.',
    role: 'admin',
    cost: 2,
    audited: true,
    since: '1.0',
    errors: ['notFound'],
    params: OneFile,
    result: Deleted,
    handler: ({ filename }, call) => remove('snapshots', filename, call),
  }),
]
