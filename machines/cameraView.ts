import type { SnapshotFrom } from 'xstate'
import type { cameraMachine } from './camera.js'
import { holdsOf } from './cameraHolds.js'
import type { Identity, SourceKind } from './domain/camera.js'
import type { PipelineProgress } from './domain/capture.js'
import type { Reason } from './domain/reason.js'
import type { CameraStatus, CameraView, StreamView } from './domain/views.js'
import { noProgress, type pipelineMachine } from './pipeline.js'
import { recordingView } from './recordingView.js'

export type CameraSnapshot = SnapshotFrom<typeof cameraMachine>

/** Start times of the present states of the camera and its stream; epoch ms. */
export interface CameraSince {
  state: number
  stream: number
}

/** The tags that are state names of the API, the most specific first. */
const words = ['probing', 'available', 'draining', 'unplugged', 'faulty', 'retired'] as const

const stateOf = ({ tags }: CameraSnapshot): string => words.find((word) => tags.has(word)) ?? 'stopped'

const statusOf = ({ tags }: CameraSnapshot): CameraStatus =>
  tags.has('connected') ? 'CONNECTED' : tags.has('faulty') && !tags.has('unreachable') ? 'ERROR' : 'DISCONNECTED'

/** Derives the stream's state from the children of the camera. */
function streamOf(snapshot: CameraSnapshot): Omit<StreamView, 'since'> {
  const { children } = snapshot
  const demand = children.demand?.getSnapshot()
  const feed = (children.pipeline ?? children.pull)?.getSnapshot()
  const status = feed?.hasTag('stalled')
    ? 'ERROR'
    : feed?.hasTag('running') || demand?.hasTag('live')
      ? 'ACTIVE'
      : demand?.hasTag('held')
        ? 'STARTING'
        : 'INACTIVE'
  const reason = reasonOf(status, feed?.context.reason, demand?.context.reason)
  const overload = overloadOf(children.pipeline?.getSnapshot())
  const holds = Object.entries(holdsOf(snapshot))
  return {
    status,
    holders: Object.fromEntries(holds.map(([holder, { since }]) => [holder, since])),
    ...shown(feed?.context.progress ?? noProgress),
    ...(overload && { overload }),
    ...(reason && { reason }),
  }
}

const shown = ({ frames, fps, bitrate, speed, size }: PipelineProgress) => ({
  frames,
  fps,
  bitrate,
  ...(speed !== undefined && { speed }),
  ...(size && { size }),
})

const overloadOf = (pipeline: SnapshotFrom<typeof pipelineMachine> | undefined): Reason | undefined =>
  pipeline?.hasTag('overloaded') ? pipeline.context.overload : undefined

/** Why the stream is not running. The normal end of an earlier one does not explain why a new one has not started. */
function reasonOf(status: StreamView['status'], feed: Reason | undefined, demand: Reason | undefined) {
  if (status === 'ACTIVE') return undefined
  return status === 'STARTING' && feed?.code === 'no_longer_used' ? demand : (feed ?? demand)
}

/** Cached per snapshot, because snapshots never change and `can` is the slowest part of a view. */
const known = new WeakMap<CameraSnapshot, string[]>()

/** Returns the methods of the API that this camera accepts now. */
function allowedOf(snapshot: CameraSnapshot): string[] {
  const before = known.get(snapshot)
  if (before) return before
  const { id: request } = snapshot.context
  const by = { user: '', request, session: '' }
  const events = [
    ['take_snapshot', { type: 'snapshot.take', wish: { by, maxAge: 0, options: { format: 'jpg', quality: 90 } } }],
    ['start_recording', { type: 'recording.start', by, format: 'fmp4' }],
    ['stop_recording', { type: 'recording.stop', by }],
    ['start_streaming', { type: 'stream.hold', holder: '', since: 0 }],
  ] as const
  const allowed = events.filter(([, event]) => snapshot.can(event)).map(([method]) => method)
  known.set(snapshot, allowed)
  return allowed
}

/** The two states that the observer tracks. */
export const cameraAspects = (snapshot: CameraSnapshot) => ({
  state: stateOf(snapshot),
  stream: streamOf(snapshot).status,
})

export const cameraView = (snapshot: CameraSnapshot, since: CameraSince): CameraView => {
  const { id, name, identity, device, probe, reason, connectedAt, obstacles, settings } = snapshot.context
  const recording = snapshot.children.recording?.getSnapshot()
  return {
    id,
    kind: device?.kind ?? kindOf(identity),
    name,
    status: statusOf(snapshot),
    cause: { state: stateOf(snapshot), since: since.state, ...(reason && { reason }) },
    identity,
    ...(probe && { capabilities: probe.capabilities, pipeline: probe.pipeline, mode: probe.pipeline.mode }),
    ...(connectedAt !== undefined && { connectedAt }),
    stream: { ...streamOf(snapshot), since: since.stream },
    ...(recording && { recording: recordingView(recording) }),
    allowed: allowedOf(snapshot),
    obstacles,
    ...(settings.limits && { limits: settings.limits }),
  }
}

const kindOf = ({ key }: Identity): SourceKind =>
  (['virtual', 'rtsp', 'v4l2'] as const).find((kind) => key.startsWith(`${kind}:`)) ?? 'usb'
