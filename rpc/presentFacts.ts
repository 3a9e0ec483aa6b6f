import type { Directory } from '../actors/directory.js'
import type { Fact, Told } from '../machines/domain/facts.js'
import type { CameraView } from '../machines/domain/views.js'

type Timed = Fact & { at: number }

/** What must have happened for things to be as they are now, each with the time since when it is so. */
export const presentFacts = (directory: Directory, seq: number): Told[] =>
  [...systemFacts(directory), ...directory.cameras().flatMap(cameraFacts)].map((fact) => ({ ...fact, seq }))

function cameraFacts({
  id: camera,
  name,
  status,
  cause,
  identity,
  capabilities,
  stream,
  recording,
}: CameraView): Timed[] {
  const at = cause.since
  const reason = cause.reason ?? cause.state
  const facts: Timed[] = [
    {
      type: 'camera.statusChanged',
      camera,
      name,
      from: status,
      to: status,
      at,
      ...(cause.reason !== undefined && { reason }),
    },
  ]
  if (status === 'CONNECTED') facts.push({ type: 'camera.connected', camera, name, at })
  if (status === 'DISCONNECTED') facts.push({ type: 'camera.disconnected', camera, reason, at })
  if (capabilities !== undefined)
    facts.push({
      type: 'camera.probed',
      camera,
      formats: [...new Set(capabilities.formats.map(({ fourcc }) => fourcc))],
      at,
    })
  if (identity.ambiguous)
    facts.push({
      type: 'camera.identityAmbiguous',
      camera,
      reason: 'another camera reports the same serial: both go by their port',
      at,
    })
  if (stream.status === 'ACTIVE') facts.push({ type: 'stream.started', camera, at: stream.since })
  if (stream.status === 'ERROR')
    facts.push({ type: 'stream.ended', camera, reason: stream.reason ?? 'it gave no picture', at: stream.since })
  if (recording?.filename !== undefined && recording.startedAt !== undefined) {
    const { filename, startedAt, format, status } = recording
    const by = { user: recording.by, request: '', session: '' }
    if (status !== 'STOPPED' && status !== 'FAILED')
      facts.push({ type: 'recording.started', camera, by, filename, startedAt, format, at: startedAt })
    if (status === 'INTERRUPTED')
      facts.push({
        type: 'recording.interrupted',
        camera,
        by,
        filename,
        reason: recording.reason ?? 'interrupted',
        at: startedAt,
      })
  }
  return facts
}

function systemFacts(directory: Directory): Timed[] {
  const { status, startedAt } = directory.system()
  const { state, percent, available, cause } = directory.storage()
  const link = directory.link()
  const at = link.cause.since
  const reason = link.cause.reason ?? link.state
  return [
    ...(status === 'starting' ? [] : [{ type: 'system.started' as const, at: startedAt }]),
    ...(state === 'unknown' ? [] : [{ type: `storage.${state}` as const, percent, available, at: cause.since }]),
    link.state === 'down' || link.state === 'degraded'
      ? { type: `link.${link.state}` as const, reason, at }
      : { type: 'link.up', version: link.server?.version ?? '', paths: 0, at },
  ]
}
