import type { Directory } from '../actors/directory.js'
import type { Fact, Told } from '../machines/domain/facts.js'
import type { CameraView } from '../machines/domain/views.js'

type Timed = Fact & { at: number }

/** The reason of a view, or a sentence if it has none. */
const reasonOr = (reason: string | undefined, sentence: string) => reason ?? sentence

/** The facts that describe the present state, each with the time since when it is so. */
export const presentFacts = (directory: Directory, seq: number): Told[] =>
  [...systemFacts(directory), ...directory.cameras().flatMap(cameraFacts)].map((fact) => ({ ...fact, seq }))

function cameraFacts(view: CameraView): Timed[] {
  const { id: camera, name, status, cause, identity, capabilities, stream } = view
  const at = cause.since
  const reason = reasonOr(cause.reason, cause.state)
  const known = cause.reason !== undefined && { reason }
  const formats = [...new Set(capabilities?.formats.map(({ fourcc }) => fourcc))]
  const facts: Timed[] = [{ type: 'camera.statusChanged', camera, name, from: status, to: status, at, ...known }]
  if (status === 'CONNECTED') facts.push({ type: 'camera.connected', camera, name, at })
  if (status === 'DISCONNECTED') facts.push({ type: 'camera.disconnected', camera, reason, at })
  if (capabilities !== undefined) facts.push({ type: 'camera.probed', camera, formats, at })
  if (identity.ambiguous) {
    const reason = reasonOr(undefined, 'another camera reports the same serial: both are identified by their USB port')
    facts.push({ type: 'camera.identityAmbiguous', camera, reason, at })
  }
  if (stream.status === 'ACTIVE') facts.push({ type: 'stream.started', camera, at: stream.since })
  if (stream.status === 'ERROR') {
    const reason = reasonOr(stream.reason, 'no frames come from the camera')
    facts.push({ type: 'stream.ended', camera, reason, at: stream.since })
  }
  return [...facts, ...recordingFacts(view)]
}

function recordingFacts({ id: camera, recording }: CameraView): Timed[] {
  if (recording?.filename === undefined || recording.startedAt === undefined) return []
  const { filename, startedAt, format, status } = recording
  if (status === 'STOPPED' || status === 'FAILED') return []
  const by = { user: recording.by, request: '', session: '' }
  const started: Timed = { type: 'recording.started', camera, by, filename, startedAt, format, at: startedAt }
  if (status !== 'INTERRUPTED') return [started]
  const reason = reasonOr(recording.reason, 'the recording is interrupted')
  return [started, { type: 'recording.interrupted', camera, by, filename, reason, at: startedAt }]
}

function systemFacts(directory: Directory): Timed[] {
  const { status, startedAt } = directory.system()
  const { state, percent, available, cause } = directory.storage()
  const link = directory.link()
  const at = link.cause.since
  return [
    ...(status === 'starting' ? [] : [{ type: 'system.started' as const, at: startedAt }]),
    ...(state === 'unknown' ? [] : [{ type: `storage.${state}` as const, percent, available, at: cause.since }]),
    link.state === 'down' || link.state === 'degraded'
      ? { type: `link.${link.state}` as const, reason: reasonOr(link.cause.reason, link.state), at }
      : { type: 'link.up', version: link.server?.version ?? '', paths: 0, at },
  ]
}
