import Type from 'typebox'
import { mayUse } from '../../machines/domain/access.js'
import { dependencyFailed, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { StreamState } from '../../machines/domain/ports.js'
import { method, type Services } from '../method.js'
import { iso, seconds, signedUrlsFor, stillUrl, urlsFor } from '../present.js'
import { CameraName, CameraParam, Count, None, OneCamera, Time } from '../schemas.js'
import { viewerOf } from '../streams/signed.js'

/** How long a look-up waits for the media server. */
const patience = 3_000
/** A timer and a signal for each look-up would cost more than the look-up: who samples the media server has a limit of its own. */
const unlimited = new AbortController().signal

/** What the media server says of one path; `known` is false while it cannot be asked. For answers that can do without. */
export const stateOfStream = (
  { mediaServer, directory }: Services,
  camera: string,
): KnownStream | Promise<KnownStream> => {
  if (directory.link().state === 'down') return { known: false }
  const sample = mediaServer.sample?.()
  if (sample !== undefined) return found(sample.find(({ name }) => name === camera))
  return mediaServer.stream(camera, unlimited).then(found, () => ({ known: false }))
}

export interface KnownStream {
  known: boolean
  state?: StreamState
}

const found = (state: StreamState | undefined): KnownStream =>
  state === undefined ? { known: true } : { known: true, state }

export const streamMethods = [
  method({
    name: 'start_streaming',
    summary: 'Starts the stream of a camera and holds it for this connection.',
    role: 'operator',
    camera: 'device',
    cost: 5,
    audited: true,
    since: '1.0',
    gated: true,
    errors: ['invalidState'],
    params: OneCamera,
    result: Type.Object({
      device: CameraName,
      stream_name: Type.String(),
      stream_url: Type.String(),
      status: Type.Enum(['STARTED', 'FAILED']),
      start_time: Time,
      auto_close_after: Type.String({
        description: 'As in "300s"; "0s": held until stop_streaming or the end of the connection',
      }),
      ffmpeg_command: Type.String(),
    }),
    handler: async ({ device }, call) => {
      const { services, session, by } = call
      const { camera, since, until } = await services.ask.holdStream(device, session.id, by)
      // The connection may have ended while the stream was waking: then nobody is left to let go of it.
      if (session.closed) services.ask.releaseAll(session.id)
      return {
        device: camera,
        stream_name: camera,
        stream_url: urlsFor(services, camera, viewerOf(call)).rtsp,
        status: 'STARTED' as const,
        start_time: iso(since),
        auto_close_after: `${until === undefined ? 0 : seconds(until - since)}s`,
        // Clients check that it is a string; the command itself names devices and stays here.
        ffmpeg_command: 'ffmpeg (run on demand by the media server)',
      }
    },
  }),
  method({
    name: 'stop_streaming',
    summary: 'Lets go of a stream that this connection holds; other users and recordings keep it.',
    role: 'operator',
    camera: 'device',
    cost: 2,
    audited: true,
    since: '1.0',
    gated: true,
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
    handler: async ({ device }, { services, session }) => {
      const { camera, since, continues } = await services.ask.releaseStream(device, session.id)
      const end = Math.max(since, services.clock.now())
      return {
        device: camera,
        stream_name: camera,
        status: 'STOPPED' as const,
        start_time: iso(since),
        end_time: iso(end),
        duration: seconds(end - since),
        stream_continues: continues,
        message: continues ? 'The stream goes on for others' : 'The stream closes when nobody uses it',
      }
    },
  }),
  method({
    name: 'get_stream_url',
    summary: 'Tells where a camera can be watched, by URLs that open it for a time; opening one wakes the stream.',
    role: 'viewer',
    camera: 'device',
    since: '1.0',
    gated: true,
    params: Type.Object({
      device: CameraParam,
      expires_in: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 86_400,
          description:
            'Seconds that the URLs are to be good for; never longer than security.stream_url_life or the credential of the caller',
        }),
      ),
    }),
    numeric: ['expires_in'],
    result: Type.Object({
      device: CameraName,
      stream_name: Type.String(),
      stream_url: Type.String(),
      available: Type.Boolean({ description: 'The URL can be opened now' }),
      active_consumers: Count,
      stream_status: Type.Enum(['READY', 'NOT_READY', 'ERROR']),
      streams: Type.Object({
        rtsp: Type.String(),
        hls: Type.Optional(Type.String()),
        webrtc: Type.Optional(Type.String()),
      }),
      snapshot_url: Type.String({ description: 'A picture of now by HTTP, relative to the address of the API' }),
      expires_at: Type.Optional(
        Type.String({
          format: 'date-time',
          description: 'From then on the URLs open nothing, and who watches by them is cut; absent: never',
        }),
      ),
      reason: Type.Optional(Type.String()),
    }),
    handler: async ({ device, expires_in: wish }, call) => {
      const { services } = call
      const { id } = services.directory.camera(device)
      const { known, state } = await stateOfStream(services, id)
      const { status, cause, stream } = services.directory.camera(device)
      const { urls, expiresAt } = signedUrlsFor(
        services,
        id,
        viewerOf(call),
        wish === undefined ? undefined : wish * 1000,
      )
      const broken = stream.status === 'ERROR' || status === 'ERROR'
      const reason =
        status === 'CONNECTED' ? (known ? stream.reason : 'the media server cannot be reached') : cause.reason
      return {
        device: id,
        stream_name: id,
        stream_url: urls.rtsp,
        available: known && status === 'CONNECTED',
        active_consumers: state?.readers ?? 0,
        stream_status: broken
          ? ('ERROR' as const)
          : known && stream.status === 'ACTIVE'
            ? ('READY' as const)
            : ('NOT_READY' as const),
        streams: urls,
        snapshot_url: stillUrl(call, id, expiresAt),
        ...(expiresAt === undefined ? {} : { expires_at: iso(expiresAt) }),
        ...(reason === undefined ? {} : { reason }),
      }
    },
  }),
  method({
    name: 'get_stream_status',
    summary: 'Tells how the stream of a camera runs: process, path, readers, frames.',
    role: 'viewer',
    camera: 'device',
    since: '1.0',
    gated: true,
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
      holders: Type.Integer({ minimum: 0, description: 'Connections that hold it by start_streaming' }),
      reason: Type.Optional(Type.String()),
    }),
    handler: async ({ device }, { services }) => {
      const { id } = services.directory.camera(device)
      const { state } = await stateOfStream(services, id)
      const { stream } = services.directory.camera(device)
      const process = services.pipelines.process(id)
      const { status, frames, fps, bitrate, since, reason } = stream
      return {
        device: id,
        stream_name: id,
        status,
        ready: state?.ready ?? false,
        ffmpeg_process: {
          running: process !== undefined,
          pid: process?.pid ?? 0,
          uptime: process === undefined ? 0 : seconds(services.clock.now() - process.since),
        },
        mediamtx_path: { exists: state !== undefined, ready: state?.ready ?? false, readers: state?.readers ?? 0 },
        metrics: {
          bytes_sent: state?.bytesSent ?? 0,
          frames_sent: Math.round(frames),
          bitrate: Math.round(bitrate),
          fps: Math.round(fps),
        },
        start_time: iso(state?.readySince ?? since),
        holders: Object.keys(stream.holders).length,
        ...(reason === undefined ? {} : { reason }),
      }
    },
  }),
  method({
    name: 'get_streams',
    summary: 'Lists the streams of our cameras as the media server sees them.',
    role: 'viewer',
    cost: 2,
    since: '1.0',
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
      // An external media server may carry streams of others, which are not ours to tell of.
      return directory.cameras().flatMap(({ id, kind }) => {
        const state = byName.get(id)
        if (state === undefined || (caller !== undefined && !mayUse(caller, id))) return []
        const { name, source, ready, readers, bytesSent } = state
        return [{ name, source: source ?? kind, ready, readers, bytes_sent: bytesSent }]
      })
    },
  }),
]
