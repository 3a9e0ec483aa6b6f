/** Views of the actors in the words of the wire. */

import { neverExpires } from '../machines/domain/access.js'
import type { Gap } from '../machines/domain/recording.js'
import { isRecordedAudio, supportOf } from '../machines/domain/streamSupport.js'
import type { CameraStatus, CameraView, Cause, SnapshotView, StorageView } from '../machines/domain/views.js'
import type { RpcOptions } from './options.js'
import { reasonFields } from './reason.js'
import { refusedBy } from './refused.js'
import type { Camera, MediaInfo, Status, StreamUrls, Support } from './schemas.js'

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
/** `undefined` for no time, and for the end of a right that never ends. */
export const isoOf = (time: number | undefined) => (time === undefined || time >= neverExpires ? undefined : iso(time))
/** Whole seconds of ms. */
export const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000))
export const sizeOf = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`

export const gapOf = ({ from, to, reason }: Gap) => ({ from: iso(from), to: iso(to), ...reasonFields(reason) })

/** A camera without its URLs, which differ between callers; never its device node, its URL or its serial. */
export const cameraMembersOf = (view: CameraView, status: CameraStatus = view.status): Omit<Camera, 'streams'> => {
  const { id, kind, name, cause, identity, mode, pipeline, recording } = view
  const { basis, confidence, ambiguous } = identity
  return given({
    device: id,
    id,
    status,
    name,
    resolution: mode === undefined ? undefined : sizeOf(mode),
    fps: mode?.fps ? Math.round(mode.fps) : undefined,
    kind,
    ...causeOf(cause),
    identity: { basis, confidence, ambiguous },
    identity_confidence: confidence,
    identity_ambiguous: ambiguous,
    connected_at: isoOf(view.connectedAt),
    pipeline: pipeline && {
      kind: pipeline.kind,
      reason: pipeline.reason,
      source_format: pipeline.mode.fourcc,
      ...(pipeline.codec && { profile: pipeline.codec.profile, level: pipeline.codec.level }),
      ...given({ encoder: pipeline.encoder, encoder_reason: pipeline.encoderReason }),
    },
    media: mediaOf(view),
    stream_state: view.stream.status,
    recording: recording && {
      status: recording.status,
      growing: recording.growing,
      ...reasonFields(recording.reason),
      format: recording.format,
      ...given({ filename: recording.filename }),
      files: recording.files.slice(-mostListed),
      file_count: recording.files.length,
      ...given({
        start_time: isoOf(recording.startedAt),
        since: isoOf(recording.since),
        waits_for: recording.waitsFor,
      }),
      gaps: recording.gaps.slice(-mostListed).map(gapOf),
    },
    allowed_methods: view.allowed,
    refused_methods: refusedBy(view),
  })
}

/** Files and gaps of a recording in the state of its camera: one that runs for years has thousands. */
const mostListed = 100

/** What the stream of a network camera consists of, as far as it is known. */
export function mediaOf({ capabilities, mode }: CameraView): MediaInfo | undefined {
  const stream = capabilities?.stream
  if (stream === undefined) return undefined
  const { codec, fps, reorders, audio } = stream
  const hasSize = mode !== undefined && mode.width > 0
  return {
    video: given({ codec, resolution: hasSize ? sizeOf(mode) : undefined, fps, b_frames: reorders }),
    ...(audio && {
      audio: given({
        codec: audio.codec,
        sample_rate: audio.rate,
        channels: audio.channels,
        recorded: isRecordedAudio(audio.codec),
      }),
    }),
  }
}

/** What works with the stream of a network camera, and why the rest does not. */
export const supportFields = ({ capabilities }: CameraView): Support[] | undefined =>
  capabilities?.stream &&
  supportOf(capabilities.stream).map(({ use, reason }) => ({
    use,
    works: reason === undefined,
    ...reasonFields(reason),
  }))

/** Only a connected camera can be watched. */
export const streamsOf = (status: CameraStatus, urls: StreamUrls): Camera['streams'] =>
  status === 'CONNECTED' ? urls : {}

/** A whole camera. `urls`: as the caller can use them. */
export const cameraOf = (view: CameraView, urls: StreamUrls): Camera => ({
  ...cameraMembersOf(view),
  streams: streamsOf(view.status, urls),
})

/** Formats, sizes and rates, each once and in the camera's order; rates best first. */
export const capabilitiesOf = ({ capabilities: { formats } = { formats: [] } }: CameraView) => {
  const sizes = formats.flatMap((format) => format.sizes)
  return {
    formats: [...new Set(formats.map((format) => format.fourcc))],
    resolutions: [...new Set(sizes.map(sizeOf))],
    rates: [...new Set(sizes.flatMap((size) => size.rates))].filter((rate) => rate > 0).sort((a, b) => b - a),
  }
}

/** The tiers that gave no snapshot, and why. */
export const passedOverOf = (passedOver: SnapshotView['passedOver']) =>
  passedOver.map(({ tier, reason }) => ({ tier, ...reasonFields(reason) }))

const causeOf = ({ state, since, reason }: Cause) => ({ state, since: iso(since), ...reasonFields(reason) })

/** True if the storage is as it should be. */
export const isSound = ({ state, folder }: StorageView): boolean =>
  (state === 'ok' || state === 'unknown') && folder?.inUse !== 'fallback'

/** While recordings go to the fallback folder, its cause is shown, unless there is a more urgent one. */
function causeOfStorage({ cause, folder }: StorageView): Cause {
  if (folder?.inUse !== 'fallback' || cause.reason || folder.reason === undefined) return cause
  const { code, details } = folder.reason
  return {
    ...cause,
    since: folder.since,
    reason: { code, details: `recordings go to the fallback folder: ${details}` },
  }
}

/** What the health of the service is read from. */
export type StatusSources = Pick<RpcOptions, 'directory' | 'clock' | 'about'> & {
  retention: Pick<RpcOptions['retention'], 'view'>
}

/** The health of the service as get_status, the notifications and the health endpoints give it. */
export const statusOf = ({ directory, retention, clock, about }: StatusSources): Status => {
  const link = directory.link()
  const storage = directory.storage()
  const { status, discovery, startedAt } = directory.system()
  const starting = status === 'starting'
  const mediamtx =
    link.state === 'up' || (link.state === 'degraded' && !link.ended)
      ? 'RUNNING'
      : link.state === 'syncing' || link.state === 'degraded' || starting
        ? 'STARTING'
        : 'ERROR'
  const monitor = discovery.active ? 'RUNNING' : discovery.mode === 'off' ? 'STOPPED' : starting ? 'STARTING' : 'ERROR'
  const { suspension } = retention.view()
  const isWithheld = suspension?.code === 'protections_lost'
  const sound = link.state === 'up' && monitor !== 'ERROR' && !starting && isSound(storage) && !isWithheld
  return {
    status: mediamtx === 'ERROR' ? 'UNHEALTHY' : sound ? 'HEALTHY' : 'DEGRADED',
    uptime: Math.max(0, clock.now() - startedAt) / 1000,
    version: about.version,
    components: { websocket_server: 'RUNNING', camera_monitor: monitor, mediamtx },
    reasons: {
      camera_monitor: causeOf(discovery.cause),
      mediamtx: causeOf(link.cause),
      storage: causeOf(causeOfStorage(storage)),
      ...(isWithheld && { retention: { state: 'suspended', ...reasonFields(suspension) } }),
    },
  }
}

/** The names of file kinds in errors and messages. */
export const resources = { recordings: 'Recording', snapshots: 'Snapshot' } as const
