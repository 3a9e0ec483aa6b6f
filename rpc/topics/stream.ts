import * as Type from 'typebox'
import { because, type Reason } from '../../machines/domain/reason.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { CameraName, Count } from '../schemas.js'
import { cameraParamsOf, notice, paramsOf, topic, type World } from './topic.js'

const pathParams = cameraParamsOf({
  name: CameraName,
  stream_id: CameraName,
  stream_type: Type.Literal('rtsp'),
  source: Type.String(),
  ready: Type.Boolean(),
  readers: Count,
  bytes_sent: Count,
  ...optionalReasonShape,
})

const caughtUp = because('overloaded', 'the host keeps up with the stream again')

const streamOf = (camera: string, { directory }: World) => directory.cameras().find(({ id }) => id === camera)?.stream

const pathOf = (camera: string, world: World, ready: boolean, reason?: Reason) => ({
  name: camera,
  stream_id: camera,
  stream_type: 'rtsp' as const,
  source: camera,
  ready,
  readers: Object.keys(streamOf(camera, world)?.holders ?? {}).length,
  bytes_sent: 0,
  ...reasonFields(reason),
})

const stream = topic({
  name: 'mediamtx.stream',
  summary: 'a stream began, stalled or ended (`ready`)',
  params: pathParams,
  from: {
    'stream.started': ({ camera }, world) => notice('info', pathOf(camera, world, true)),
    'stream.stalled': ({ camera, reason }, world) => notice('warning', pathOf(camera, world, false, reason)),
    'stream.ended': ({ camera, reason }, world) => notice('info', pathOf(camera, world, false, reason)),
  },
})

const path = topic({
  name: 'mediamtx.path',
  summary: 'the path of a camera was added or removed',
  params: pathParams,
  isState: true,
  from: {
    'camera.connected': ({ camera }, world) =>
      notice('info', pathOf(camera, world, streamOf(camera, world)?.status === 'ACTIVE')),
    'camera.disconnected': ({ camera, reason }, world) => notice('warning', pathOf(camera, world, false, reason)),
  },
})

const error = topic({
  name: 'mediamtx.error',
  summary: 'the media server or one of its streams has a fault',
  params: paramsOf({
    ...reasonShape,
    component: Type.Optional(Type.String()),
    state: Type.Optional(Type.String()),
    device: Type.Optional(CameraName),
    name: Type.Optional(CameraName),
  }),
  from: {
    'stream.stalled': ({ camera, reason }) => notice('warning', { name: camera, ...reasonFields(reason) }),
    'stream.overloaded': ({ camera, reason }) =>
      notice('warning', { name: camera, state: 'overloaded', ...reasonFields(reason) }),
    'stream.relieved': ({ camera }) => notice('info', { name: camera, state: 'relieved', ...reasonFields(caughtUp) }),
    'link.degraded': ({ reason }) =>
      notice('warning', { component: 'mediamtx', state: 'degraded', ...reasonFields(reason) }),
    'link.down': ({ reason }) => notice('error', { component: 'mediamtx', state: 'down', ...reasonFields(reason) }),
  },
})

const drifted = topic({
  name: 'mediamtx.path_drifted',
  summary: 'another program removed or changed the path of a camera; `details` says what, and what was done',
  params: cameraParamsOf({ name: CameraName, ...reasonShape }),
  from: {
    'path.drifted': ({ camera, reason }) => notice('warning', { name: camera, ...reasonFields(reason) }),
  },
})

const started = topic({
  name: 'mediamtx.stream_started',
  summary: 'the first frame of a stream arrived',
  params: pathParams,
  from: { 'stream.started': ({ camera }, world) => notice('info', pathOf(camera, world, true)) },
})

const stopped = topic({
  name: 'mediamtx.stream_stopped',
  summary: 'a stream ended',
  params: pathParams,
  from: { 'stream.ended': ({ camera, reason }, world) => notice('info', pathOf(camera, world, false, reason)) },
})

export const streamTopics = [stream, path, error, drifted, started, stopped] as const
