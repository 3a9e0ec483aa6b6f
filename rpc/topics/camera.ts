import * as Type from 'typebox'
import { fourccOf } from '../../machines/domain/streamMedia.js'
import type { CameraStatus } from '../../machines/domain/views.js'
import type { Severity } from '../filters.js'
import { cameraMembersOf } from '../present.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { cameraProperties } from '../schemas.js'
import { cameraParamsOf, notice, paramsOf, topic, type World } from './topic.js'

const severityOf: Record<CameraStatus, Severity> = { CONNECTED: 'info', DISCONNECTED: 'warning', ERROR: 'error' }

const connected = topic({
  name: 'camera.connected',
  summary: 'a camera can be used',
  params: cameraParamsOf({ name: Type.String(), status: Type.Literal('CONNECTED') }),
  from: { 'camera.connected': ({ name }) => notice('info', { name, status: 'CONNECTED' }) },
})

const disconnected = topic({
  name: 'camera.disconnected',
  summary: 'a camera was unplugged or is no longer reachable',
  params: cameraParamsOf({ status: Type.Literal('DISCONNECTED'), ...reasonShape }),
  from: {
    'camera.disconnected': ({ reason }) => notice('warning', { status: 'DISCONNECTED', ...reasonFields(reason) }),
  },
})

const statusChange = topic({
  name: 'camera.status_change',
  summary: 'the `status` of a camera changed, or the camera left the list for good (`retired`)',
  params: cameraParamsOf({
    name: Type.Optional(Type.String()),
    old_status: cameraProperties.status,
    new_status: cameraProperties.status,
    status: Type.Optional(cameraProperties.status),
    ...optionalReasonShape,
    retired: Type.Optional(Type.Literal(true)),
  }),
  from: {
    'camera.statusChanged': ({ name, from, to, reason }) =>
      notice(severityOf[to], { name, old_status: from, new_status: to, status: to, ...reasonFields(reason) }),
    'camera.retired': () => notice('info', { old_status: 'DISCONNECTED', new_status: 'DISCONNECTED', retired: true }),
  },
})

const capabilityDetected = topic({
  name: 'camera.capability_detected',
  summary: 'the formats of a camera are known, or a network camera changed its stream (`stream_changed`)',
  params: cameraParamsOf({ formats: Type.Array(Type.String()), ...optionalReasonShape }),
  from: {
    'camera.probed': ({ formats }) => notice('info', { formats }),
    'camera.mediaChanged': ({ to, reason }) =>
      notice('info', { formats: [fourccOf(to.codec)] as string[], ...reasonFields(reason) }),
  },
})

const capabilityError = topic({
  name: 'camera.capability_error',
  summary: 'the formats of a camera cannot be read',
  params: cameraParamsOf(reasonShape),
  from: { 'camera.probeFailed': ({ reason }) => notice('error', reasonFields(reason)) },
})

/** The whole camera. `status` is that of the fact: the view may not have it yet. */
const wholeCamera = (camera: string, { directory }: World, status?: CameraStatus) => {
  const view = directory.cameras().find(({ id }) => id === camera)
  const now = status ?? view?.status ?? 'DISCONNECTED'
  return notice(severityOf[now], view === undefined ? { id: camera, status: now } : cameraMembersOf(view, now))
}
const { device, id, status, streams } = cameraProperties

const statusUpdate = topic({
  name: 'camera_status_update',
  summary: 'a camera, its stream or its recording changed its state; holds the whole [camera](#camera)',
  // Only four members are known of a camera that has left the list.
  params: Type.Union([paramsOf(cameraProperties), paramsOf({ device, id, status, streams })]),
  isState: true,
  withStreams: true,
  from: {
    'camera.connected': ({ camera }, world) => wholeCamera(camera, world, 'CONNECTED'),
    'camera.disconnected': ({ camera }, world) => wholeCamera(camera, world, 'DISCONNECTED'),
    'camera.statusChanged': ({ camera, to }, world) => wholeCamera(camera, world, to),
    'camera.probed': ({ camera }, world) => wholeCamera(camera, world),
    'camera.probeFailed': ({ camera }, world) => wholeCamera(camera, world),
    'camera.identityAmbiguous': ({ camera }, world) => wholeCamera(camera, world),
    'camera.renamed': ({ camera }, world) => wholeCamera(camera, world),
    'camera.mediaChanged': ({ camera }, world) => wholeCamera(camera, world),
    'camera.recordingOver': ({ camera }, world) => wholeCamera(camera, world),
    'stream.started': ({ camera }, world) => wholeCamera(camera, world),
    'stream.stalled': ({ camera }, world) => wholeCamera(camera, world),
    'stream.overloaded': ({ camera }, world) => wholeCamera(camera, world),
    'stream.relieved': ({ camera }, world) => wholeCamera(camera, world),
    'stream.ended': ({ camera }, world) => wholeCamera(camera, world),
    'recording.started': ({ camera }, world) => wholeCamera(camera, world),
    'recording.interrupted': ({ camera }, world) => wholeCamera(camera, world),
    'recording.suspended': ({ camera }, world) => wholeCamera(camera, world),
    'recording.resumed': ({ camera }, world) => wholeCamera(camera, world),
    'recording.ended': ({ camera }, world) => wholeCamera(camera, world),
    'recording.failed': ({ camera }, world) => wholeCamera(camera, world),
  },
})

export const cameraTopics = [
  connected,
  disconnected,
  statusChange,
  capabilityDetected,
  capabilityError,
  statusUpdate,
] as const
