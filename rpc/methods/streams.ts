import * as Type from 'typebox'
import { dependencyFailed, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import { because } from '../../machines/domain/reason.js'
import { supportOf } from '../../machines/domain/streamSupport.js'
import type { CameraView } from '../../machines/domain/views.js'
import { method } from '../method.js'
import { given, iso, seconds } from '../present.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { camerasFor } from '../rights.js'
import { CameraName, CameraParam, Count, None, OneCamera, StreamUrls, Time, timeOf } from '../schemas.js'
import { requestedLife, signedUrls, stillUrl, urlsFor, viewerOf } from '../signedUrls.js'
import { streamStateOf } from './streamState.js'

/** How long get_streams waits for the media server, in ms. */
const patience = 3_000

const startStreaming = method({
  name: 'start_streaming',
  summary: 'Starts the stream of a camera and holds it for this connection.',
  role: 'operator',
  camera: 'device',
  cost: 5,
  audit: { event: 'change' },
  errors: ['invalidState'],
  params: OneCamera,
  result: Type.Object({
    device: CameraName,
    stream_name: Type.String(),
    stream_url: Type.String(),
    status: Type.Enum(['STARTED', 'FAILED']),
    start_time: Time,
    auto_close_after: Type.String({
      description:
        'As in "300s"; "0s": held until stop_streaming or the end of the connection. The hold also ends when the camera ' +
        'is lost or configured anew, but not when it only reconnects for another rate, size or format (`camera.adapt`)',
    }),
    ffmpeg_command: Type.String(),
  }),
  handler: async ({ device }, call) => {
    const { services, session, by } = call
    const { camera, since, until } = await services.ask.holdStream(device, session.id, by)
    // The connection may have ended during the start: then its hold must be released here.
    if (session.closed) services.ask.releaseAll(session.id)
    return {
      device: camera,
      stream_name: camera,
      stream_url: urlsFor(services, camera, viewerOf(call)).rtsp,
      status: 'STARTED' as const,
      start_time: iso(since),
      auto_close_after: `${until === undefined ? 0 : seconds(until - since)}s`,
      // Clients check that it is a string. The real command names devices, so it stays here.
      ffmpeg_command:
        services.directory.camera(camera).kind === 'rtsp'
          ? 'none (the media server reads the camera itself)'
          : 'ffmpeg (run on demand by the media server)',
    }
  },
})

const stopStreaming = method({
  name: 'stop_streaming',
  summary: "Releases this connection's hold on a stream; other holds and recordings keep it running.",
  role: 'operator',
  camera: 'device',
  cost: 2,
  audit: { event: 'change' },
  errors: ['invalidState'],
  params: OneCamera,
  result: Type.Object({
    device: CameraName,
    stream_name: Type.String(),
    status: Type.Enum(['STOPPED', 'FAILED']),
    start_time: Time,
    end_time: Time,
    duration: Count,
    stream_continues: Type.Boolean(),
    message: Type.Optional(Type.String()),
  }),
  handler: async ({ device }, { services: { ask, clock }, session }) => {
    const { camera, since, continues } = await ask.releaseStream(device, session.id)
    const end = Math.max(since, clock.now())
    return {
      device: camera,
      stream_name: camera,
      status: 'STOPPED' as const,
      start_time: iso(since),
      end_time: iso(end),
      duration: seconds(end - since),
      stream_continues: continues,
      message: continues ? 'Others keep the stream running' : 'The stream stops when nobody uses it',
    }
  },
})

const getStreamUrl = method({
  name: 'get_stream_url',
  summary: 'Returns URLs that open the stream of a camera for a limited time; opening one wakes the stream.',
  role: 'viewer',
  camera: 'device',
  params: Type.Object({
    device: CameraParam,
    expires_in: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description:
          "Life of the URLs in seconds; never longer than security.stream_url_life or the caller's credential",
      }),
    ),
    life: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 315_360_000,
        description:
          'Life of the URLs in seconds, also longer than usual, such as for a wall display: up to ' +
          "security.stream_url_max_life and the end of the caller's credential; refused beyond. It overrides expires_in",
      }),
    ),
  }),
  numeric: ['expires_in', 'life'],
  result: Type.Object({
    device: CameraName,
    stream_name: Type.String(),
    stream_url: Type.String(),
    available: Type.Boolean({ description: 'Whether the URL can be opened now' }),
    active_consumers: Count,
    stream_status: Type.Enum(['READY', 'NOT_READY', 'ERROR']),
    streams: StreamUrls,
    snapshot_url: Type.String({
      description: 'Address of a picture of this moment, relative to the address of the API',
    }),
    unplayable: Type.Optional(
      Type.Array(Type.Object({ protocol: Type.Enum(['hls', 'webrtc']), ...reasonShape }), {
        description: 'Since 1.1. Protocols that do not play the codec of this stream. RTSP plays every codec',
      }),
    ),
    expires_at: Type.Optional(timeOf('When the URLs stop working and their readers are disconnected; absent: never')),
    ...optionalReasonShape,
  }),
  handler: async ({ device, expires_in: expiresIn, life }, call) => {
    const { services, caller } = call
    const { id } = services.directory.camera(device)
    const wished = expiresIn === undefined ? undefined : Math.min(expiresIn * 1000, services.urls.streamLife)
    const requested = life === undefined || !caller ? wished : requestedLife(services, caller, life * 1000)
    const { known, state } = await streamStateOf(services, id)
    const view = services.directory.camera(device)
    const { status, cause, stream } = view
    const { urls, expiresAt } = signedUrls(services, id, viewerOf(call), requested)
    const hasFailed = stream.status === 'ERROR' || status === 'ERROR'
    const isReady = known && stream.status === 'ACTIVE'
    const streamReason = known ? stream.reason : because('server_unreachable')
    return {
      device: id,
      stream_name: id,
      stream_url: urls.rtsp,
      available: known && status === 'CONNECTED',
      active_consumers: state?.readers ?? 0,
      stream_status: hasFailed ? ('ERROR' as const) : isReady ? ('READY' as const) : ('NOT_READY' as const),
      streams: urls,
      snapshot_url: stillUrl(call, id, expiresAt),
      ...given({ unplayable: unplayable(view) }),
      ...(expiresAt === undefined ? {} : { expires_at: iso(expiresAt) }),
      ...reasonFields(status === 'CONNECTED' ? streamReason : cause.reason),
    }
  },
})

/** The protocols that do not play the stream; `undefined`: none. */
function unplayable({ capabilities }: CameraView) {
  const found = (capabilities?.stream ? supportOf(capabilities.stream) : []).flatMap(({ use, reason }) =>
    reason !== undefined && (use === 'hls' || use === 'webrtc') ? [{ protocol: use, ...reasonFields(reason) }] : [],
  )
  return found.length > 0 ? found : undefined
}

const getStreamStatus = method({
  name: 'get_stream_status',
  summary: 'Returns the state of the stream of a camera: its process, path, readers and frames.',
  role: 'viewer',
  camera: 'device',
  params: OneCamera,
  result: Type.Object({
    device: CameraName,
    stream_name: Type.String(),
    status: Type.Enum(['ACTIVE', 'INACTIVE', 'ERROR', 'STARTING', 'STOPPING']),
    ready: Type.Boolean(),
    ffmpeg_process: Type.Object({ running: Type.Boolean(), pid: Count, uptime: Count }),
    mediamtx_path: Type.Object({ exists: Type.Boolean(), ready: Type.Boolean(), readers: Count }),
    metrics: Type.Object({ bytes_sent: Count, frames_sent: Count, bitrate: Count, fps: Count }),
    start_time: Time,
    holders: Type.Integer({ minimum: 0, description: 'Number of connections that hold it by start_streaming' }),
    ...optionalReasonShape,
  }),
  handler: async ({ device }, { services }) => {
    const { id } = services.directory.camera(device)
    const { state, known } = await streamStateOf(services, id)
    const { stream } = services.directory.camera(device)
    const reason = stream.reason ?? (known ? undefined : services.directory.link().cause.reason)
    const process = services.pipelines.process(id)
    const ready = state?.ready ?? false
    return {
      device: id,
      stream_name: id,
      status: stream.status,
      ready,
      ffmpeg_process: {
        running: process !== undefined,
        pid: process?.pid ?? 0,
        uptime: process === undefined ? 0 : seconds(services.clock.now() - process.since),
      },
      mediamtx_path: { exists: state !== undefined, ready, readers: state?.readers ?? 0 },
      metrics: {
        bytes_sent: state?.bytesSent ?? 0,
        frames_sent: Math.round(stream.frames),
        bitrate: Math.round(stream.bitrate),
        fps: Math.round(stream.fps),
      },
      start_time: iso(state?.readySince ?? stream.since),
      holders: Object.keys(stream.holders).length,
      ...reasonFields(reason),
    }
  },
})

const getStreams = method({
  name: 'get_streams',
  summary: "Lists the streams of the cameras with the media server's state of each.",
  role: 'viewer',
  cost: 2,
  gated: true,
  params: None,
  result: Type.Array(
    Type.Object({
      name: Type.String(),
      source: Type.String(),
      ready: Type.Boolean(),
      readers: Count,
      bytes_sent: Count,
    }),
  ),
  handler: async (_, { services: { mediaServer, directory }, caller }) => {
    const states = await mediaServer.streams(AbortSignal.timeout(patience)).catch((error: unknown) => {
      throw error instanceof ServiceError ? error : dependencyFailed('mediamtx', reasonOf(error))
    })
    const byName = new Map(states.map((state) => [state.name, state]))
    // An external media server may also carry streams that are not ours.
    return camerasFor(caller, directory).flatMap(({ id, kind }) => {
      const state = byName.get(id)
      if (state === undefined) return []
      const { name, source = kind, ready, readers, bytesSent } = state
      return [{ name, source, ready, readers, bytes_sent: bytesSent }]
    })
  },
})

export const streamMethods = [startStreaming, stopStreaming, getStreamUrl, getStreamStatus, getStreams]
