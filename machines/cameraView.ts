import type { SnapshotFrom } from 'xstate'
import type { cameraMachine } from './camera.js'
import type { Identity, SourceKind } from './domain/camera.js'
import type { CameraView, StreamView } from './domain/views.js'
import { recordingView } from './recording.js'

type CameraSnapshot = SnapshotFrom<typeof cameraMachine>

const stateOf = ({ value }: CameraSnapshot): string =>
  typeof value === 'string' ? value : (value.online?.life ?? 'online')

const streamOf = ({ tags }: CameraSnapshot): StreamView['status'] => {
  if (tags.has('stalled')) return 'ERROR'
  if (tags.has('running') || tags.has('live')) return 'ACTIVE'
  return tags.has('held') ? 'STARTING' : 'INACTIVE'
}

/** A snapshot never changes, and asking it what it `can` costs more than all the rest of a view. */
const known = new WeakMap<CameraSnapshot, string[]>()

/** What the API would accept of this camera now. */
function allowedOf(snapshot: CameraSnapshot): string[] {
  const before = known.get(snapshot)
  if (before) return before
  const { id: request } = snapshot.context
  const by = { user: '', request, session: '' }
  const asks = [
    ['take_snapshot', { type: 'snapshot.take', wish: { by, maxAge: 0, options: { format: 'jpg', quality: 90 } } }],
    ['start_recording', { type: 'recording.start', by, format: 'fmp4' }],
    ['stop_recording', { type: 'recording.stop', by }],
    ['start_streaming', { type: 'stream.hold', holder: '', since: 0 }],
  ] as const
  const allowed = asks.filter(([, event]) => snapshot.can(event)).map(([method]) => method)
  known.set(snapshot, allowed)
  return allowed
}

/** The two words that outsiders follow over time. */
export const cameraAspects = (snapshot: CameraSnapshot) => ({ state: stateOf(snapshot), stream: streamOf(snapshot) })

/** `since` of the states is the observer's to add: machines do not read clocks. */
export const cameraView = (snapshot: CameraSnapshot): CameraView => {
  const { id, name, identity, device, probe, reason, status, connectedAt, holds, progress, streamReason } =
    snapshot.context
  const recording = snapshot.children.recording?.getSnapshot()
  return {
    id,
    kind: device?.kind ?? kindOf(identity),
    name,
    status,
    cause: { state: stateOf(snapshot), since: 0, ...(reason !== undefined && { reason }) },
    identity,
    ...(probe && { capabilities: probe.capabilities, pipeline: probe.pipeline, mode: probe.pipeline.mode }),
    ...(connectedAt !== undefined && { connectedAt }),
    stream: {
      status: streamOf(snapshot),
      since: 0,
      holders: Object.fromEntries(Object.entries(holds).map(([holder, { since }]) => [holder, since])),
      ...progress,
      ...(streamReason !== undefined && { reason: streamReason }),
    },
    ...(recording && { recording: recordingView(recording) }),
    allowed: allowedOf(snapshot),
  }
}

const kindOf = ({ key }: Identity): SourceKind =>
  key.startsWith('virtual:') ? 'virtual' : key.startsWith('rtsp:') ? 'rtsp' : 'usb'
