/** Views of the actors in the words of the wire. */
import type { CameraView, Cause } from '../machines/domain/views.js'
import type { RpcOptions } from './options.js'
import type { Camera, Status } from './schemas.js'
import { type StreamUrls, streamUrls } from './urls.js'

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The same object without the members that are undefined. */
export const given = <T extends object>(values: T): Given<T> => {
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) if (value !== undefined) kept[key] = value
  return kept as Given<T>
}

export const iso = (time: number): string => new Date(time).toISOString()
const isoOf = (time: number | undefined) => (time === undefined ? undefined : iso(time))
/** Whole seconds of ms. */
export const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000))
export const sizeOf = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`

/** URLs as a client that came in by `host` can use them. */
export const urlsOf = ({ publicHost, offers }: Pick<RpcOptions, 'publicHost' | 'offers'>, camera: string, host: string): StreamUrls =>
  streamUrls(camera, host, publicHost, offers())

/** One camera whole; never its device node, its URL or its serial. */
export const cameraOf = (view: CameraView, urls: StreamUrls): Camera => {
  const { id, kind, name, status, cause, identity, mode, pipeline, recording } = view
  const { basis, confidence, ambiguous } = identity
  return given({
    device: id,
    id,
    status,
    name,
    resolution: mode === undefined ? undefined : sizeOf(mode),
    fps: mode === undefined ? undefined : Math.round(mode.fps),
    streams: status === 'CONNECTED' ? urls : {},
    kind,
    state: cause.state,
    since: iso(cause.since),
    reason: cause.reason,
    identity: { basis, confidence, ambiguous },
    identity_confidence: confidence,
    identity_ambiguous: ambiguous,
    connected_at: isoOf(view.connectedAt),
    pipeline:
      pipeline === undefined
        ? undefined
        : given({
            kind: pipeline.kind,
            reason: pipeline.reason,
            source_format: pipeline.mode.fourcc,
            profile: pipeline.codec?.profile,
            level: pipeline.codec?.level,
          }),
    stream_state: view.stream.status,
    recording:
      recording === undefined
        ? undefined
        : given({
            status: recording.status,
            growing: recording.growing,
            reason: recording.reason,
            format: recording.format,
            filename: recording.filename,
            files: recording.files,
            start_time: isoOf(recording.startedAt),
          }),
    allowed_methods: view.allowed,
  })
}

/** Formats, sizes and rates, each once, as the camera tells them; rates best first. */
export const capabilitiesOf = ({ capabilities }: CameraView) => {
  const formats = capabilities?.formats ?? []
  const sizes = formats.flatMap((format) => format.sizes)
  return {
    formats: [...new Set(formats.map((format) => format.fourcc))],
    resolutions: [...new Set(sizes.map(sizeOf))],
    rates: [...new Set(sizes.flatMap((size) => size.rates))].filter((rate) => rate > 0).sort((a, b) => b - a),
  }
}

const causeOf = ({ state, since, reason }: Cause) => given({ state, since: iso(since), reason })

/** What get_status, the notifications and the health endpoints say of the whole. */
export const statusOf = ({ directory, clock, about }: Pick<RpcOptions, 'directory' | 'clock' | 'about'>): Status => {
  const link = directory.link()
  const storage = directory.storage()
  const { status, discovery, startedAt } = directory.system()
  const starting = status === 'starting'
  const mediamtx = link.state === 'up' || link.state === 'degraded' ? 'RUNNING' : link.state === 'syncing' || starting ? 'STARTING' : 'ERROR'
  const monitor = discovery.active ? 'RUNNING' : discovery.mode === 'off' ? 'STOPPED' : starting ? 'STARTING' : 'ERROR'
  const sound = link.state === 'up' && monitor !== 'ERROR' && !starting && (storage.state === 'ok' || storage.state === 'unknown')
  return {
    status: mediamtx === 'ERROR' ? 'UNHEALTHY' : sound ? 'HEALTHY' : 'DEGRADED',
    uptime: Math.max(0, clock.now() - startedAt) / 1000,
    version: about.version,
    components: { websocket_server: 'RUNNING', camera_monitor: monitor, mediamtx },
    reasons: {
      camera_monitor: causeOf(discovery.cause),
      mediamtx: causeOf(link.cause),
      storage: causeOf(storage.cause),
    },
  }
}

/** What errors and messages call a file of each kind. */
export const resources = { recordings: 'Recording', snapshots: 'Snapshot' } as const

/** Where the files server has a file. */
export const downloadUrl = (kind: 'recordings' | 'snapshots', name: string): string => `/files/${kind}/${encodeURIComponent(name)}`
