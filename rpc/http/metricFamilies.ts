import type { StreamState } from '../../machines/domain/ports.js'
import type { CameraView, LinkView, StorageView, SystemView } from '../../machines/domain/views.js'
import { type CameraCounts, type Counts, type Durations, noCounts } from '../metrics.js'
import type { About } from '../options.js'

/** Everything that one scrape shows, taken at one time. */
export interface Sample {
  about: About
  cameras: CameraView[]
  link: LinkView
  storage: StorageView
  system: SystemView
  counts: Counts
  /** As the media server told them last; `stale`: it did not answer this time. */
  streams: { states: StreamState[]; stale: boolean }
  /** Bytes; absent as long as nobody has counted them. */
  files?: { recordings: number; snapshots: number }
  sockets: { authenticated: number; unauthenticated: number }
  process: { residentBytes: number; cpuSeconds: number }
}

type Labels = Record<string, string>
type Value = [Labels, number]
type Named = { name: string; help: string; labels?: readonly string[] }

/** One metric: what it is called and where its values are in a sample. */
export type Family =
  | (Named & { type: 'gauge' | 'counter'; values: (sample: Sample) => Value[] })
  | (Named & { type: 'histogram'; durations: (sample: Sample) => [Labels, Durations][] })

const prefix = 'camera_service_'
const one = (value: number): Value[] => [[{}, value]]
const flag = (is: boolean) => (is ? 1 : 0)
const gauge = (name: string, help: string, labels: readonly string[], values: (sample: Sample) => Value[]): Family => ({
  type: 'gauge',
  name: prefix + name,
  help,
  labels,
  values,
})
const counter = (...[name, help, labels, values]: Parameters<typeof gauge>): Family => ({
  type: 'counter',
  name: prefix + name,
  help,
  labels,
  values,
})

/** Of a camera that nothing has happened to. */
const none = noCounts()

/** One value for each camera that there is: what retired ones have counted is not told any more. */
const ofCamera =
  (value: (counts: CameraCounts) => number) =>
  ({ cameras, counts }: Sample): Value[] =>
    cameras.map(({ id }): Value => [{ camera: id }, value(counts.cameras.get(id) ?? none)])

/** Other people's paths are none of ours. */
const ofStream =
  (value: (state: StreamState) => number) =>
  ({ cameras, streams }: Sample): Value[] => {
    const known = new Set<string>(cameras.map(({ id }) => id))
    return streams.states
      .filter(({ name }) => known.has(name))
      .map((state): Value => [{ camera: state.name }, value(state)])
  }

const perCamera =
  (value: (camera: CameraView) => number) =>
  ({ cameras }: Sample): Value[] =>
    cameras.map((camera): Value => [{ camera: camera.id }, value(camera)])

const byState = ({ cameras }: Sample): Value[] => {
  const counts = new Map(['available', 'unplugged', 'faulty'].map((state) => [state, 0]))
  for (const { cause } of cameras) counts.set(cause.state, (counts.get(cause.state) ?? 0) + 1)
  return [...counts].map(([state, count]) => [{ state }, count])
}

const snapshotsOf = ({ cameras, counts }: Sample): Value[] =>
  cameras.flatMap(({ id: camera }): Value[] => {
    const { tiers, failed } = (counts.cameras.get(camera) ?? none).snapshots
    return [
      ...tiers.map((count, tier): Value => [{ camera, tier: String(tier), outcome: 'taken' }, count]),
      [{ camera, tier: 'none', outcome: 'failed' }, failed],
    ]
  })

const oneOf = (name: string, states: readonly string[], present: string): Value[] =>
  states.map((state) => [{ [name]: state }, flag(state === present)])

const histogram = (name: string, help: string, label: string, table: (counts: Counts) => Counts['calls']): Family => ({
  type: 'histogram',
  name: prefix + name,
  help,
  labels: [label, 'outcome'],
  durations: ({ counts }) =>
    [...table(counts)].flatMap(([row, outcomes]) =>
      [...outcomes].map(([outcome, durations]) => [{ [label]: row, outcome }, durations] as [Labels, Durations]),
    ),
})

/** Every metric of the service. Base units; labels are ids and words of our own, never what a client has said. */
export const families: readonly Family[] = [
  gauge('build_info', 'The version that runs.', ['version', 'node'], ({ about }) => [
    [{ version: about.version, node: process.version }, 1],
  ]),
  gauge('ready', '1: the service has started and reaches the media server.', [], ({ system }) =>
    one(flag(system.status === 'ready')),
  ),

  gauge('cameras', 'Cameras by state.', ['state'], byState),
  gauge(
    'camera_up',
    '1: the camera can be used.',
    ['camera'],
    perCamera(({ status }) => flag(status === 'CONNECTED')),
  ),

  gauge(
    'stream_ready',
    '1: the stream is live.',
    ['camera'],
    ofStream(({ ready }) => flag(ready)),
  ),
  gauge(
    'stream_readers',
    'Readers of the stream.',
    ['camera'],
    ofStream(({ readers }) => readers),
  ),
  counter(
    'stream_received_bytes_total',
    'Bytes that the media server had from the camera; begins anew with each stream.',
    ['camera'],
    ofStream(({ bytesReceived }) => bytesReceived),
  ),
  counter(
    'stream_sent_bytes_total',
    'Bytes that the media server sent to readers; begins anew with each stream.',
    ['camera'],
    ofStream(({ bytesSent }) => bytesSent),
  ),
  gauge(
    'stream_values_stale',
    '1: the media server did not answer in time, the stream values are those of before.',
    [],
    ({ streams }) => one(flag(streams.stale)),
  ),

  gauge(
    'recording_active',
    '1: a file of a recording is growing.',
    ['camera'],
    perCamera(({ recording }) => flag(recording?.growing === true)),
  ),
  counter('recordings_total', 'Recordings that ended, by outcome.', ['camera', 'outcome'], (sample) => [
    ...ofCamera(({ recordings }) => recordings.ended)(sample).map(
      ([labels, value]): Value => [{ ...labels, outcome: 'ended' }, value],
    ),
    ...ofCamera(({ recordings }) => recordings.failed)(sample).map(
      ([labels, value]): Value => [{ ...labels, outcome: 'failed' }, value],
    ),
  ]),
  counter(
    'recording_bytes_total',
    'Bytes of recordings that ended.',
    ['camera'],
    ofCamera(({ recordedBytes }) => recordedBytes),
  ),
  counter(
    'recording_seconds_total',
    'Media of recordings that ended.',
    ['camera'],
    ofCamera(({ recorded }) => recorded / 1000),
  ),
  counter(
    'recording_gaps_total',
    'Times that a recording got no data.',
    ['camera'],
    ofCamera(({ gaps }) => gaps),
  ),
  counter(
    'recording_gap_seconds_total',
    'How long that was, counted when the gap ends.',
    ['camera'],
    ofCamera(({ gapTime }) => gapTime / 1000),
  ),

  counter(
    'pipeline_starts_total',
    'Times that a stream began.',
    ['camera'],
    ofCamera(({ starts }) => starts),
  ),
  counter(
    'pipeline_restarts_total',
    'Times that it began after a stall, or within 10 s of its end.',
    ['camera'],
    ofCamera(({ restarts }) => restarts),
  ),
  counter(
    'pipeline_stalls_total',
    'Times that it stood still.',
    ['camera'],
    ofCamera(({ stalls }) => stalls),
  ),
  counter(
    'snapshots_total',
    'Snapshots, by the tier that gave the picture.',
    ['camera', 'tier', 'outcome'],
    snapshotsOf,
  ),

  gauge('media_server_up', '1: the media server answers and has all paths.', [], ({ link }) =>
    one(flag(link.state === 'up')),
  ),
  gauge('media_server_info', 'Which media server it is.', ['kind', 'version'], ({ link: { server } }) =>
    server === undefined ? [] : [[{ kind: server.kind, version: server.version ?? '' }, 1]],
  ),
  counter(
    'media_server_restarts_total',
    'Times that it was there again after it had gone, or another one.',
    [],
    ({ counts }) => one(counts.serverReturns),
  ),
  gauge(
    'breaker_state',
    'The breaker before the media server: 1 for the present state.',
    ['state'],
    ({ counts: { breaker } }) => oneOf('state', ['closed', 'halfOpen', 'open'], breaker.state),
  ),
  counter('breaker_openings_total', 'Times that it opened.', [], ({ counts }) => one(counts.breaker.openings)),
  histogram(
    'media_server_request_duration_seconds',
    'Calls of its control API; of outcome unreachable: no answer.',
    'route',
    ({ mediaCalls }) => mediaCalls,
  ),

  histogram(
    'rpc_duration_seconds',
    'Requests of clients, by RPC or HTTP, until their answer; of downloads until their end.',
    'method',
    ({ calls }) => calls,
  ),
  gauge('sockets', 'Open WebSockets.', ['state'], ({ sockets }) =>
    Object.entries(sockets).map(([state, count]) => [{ state }, count]),
  ),
  counter('notifications_dropped_total', 'Notifications that a client did not get.', [], ({ counts }) =>
    one(counts.dropped),
  ),
  counter('authentication_failures_total', 'Credentials that were wrong.', [], ({ counts }) =>
    one(counts.refused.authentication),
  ),
  counter('rate_limited_total', 'Requests that were refused because there were too many.', [], ({ counts }) =>
    one(counts.refused.rate),
  ),
  counter('connections_refused_total', 'Connections that were refused because there were too many.', [], ({ counts }) =>
    one(counts.refused.connection),
  ),

  gauge('disk_total_bytes', 'The disk of the recordings.', [], ({ storage }) => one(storage.total)),
  gauge('disk_used_bytes', 'What is used of it.', [], ({ storage }) => one(storage.used)),
  gauge('disk_available_bytes', 'What is free for the service.', [], ({ storage }) => one(storage.available)),
  gauge('storage_state', '1 for the present state.', ['state'], ({ storage }) =>
    oneOf('state', ['ok', 'warning', 'critical', 'unknown'], storage.state),
  ),
  gauge(
    'files_bytes',
    'Bytes of all recordings and snapshots; counted every 30 s at most.',
    ['kind'],
    ({ files = {} }) => Object.entries(files).map(([kind, bytes]) => [{ kind }, bytes]),
  ),

  // The names that every dashboard knows.
  {
    type: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Memory of this process.',
    values: ({ process }) => one(process.residentBytes),
  },
  {
    type: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'Processor time of this process.',
    values: ({ process }) => one(process.cpuSeconds),
  },
  {
    type: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the service started, since the epoch.',
    values: ({ system }) => one(system.startedAt / 1000),
  },
]
