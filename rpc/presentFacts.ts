import type { Directory } from '../actors/directory.js'
import type { Fact, Told } from '../machines/domain/facts.js'
import { ambiguityOf } from '../machines/domain/identity.js'
import { because } from '../machines/domain/reason.js'
import type { CameraView } from '../machines/domain/views.js'

type Timed = Fact & { at: number }

/** The facts that describe the present state, each with the time since when it is so. */
export const presentFacts = (directory: Directory, seq: number): Told[] =>
  [...systemFacts(directory), ...directory.cameras().flatMap(cameraFacts)].map((fact) => ({ ...fact, seq }))

function cameraFacts(view: CameraView): Timed[] {
  const { id: camera, name, status, cause, identity, capabilities, stream } = view
  const at = cause.since
  const { reason } = cause
  const formats = [...new Set(capabilities?.formats.map(({ fourcc }) => fourcc))]
  const facts: Timed[] = [
    { type: 'camera.statusChanged', camera, name, from: status, to: status, at, ...(reason && { reason }) },
  ]
  if (status === 'CONNECTED') facts.push({ type: 'camera.connected', camera, name, at })
  if (status === 'DISCONNECTED')
    facts.push({ type: 'camera.disconnected', camera, reason: reason ?? because('unplugged'), at })
  if (capabilities !== undefined) facts.push({ type: 'camera.probed', camera, formats, at })
  if (identity.ambiguous) facts.push({ type: 'camera.identityAmbiguous', camera, reason: ambiguityOf(identity), at })
  if (stream.status === 'ACTIVE') facts.push({ type: 'stream.started', camera, at: stream.since })
  if (stream.overload) facts.push({ type: 'stream.overloaded', camera, reason: stream.overload, at: stream.since })
  if (stream.status === 'ERROR')
    facts.push({ type: 'stream.ended', camera, reason: stream.reason ?? because('no_frames'), at: stream.since })
  return [...facts, ...recordingFacts(view)]
}

function recordingFacts({ id: camera, recording }: CameraView): Timed[] {
  if (recording?.filename === undefined || recording.startedAt === undefined) return []
  const { filename, startedAt, format, status } = recording
  if (status === 'STOPPED' || status === 'FAILED') return []
  const by = { user: recording.by, request: '', session: '' }
  const started: Timed = { type: 'recording.started', camera, by, filename, startedAt, format, at: startedAt }
  if (status !== 'INTERRUPTED') return [started]
  const { reason = because('no_data'), since = startedAt } = recording
  return [started, { type: 'recording.interrupted', camera, by, filename, reason, closes: false, at: since }]
}

function systemFacts(directory: Directory): Timed[] {
  const { status, startedAt } = directory.system()
  const link = directory.link()
  const at = link.cause.since
  return [
    ...(status === 'starting' ? [] : [{ type: 'system.started' as const, at: startedAt }]),
    ...storageFacts(directory),
    ...folderFacts(directory),
    link.state === 'down' || link.state === 'degraded'
      ? { type: `link.${link.state}` as const, reason: link.cause.reason ?? because('server_unreachable'), at }
      : { type: 'link.up', version: link.server?.version ?? '', paths: 0, at },
  ]
}

function folderFacts(directory: Directory): Timed[] {
  const { folder } = directory.storage()
  if (folder?.inUse !== 'fallback') return []
  return [
    { type: 'storage.switched', to: 'fallback', reason: folder.reason ?? because('storage_failed'), at: folder.since },
  ]
}

function storageFacts(directory: Directory): Timed[] {
  const { state, percent, available, cause } = directory.storage()
  const at = cause.since
  if (state === 'unknown') return []
  if (state === 'blind') return [{ type: 'storage.blind', reason: cause.reason ?? because('storage_unknown'), at }]
  if (state === 'ok') return [{ type: 'storage.ok', percent, available, at }]
  return [
    { type: `storage.${state}` as const, percent, available, reason: cause.reason ?? because('storage_full'), at },
  ]
}
