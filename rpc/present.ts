/** Views of the actors in the words of the wire. */
import type { Capabilities } from '../machines/domain/camera.js'
import type { FileKind } from '../machines/domain/ports.js'
import type { CameraView, Cause } from '../machines/domain/views.js'
import type { Call } from './method.js'
import type { RpcOptions } from './options.js'
import type { Camera, Status } from './schemas.js'
import type { Session } from './session.js'
import { type SigningSources, signedUrls, type Viewer } from './streams/signed.js'
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

/** URLs as a client that came in by `host` can use them, without what opens them: see `urlsFor`. */
export const urlsOf = (
  { publicHost, offers }: Pick<RpcOptions, 'publicHost' | 'offers'>,
  camera: string,
  host: string,
): StreamUrls => streamUrls(camera, host, publicHost, offers())

type UrlSources = Pick<RpcOptions, 'publicHost' | 'offers'> & SigningSources

/** URLs that open the camera's stream for this client alone, and until when; `life` in ms. */
export const signedUrlsFor = (sources: UrlSources, camera: string, viewer: Viewer, life?: number) =>
  signedUrls(sources, camera, viewer, urlsOf(sources, camera, viewer.host), life)

/** The same, of the usual life. A session is a viewer. */
export const urlsFor = (sources: UrlSources, camera: string, viewer: Viewer): StreamUrls =>
  signedUrlsFor(sources, camera, viewer).urls

/** Views stay the same as long as nothing happens to their camera: what is told of one is worked out once. */
const told = new WeakMap<CameraView, Camera>()

/** One camera whole; never its device node, its URL or its serial. */
export const cameraOf = (view: CameraView, urls: StreamUrls): Camera => {
  const known = told.get(view) ?? describe(view)
  told.set(view, known)
  return view.status === 'CONNECTED' ? { ...known, streams: urls } : known
}

/** All but the URLs, which are another caller's own. */
const describe = (view: CameraView): Camera => {
  const { id, kind, name, status, cause, identity, mode, pipeline, recording } = view
  const { basis, confidence, ambiguous } = identity
  return given({
    device: id,
    id,
    status,
    name,
    resolution: mode === undefined ? undefined : sizeOf(mode),
    fps: mode === undefined ? undefined : Math.round(mode.fps),
    streams: {},
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

const summaryOf = (formats: Capabilities['formats']) => {
  const sizes = formats.flatMap((format) => format.sizes)
  return {
    formats: [...new Set(formats.map((format) => format.fourcc))],
    resolutions: [...new Set(sizes.map(sizeOf))],
    rates: [...new Set(sizes.flatMap((size) => size.rates))].filter((rate) => rate > 0).sort((a, b) => b - a),
  }
}
/** A probe's outcome does not change: what it comes to is worked out once. */
const summaries = new WeakMap<Capabilities, ReturnType<typeof summaryOf>>()

/** Formats, sizes and rates, each once, as the camera tells them; rates best first. */
export const capabilitiesOf = ({ capabilities }: CameraView) => {
  if (capabilities === undefined) return summaryOf([])
  const known = summaries.get(capabilities) ?? summaryOf(capabilities.formats)
  summaries.set(capabilities, known)
  return known
}

const causeOf = ({ state, since, reason }: Cause) => given({ state, since: iso(since), reason })

/** What get_status, the notifications and the health endpoints say of the whole. */
export const statusOf = ({ directory, clock, about }: Pick<RpcOptions, 'directory' | 'clock' | 'about'>): Status => {
  const link = directory.link()
  const storage = directory.storage()
  const { status, discovery, startedAt } = directory.system()
  const starting = status === 'starting'
  const mediamtx =
    link.state === 'up' || link.state === 'degraded'
      ? 'RUNNING'
      : link.state === 'syncing' || starting
        ? 'STARTING'
        : 'ERROR'
  const monitor = discovery.active ? 'RUNNING' : discovery.mode === 'off' ? 'STOPPED' : starting ? 'STARTING' : 'ERROR'
  const sound =
    link.state === 'up' && monitor !== 'ERROR' && !starting && (storage.state === 'ok' || storage.state === 'unknown')
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

/** For whom a URL is signed. */
type Signing = Pick<Call, 'caller'> & {
  services: Pick<RpcOptions, 'links' | 'clock' | 'urls'>
  session: Pick<Session, 'address'>
}

/** `url` for this caller: good for `urls.fileLife`, never longer than the caller's own credential, and ends with it. */
const signed = (
  url: URL,
  subject: string,
  { services: { links, clock, urls }, session, caller }: Signing,
  until = Number.POSITIVE_INFINITY,
): string => {
  if (caller === undefined) return url.pathname
  const { user, expiresAt, credential } = caller
  const grant = { subject, user, expiresAt: Math.min(expiresAt, until, clock.now() + urls.fileLife) }
  const sig = links.sign({
    ...grant,
    ...(credential && { credential }),
    ...(urls.bindAddress && { address: session.address }),
  })
  url.searchParams.set('sig', sig)
  return `${url.pathname}${url.search}`
}

/** What the signed URL of a file is of: clients choose names, so that a name alone may be another camera's file tomorrow. */
export const fileSubject = (kind: FileKind, { camera, name }: { camera: string; name: string }): string =>
  `${kind}/${camera}/${name}`

/** Where the files server has a file: a page can follow it as it is, without a header. */
export const downloadUrl = (call: Signing, kind: FileKind, file: { camera: string; name: string }): string =>
  signed(
    relative(`/files/${kind}/${encodeURIComponent(file.name)}?camera=${file.camera}`),
    fileSubject(kind, file),
    call,
  )

/** Where a camera's picture of this moment is; `until`: the latest that the URL may be good. */
export const stillUrl = (call: Signing, camera: string, until?: number): string =>
  signed(relative(`/cameras/${camera}/snapshot.jpg`), `still:${camera}`, call, until)

const relative = (path: string) => new URL(path, 'http://localhost')
