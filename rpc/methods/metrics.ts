import * as Type from 'typebox'
import type { StreamState } from '../../machines/domain/ports.js'
import type { CameraView } from '../../machines/domain/views.js'
import { inTime } from '../inTime.js'
import { method } from '../method.js'
import { given, iso, isoOf } from '../present.js'
import { camerasFor } from '../rights.js'
import { Count, None, recordOf, Time } from '../schemas.js'

const Percent = Type.Number({ minimum: 0, maximum: 100 })

const CameraMetrics = Type.Object({
  name: Type.String(),
  status: Type.Enum(['CONNECTED', 'DISCONNECTED', 'ERROR']),
  state: Type.String(),
  since: Time,
  last_seen: Time,
  formats: Type.Array(Type.String()),
  stream_state: Type.Enum(['INACTIVE', 'STARTING', 'ACTIVE', 'ERROR']),
  frames: Count,
  fps: Type.Number({ minimum: 0 }),
  bitrate: Type.Number({ minimum: 0, description: 'Bits per second' }),
  readers: Count,
  bytes_sent: Count,
  bytes_received: Count,
})

const RecordingMetrics = Type.Object({
  recording: Type.Boolean({ description: 'Whether a file is growing' }),
  status: Type.Optional(Type.String()),
  files: Count,
  since: Type.Optional(Time),
})

/** How long to wait for the media server, in ms. The other metrics must not wait longer. */
const patience = 250

const percent = (value: number): number => Math.round(Math.min(100, Math.max(0, value)) * 10) / 10

const metricsOf = (
  { name, status, cause, capabilities, stream }: CameraView,
  state: StreamState | undefined,
  now: number,
) => ({
  name,
  status,
  state: cause.state,
  since: iso(cause.since),
  last_seen: iso(status === 'CONNECTED' ? now : cause.since),
  formats: [...new Set(capabilities?.formats.map(({ fourcc }) => fourcc))],
  stream_state: stream.status,
  frames: stream.frames,
  fps: stream.fps,
  bitrate: stream.bitrate,
  readers: state?.readers ?? 0,
  bytes_sent: state?.bytesSent ?? 0,
  bytes_received: state?.bytesReceived ?? 0,
})

const recordingOf = ({ recording }: CameraView) =>
  given({
    recording: recording?.growing ?? false,
    status: recording?.status,
    files: recording?.files.length ?? 0,
    since: isoOf(recording?.startedAt),
  })

const getMetrics = method({
  name: 'get_metrics',
  summary: 'Returns the load of the host and the metrics of cameras, recordings and streams.',
  role: 'admin',
  params: None,
  result: Type.Object({
    timestamp: Time,
    system_metrics: Type.Object({
      cpu_usage: Percent,
      memory_usage: Percent,
      disk_usage: Percent,
      goroutines: Type.Integer({
        minimum: 0,
        description: 'For older clients; number of sockets, timers and files that the runtime waits for',
      }),
      resident_bytes: Count,
      sampled_at: Time,
    }),
    camera_metrics: Type.Object({ connected_cameras: Count, cameras: recordOf(CameraMetrics) }),
    recording_metrics: recordOf(RecordingMetrics),
    stream_metrics: Type.Object({ active_streams: Count, total_streams: Count, total_viewers: Count }),
    cpu_usage: Percent,
    memory_usage: Percent,
    disk_usage: Type.Object({ total: Count, used: Count, available: Count, percentage: Percent }),
    network_stats: Type.Object({ connections: Count, bytes_sent: Count, bytes_received: Count }),
  }),
  handler: async (_, { services: { directory, mediaServer, hostSample, connections, clock }, caller }) => {
    const { at, cpuPercent, memoryPercent, residentBytes, bytesSent, bytesReceived } = hostSample()
    const { total, used, available, percent: diskPercent } = directory.storage()
    // The call itself goes on: only this reply does not wait for it.
    const answer = await inTime(patience, () => mediaServer.streams(AbortSignal.timeout(10_000)))
    const states = new Map((answer ?? []).map((state) => [state.name, state]))
    const cameras = camerasFor(caller, directory)
    const streams = cameras.flatMap(({ id }) => states.get(id) ?? [])
    const now = clock.now()
    const load = { cpu_usage: percent(cpuPercent), memory_usage: percent(memoryPercent) }
    return {
      timestamp: iso(now),
      system_metrics: {
        ...load,
        disk_usage: percent(diskPercent),
        goroutines: process.getActiveResourcesInfo().length,
        resident_bytes: residentBytes,
        sampled_at: iso(at),
      },
      camera_metrics: {
        connected_cameras: cameras.filter(({ status }) => status === 'CONNECTED').length,
        cameras: Object.fromEntries(cameras.map((view) => [view.id, metricsOf(view, states.get(view.id), now)])),
      },
      recording_metrics: Object.fromEntries(cameras.map((view) => [view.id, recordingOf(view)])),
      stream_metrics: {
        active_streams: cameras.filter(({ stream }) => stream.status === 'ACTIVE').length,
        total_streams: streams.length,
        total_viewers: streams.reduce((sum, { readers }) => sum + readers, 0),
      },
      ...load,
      disk_usage: { total, used, available, percentage: percent(diskPercent) },
      network_stats: { connections: connections(), bytes_sent: bytesSent, bytes_received: bytesReceived },
    }
  },
})

export const metricMethods = [getMetrics]
