import type { StateTime } from '../../machines/domain/journal.js'
import type { StreamState } from '../../machines/domain/ports.js'
import type { CameraView, LinkView, StorageView, SystemView } from '../../machines/domain/views.js'
import { bounds, type CameraCounts, type Counts, type DurationTable } from '../metrics.js'
import type { About } from '../options.js'

/** Everything that one scrape shows, taken at one time. */
export interface Sample {
  about: About
  cameras: readonly CameraView[]
  link: LinkView
  storage: StorageView
  system: SystemView
  counts: Counts
  /** The last answer of the media server. `stale`: it did not answer this time. */
  streams: { states: StreamState[]; stale: boolean }
  /** Bytes; absent until the files were counted. */
  files?: { recordings: number; snapshots: number }
  stateTimes: readonly StateTime[]
  sockets: { authenticated: number; unauthenticated: number }
  process: { residentBytes: number; cpuSeconds: number }
}

/** The values of the labels, in the order of the metric's `labels`, and the number. */
type Value = [labels: string[], value: number]

/** One metric of Prometheus. A value of a histogram is one of its lines; the last label of a bucket is `le`. */
export interface Metric {
  name: string
  help: string
  type: 'gauge' | 'counter' | 'histogram'
  labels: readonly string[]
  values: (sample: Sample) => (Value | [...Value, suffix: 'bucket' | 'sum' | 'count'])[]
}

/** A histogram states its type; of the others the name tells it. */
type Source = Pick<Metric, 'labels' | 'values'> & Partial<Pick<Metric, 'type'>>
/** A row of the tables below: its key there is the name of the metric. */
type Row = [help: string, source: Source]

const by = (labels: readonly string[], values: (sample: Sample) => Value[]): Source => ({ labels, values })
const one = (value: (sample: Sample) => number | boolean) => by([], (sample) => [[[], Number(value(sample))]])
const total = (value: (counts: Counts) => number) => one(({ counts }) => value(counts))

/** One value for each label. */
const each = (label: string, values: (sample: Sample) => Iterable<[string, number]>) =>
  by([label], (sample) => [...values(sample)].map(([text, value]): Value => [[text], value]))

/** 1 for the present state, 0 for the others. */
const oneOf = (states: readonly string[], present: (sample: Sample) => string) =>
  each('state', (sample) => states.map((state): [string, number] => [state, Number(state === present(sample))]))

/** One value for each camera that exists; the counts of retired cameras are not shown. */
const perCamera = (value: (camera: CameraView, counts: CameraCounts) => number | boolean | undefined) =>
  each('camera', ({ cameras, counts }) =>
    cameras.map((camera) => [camera.id, Number(value(camera, counts.cameras.get(camera.id) ?? {}) ?? 0)]),
  )
const counted = (what: keyof CameraCounts, unit = 1) => perCamera((_, { [what]: count = 0 }) => count / unit)

/** One value for each stream of a camera; other paths of the media server are not shown. */
const perStream = (value: (state: StreamState) => number | boolean) =>
  each('camera', ({ cameras, streams }) =>
    streams.states
      .filter(({ name }) => cameras.some(({ id }) => id === name))
      .map((state) => [state.name, Number(value(state))]),
  )

/** One value for each camera and each of these counts. */
const perCameraAnd = (labels: readonly string[], rows: readonly [keyof CameraCounts, ...string[]][]) =>
  by(['camera', ...labels], ({ cameras, counts }) =>
    cameras.flatMap(({ id }) =>
      rows.map(([what, ...texts]): Value => [[id, ...texts], counts.cameras.get(id)?.[what] ?? 0]),
    ),
  )

const byState = (value: (time: StateTime) => number) =>
  by(['machine', 'camera', 'state'], ({ stateTimes }) =>
    stateTimes.map((time): Value => [[time.machine, time.camera, time.state], value(time)]),
  )

const camerasByState = ({ cameras }: Sample): Map<string, number> => {
  const numbers = new Map(['available', 'unplugged', 'faulty'].map((state) => [state, 0]))
  for (const { cause } of cameras) numbers.set(cause.state, (numbers.get(cause.state) ?? 0) + 1)
  return numbers
}

/** Cumulated buckets, sum and number of the durations of each name and outcome. */
const histogram = (label: string, table: (counts: Counts) => DurationTable): Source => ({
  type: 'histogram',
  labels: [label, 'outcome'],
  values: ({ counts }) =>
    [...table(counts)].flatMap(([row, outcomes]) =>
      [...outcomes].flatMap(([outcome, { classes, sum }]): ReturnType<Metric['values']> => {
        const labels = [row, outcome]
        let number = 0
        const buckets = classes.map((size, index): [...Value, 'bucket'] => {
          number += size
          return [[...labels, String(bounds[index] ?? '+Inf')], number, 'bucket']
        })
        return [...buckets, [labels, sum, 'sum'], [labels, number, 'count']]
      }),
    ),
})

/** The metrics named `camera_service_…`. Labels are ids and words of our own, never text of a client. */
const own: Record<string, Row> = {
  build_info: [
    'Version of the service and of Node; the value is always 1.',
    by(['version', 'node'], ({ about }) => [[[about.version, process.version], 1]]),
  ],
  ready: [
    'Whether the service has started and reaches the media server.',
    one(({ system }) => system.status === 'ready'),
  ],
  actor_restarts_total: [
    'Number of times an actor of this kind was restarted after a crash.',
    each('actor', ({ counts }) => counts.actorRestarts),
  ],

  clock_jumps_total: [
    'Number of times the wall clock of the host jumped by more than 2 s.',
    total((c) => c.clockJumps),
  ],

  state_seconds_total: [
    'Number of seconds that actors of a machine spent in each state. Empty camera: not of a camera.',
    byState(({ time }) => time / 1_000),
  ],
  transitions_total: [
    'Number of times that actors of a machine entered each state. Empty camera: not of a camera.',
    byState(({ entered }) => entered),
  ],

  cameras: ['Number of cameras by state.', each('state', camerasByState)],
  camera_up: ['Whether the camera can be used.', perCamera(({ status }) => status === 'CONNECTED')],

  stream_ready: ['Whether the stream is live.', perStream(({ ready }) => ready)],
  stream_readers: ['Number of readers of the stream.', perStream(({ readers }) => readers)],
  stream_received_bytes_total: [
    'Number of bytes that the media server received from the camera; starts at 0 with each stream.',
    perStream(({ bytesReceived }) => bytesReceived),
  ],
  stream_sent_bytes_total: [
    'Number of bytes that the media server sent to readers; starts at 0 with each stream.',
    perStream(({ bytesSent }) => bytesSent),
  ],
  stream_values_stale: [
    'Whether the stream metrics are old because the media server did not answer in time.',
    one(({ streams }) => streams.stale),
  ],

  recording_active: ['Whether a file of a recording is growing.', perCamera(({ recording }) => recording?.growing)],
  recordings_total: [
    'Number of recordings that ended, by outcome.',
    perCameraAnd(
      ['outcome'],
      [
        ['recordingsEnded', 'ended'],
        ['recordingsFailed', 'failed'],
      ],
    ),
  ],
  recording_files_indexed_total: [
    'Number of closed files of recordings that got an index; outcome "failed": no index can be made.',
    perCameraAnd(
      ['outcome'],
      [
        ['filesIndexed', 'indexed'],
        ['filesNotIndexed', 'failed'],
      ],
    ),
  ],
  recording_bytes_total: ['Number of bytes in recordings that ended.', counted('recordedBytes')],
  recording_seconds_total: ['Number of seconds of media in recordings that ended.', counted('recorded', 1_000)],
  recording_gaps_total: ['Number of times a recording got no data.', counted('gaps')],
  recording_gap_seconds_total: [
    'Number of seconds without data, counted at the end of each gap.',
    counted('gapTime', 1_000),
  ],

  pipeline_starts_total: ['Number of times a stream started.', counted('starts')],
  pipeline_restarts_total: [
    'Number of times a stream started after a stall, or within 10 s of its end.',
    counted('restarts'),
  ],
  pipeline_stalls_total: ['Number of times a stream stalled.', counted('stalls')],
  pipeline_overloads_total: ['Number of times the host became too slow for a stream.', counted('overloads')],
  pipeline_overloaded: [
    'Whether the host is too slow for the stream.',
    perCamera(({ stream }) => stream.overload !== undefined),
  ],
  pipeline_speed: [
    'Number of seconds of media made per second, in the last seconds: 1 in real time; 0: not known.',
    perCamera(({ stream }) => stream.speed),
  ],
  snapshots_total: [
    'Number of snapshots by the tier that took the picture, and of failed ones.',
    perCameraAnd(
      ['tier', 'outcome'],
      [
        ['snapshotsOfTier0', '0', 'taken'],
        ['snapshotsOfTier1', '1', 'taken'],
        ['snapshotsOfTier2', '2', 'taken'],
        ['snapshotsOfTier3', '3', 'taken'],
        ['snapshotsFailed', 'none', 'failed'],
      ],
    ),
  ],

  media_server_up: ['Whether the media server answers and has all paths.', one(({ link }) => link.state === 'up')],
  media_server_info: [
    'Kind and version of the media server; the value is always 1.',
    by(['kind', 'version'], ({ link: { server } }) => (server ? [[[server.kind, server.version ?? ''], 1]] : [])),
  ],
  media_server_restarts_total: [
    'Number of times the media server came back or was replaced.',
    total(({ serverReturns }) => serverReturns),
  ],
  breaker_state: [
    'State of the circuit breaker of the media server: 1 for the present state.',
    oneOf(['closed', 'halfOpen', 'open'], ({ link }) => link.breaker),
  ],
  breaker_openings_total: ['Number of times the circuit breaker opened.', total((c) => c.breakerOpenings)],
  media_server_request_duration_seconds: [
    'Duration of calls to the API of the media server; outcome "unreachable": no answer.',
    histogram('route', ({ mediaCalls }) => mediaCalls),
  ],

  rpc_duration_seconds: [
    'Duration of requests by RPC or HTTP until the reply; of downloads until their end.',
    histogram('method', ({ calls }) => calls),
  ],
  sockets: ['Number of open WebSockets.', each('state', ({ sockets }) => Object.entries(sockets))],
  notifications_dropped_total: [
    'Number of notifications that were not delivered to a client.',
    total(({ dropped }) => dropped),
  ],
  authentication_failures_total: ['Number of wrong credentials.', total((c) => c.refused.authentication)],
  rate_limited_total: ['Number of requests refused by a rate limit.', total((c) => c.refused.rate)],
  connections_refused_total: [
    'Number of WebSocket handshakes refused for another reason than the origin.',
    total((c) => c.refused.connection),
  ],
  refused_origins_total: [
    'Number of requests and handshakes refused because of their origin.',
    total((c) => c.refused.origin),
  ],

  disk_total_bytes: ['Number of bytes on the disk that takes the recordings.', one(({ storage }) => storage.total)],
  disk_used_bytes: ['Number of bytes used on this disk.', one(({ storage }) => storage.used)],
  disk_available_bytes: [
    'Number of bytes that the service can still use on this disk.',
    one(({ storage }) => storage.available),
  ],
  storage_state: [
    'State of the storage: 1 for the present state.',
    oneOf(['ok', 'warning', 'critical', 'blind', 'unknown'], ({ storage }) => storage.state),
  ],
  storage_fallback: [
    'Whether recordings go to the fallback folder (storage.fallback_path): 1 if so.',
    one(({ storage }) => storage.folder?.inUse === 'fallback'),
  ],
  files_bytes: [
    'Number of bytes of all recordings and snapshots, counted every 30 s at most.',
    each('kind', ({ files = {} }) => Object.entries(files)),
  ],
}

/** The metrics that every process exporter has, without our prefix. */
const common: Record<string, Row> = {
  process_resident_memory_bytes: ['Number of bytes of resident memory.', one(({ process }) => process.residentBytes)],
  process_cpu_seconds_total: ['Number of seconds of processor time.', one(({ process }) => process.cpuSeconds)],
  process_start_time_seconds: [
    'Start of the service in seconds since the epoch.',
    one(({ system }) => system.startedAt / 1_000),
  ],
}

/** The names of counters end with `_total`, and no others. */
const typeOf = (name: string): Metric['type'] => (name.endsWith('_total') ? 'counter' : 'gauge')

const metricsOf = (rows: Record<string, Row>, prefix = '') =>
  Object.entries(rows).map(
    ([name, [help, source]]): Metric => ({ name: prefix + name, help, type: typeOf(name), ...source }),
  )

/** Every metric, in the order of the page. */
export const metricsTable: readonly Metric[] = [...metricsOf(own, 'camera_service_'), ...metricsOf(common)]
