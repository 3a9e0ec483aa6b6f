/**
 * What the service needs of the outside world. Adapters implement these, `app.ts` connects them, tests fake them.
 * Times are epoch milliseconds, sizes bytes, durations milliseconds. Every promise honours its `signal`. A rejected
 * promise's message is one sentence for people and holds no path, token or password.
 */
import type { CameraId, CameraSettings, Capabilities, CodecSettings, Device, Pipeline, UsbDevice } from './camera.js'

/** Ends what it was given for. Never throws, may be called twice. */
export type Dispose = () => void

// ---------------------------------------------------------------- the media server

/** Where the media server is and what runs there. */
export interface ServerChoice {
  kind: 'external' | 'managed' | 'embedded'
  /** One sentence for people: why this one. */
  why: string
}

/** Runs the media server, or finds it. */
export interface ServerProcess {
  /** Settles `mediamtx.mode`; `auto` asks the address, the PATH and the data directory. Ends orphans of an earlier life first. */
  choose(signal: AbortSignal): Promise<ServerChoice>
  /** Starts the child with a fresh configuration file; resolves once it runs. `exited` is called at most once. Not for `external`. */
  start(choice: ServerChoice, exited: (reason: string) => void, signal: AbortSignal): Promise<{ pid: number }>
  /** SIGINT, after 5 s SIGKILL; resolves when the child is gone (at once when there is none). */
  end(): Promise<void>
}

/** One camera's path as we want it. `command`: run on demand, publishes to the path. `url`: pulled on demand. */
export interface PathSpec {
  name: CameraId
  source: { command: string } | { url: string }
}

export interface ServerInfo {
  version: string
  /** Changes with each start of the server. */
  started: string
}

/** One path as the media server sees it now. */
export interface StreamState {
  name: string
  /** A source feeds it. */
  ready: boolean
  readySince?: number
  source?: string
  readers: number
  bytesReceived: number
  bytesSent: number
  tracks: string[]
}

/**
 * The control API. Remembers the wanted paths: `sync` replaces each one whole (`record` as last asked, `recordDeleteAfter: 0s`).
 * One PATCH of a path is in flight at a time, ≥ 100 ms apart; a refused PATCH is followed by a `replace` at once.
 * Single calls are retried here; "the server is down" is the breaker's word.
 */
export interface MediaServer {
  /** Past the breaker and without retries: the link's own probe. */
  info(signal: AbortSignal): Promise<ServerInfo>
  /** Wants the path from now on, and puts it there when the server can be reached; else the next `sync` does. */
  publish(spec: PathSpec, signal: AbortSignal): Promise<void>
  /** Forgets the path and deletes it when the server can be reached; a missing one is no error. */
  withdraw(name: CameraId): Promise<void>
  /** Wants `record` so. Rejects when the server did not accept it. */
  setRecording(name: CameraId, on: boolean, signal: AbortSignal): Promise<void>
  /** Replaces every wanted path, those that record first, deletes what is ours and no longer wanted. Resolves with the count. */
  sync(signal: AbortSignal): Promise<number>
  streams(signal: AbortSignal): Promise<StreamState[]>
  /** Ends one reader's session; false: there is none (any more). `query`: of its URL, by which servers before 1.19.3 know it. */
  kick(session: { protocol: string; id: string; query?: string }, signal: AbortSignal): Promise<boolean>
  /** Sessions of readers and publishers that there are; `connections`: those of an RTSP session, by which servers before 1.19.3 name it. */
  sessions(signal: AbortSignal): Promise<{ id: string; connections: string[] }[]>
  /** `undefined`: no such path. */
  stream(name: string, signal: AbortSignal): Promise<StreamState | undefined>
  /** The breaker's state now, and each change of it. */
  onBreaker(listener: (state: 'open' | 'halfOpen' | 'closed') => void): Dispose
}

// ---------------------------------------------------------------- RTSP

/** What a DESCRIBE told of an RTSP source. */
export interface SourceDescription {
  codec: string
  width?: number
  height?: number
}

/** Small RTSP client: holds streams, catches keyframes, asks sources. */
export interface StreamReader {
  /** SETUP without PLAY: starts an on-demand stream and holds it without media. Resolves when it is live; `lost` is called at most once. */
  hold(name: string, lost: (reason: string) => void, signal: AbortSignal): Promise<Dispose>
  /** The next keyframe with its parameter sets, as H.264 Annex B. Wakes the stream if it sleeps. */
  keyframe(name: string, signal: AbortSignal): Promise<Uint8Array>
  /** OPTIONS and DESCRIBE of a source; rejects with `unreachable`, `refused (401)`, … */
  describe(url: string, signal: AbortSignal): Promise<SourceDescription>
}

// ---------------------------------------------------------------- USB cameras

/** Finds USB cameras. */
export interface UsbDevices {
  /** The cameras that are plugged in now: `:capture:` nodes only, ordered by port. */
  list(signal: AbortSignal): Promise<UsbDevice[]>
  /** Calls `hint` when something may have changed. `mode` says by what means: udev events, or inotify on /dev. */
  watch(hint: () => void): { mode: 'udev' | 'devfs'; dispose: Dispose }
}

/** Looks at one device. */
export interface DeviceProbe {
  /** Formats, sizes, rates. Waits out the ~100 ms of EACCES after a plug. RTSP cameras are described, virtual ones know themselves. */
  capabilities(device: Device, signal: AbortSignal): Promise<Capabilities>
}

// ---------------------------------------------------------------- the pipeline that the media server runs

export interface PipelineProgress {
  frames: number
  fps: number
  /** Bits per second, 0 when unknown. */
  bitrate: number
}

export type PipelineEvent =
  | { type: 'pipeline.running'; progress: PipelineProgress }
  /** No frame for longer than the limit while the process lives. */
  | { type: 'pipeline.stalled'; silentFor: number }
  /** The process is gone; `reason` is ffmpeg's own last error, mapped to plain words. */
  | { type: 'pipeline.ended'; reason: string }

/** The ffmpeg of each camera, started by the media server, watched through its taps (progress, failure, still). */
export interface Pipelines {
  /** The path whose command captures `device` (holding its device lock) and tells us by the taps. */
  spec(camera: CameraId, device: Device, pipeline: Pipeline): PathSpec
  watch(camera: CameraId, listener: (event: PipelineEvent) => void): Dispose
  /** Kills the camera's pipeline process, so that the media server starts it anew. False: there was none. */
  recycle(camera: CameraId): Promise<boolean>
  /** pid and age of the running process. */
  process(camera: CameraId): { pid: number; since: number } | undefined
  /** The newest still of the running pipeline: only when it is fresh and the pipeline decodes. */
  still(camera: CameraId): Promise<{ file: string; capturedAt: number } | undefined>
  /** Plays a fault of a virtual camera; `unplug` and `plug` are not for the pipeline. */
  simulate(camera: CameraId, fault: 'stall' | 'resume' | 'busy'): Promise<void>
}

// ---------------------------------------------------------------- still pictures

/** A picture in a temporary file of ours. */
export interface Picture {
  file: string
  /** JPEG or PNG as captured; `save` converts. */
  capturedAt: number
}

export interface PictureOptions {
  /** Without extension; default: `<camera>_YYYY-MM-DD_HH-MM-SS-mmm`. Already checked by shape. */
  filename?: string
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  width?: number
  height?: number
  /** To be looked at, not kept: not among the snapshots, and removed by whoever asked for it. It has no name of its own. */
  fleeting?: true
  /** Of a caller who may use these only (ids or patterns): a name that a camera beyond them has is told of to nobody, and the next free one is taken, as in `yard-2`. */
  cameras?: readonly string[]
}

export interface SavedPicture {
  filename: string
  file: string
  bytes: number
  width: number
  height: number
}

/** Ways to a picture. Each rejects with a short reason: `device busy`, `device gone`, `timed out after 2 s` … */
export interface Pictures {
  /** Tier 0: straight from V4L2. */
  grabDirect(camera: CameraId, device: Device, pipeline: Pipeline, signal: AbortSignal): Promise<Picture>
  /** Tier 1: ffmpeg from the device. */
  grabByFfmpeg(camera: CameraId, device: Device, pipeline: Pipeline, signal: AbortSignal): Promise<Picture>
  /** Tiers 2 and 3: the still tap when younger than `maxAge`, else the next keyframe of the stream (which wakes it). */
  grabFromStream(camera: CameraId, maxAge: number, signal: AbortSignal): Promise<Picture>
  /** Rejects with NameTaken. Converts as asked and moves it into the snapshots folder in one step; the temporary file is gone afterwards, unless `keep` (another caller shares it). */
  save(
    camera: CameraId,
    picture: Picture,
    options: PictureOptions,
    signal: AbortSignal,
    also?: { keep: boolean },
  ): Promise<SavedPicture>
}

// ---------------------------------------------------------------- files

export type FileKind = 'recordings' | 'snapshots'

/** A finished or growing file of ours. `name` is unique within its kind and holds no folder. */
export interface MediaFile {
  name: string
  camera: CameraId
  /** Absolute; only for operators. */
  path: string
  bytes: number
  modifiedAt: number
  createdAt: number
}

/** Of a recording: what its own header and parts tell. */
export interface RecordingFile extends MediaFile {
  format: 'mp4' | 'mkv'
  /** Milliseconds of media in it. */
  duration: number
  /** False: still growing, or cut off (the media server died). */
  complete: boolean
}

export interface MediaFiles {
  /** Newest first; with `mayUse` only those of cameras that it admits, in the total too. */
  list(
    kind: FileKind,
    page: { limit: number; offset: number; mayUse?: (camera: CameraId) => boolean },
  ): Promise<{ files: MediaFile[]; total: number }>
  /** By name, with or without extension. `undefined`: there is none. Rejects names that are not names (traversal, links). */
  find(kind: FileKind, name: string): Promise<MediaFile | undefined>
  recording(name: string): Promise<RecordingFile | undefined>
  /** True: it was there and is gone. */
  remove(kind: FileKind, name: string): Promise<boolean>
  sizes(): Promise<Record<FileKind, number>>
}

/** A segment on its way. */
export interface Segment {
  filename: string
  /** Instant of the first frame, from the file's name. */
  startedAt: number
}

export type SegmentEvent =
  | { type: 'segment.added'; segment: Segment }
  | { type: 'segment.growing' }
  /** No new bytes for longer than the limit. */
  | { type: 'segment.stalled' }

/** The segments that the media server writes for a camera. */
export interface Segments {
  /** The file names that are there now: what comes after them is new. */
  known(camera: CameraId): Promise<string[]>
  /** The first segment not among `known` that has bytes. */
  first(camera: CameraId, known: string[], signal: AbortSignal): Promise<Segment>
  /** Reports what happens after `segment`; a deleted open file is a stall. */
  watch(camera: CameraId, known: string[], segment: Segment, listener: (event: SegmentEvent) => void): Dispose
  /** Waits (2 s at most) until each file's header is final; a cut-off file is told as it is. Zero-byte files are removed. */
  finish(camera: CameraId, segments: Segment[], signal: AbortSignal): Promise<RecordingFile[]>
  /** Remuxes finished files to Matroska; returns their new descriptions. */
  toMatroska(files: RecordingFile[], signal: AbortSignal): Promise<RecordingFile[]>
}

/** The disk that the recordings are on. */
export interface DiskUsage {
  total: number
  used: number
  available: number
  /** used / (used + available) × 100: what `df` shows. */
  percent: number
}

export interface Storage {
  usage(): Promise<DiskUsage>
}

// ---------------------------------------------------------------- what is kept

/** Who is who, for good. */
export interface Registry {
  /** The number of the next new camera. */
  next: number
  cameras: { id: CameraId; keys: string[] }[]
  /** `vendor:product:serial` that two cameras have shown at once: never trusted again. */
  sharedSerials: string[]
}

export interface RegistryStore {
  /** Empty when there is none; rejects when it cannot be read (a damaged file is kept aside, never overwritten). */
  load(): Promise<Registry>
  /** Written by temp file, fsync and rename. */
  save(registry: Registry): Promise<void>
}

// ---------------------------------------------------------------- time and words

export interface Clock {
  /** Epoch ms. */
  now(): number
}

export interface Log {
  error(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  debug(message: string, fields?: Record<string, unknown>): void
}

/** What each camera's settings fall back to. */
export interface CaptureDefaults {
  width: number
  height: number
  fps: number
  codec: CodecSettings
}

/** What takes the time of things; never throws. */
export interface Metrics {
  /** A request of a client that was answered. */
  call(method: string, outcome: 'ok' | 'refused' | 'failed', ms: number): void
  /** A call of the media server's control API; `route` without names, as in `GET /v3/paths/list`. */
  mediaCall(route: string, outcome: 'ok' | 'refused' | 'unreachable', ms: number): void
  /** A notification that a client did not get. */
  dropped(): void
  /** A client that was refused: a bad credential, too many requests, too many connections, a foreign origin. */
  refused(why: 'authentication' | 'rate' | 'connection' | 'origin'): void
}

/** The machine that the service runs on, as last sampled. Percentages are 0–100. */
export interface HostSample {
  at: number
  cpuPercent: number
  memoryPercent: number
  /** Bytes of this process. */
  residentBytes: number
  /** Bytes over all network interfaces but loopback, since the machine's start. */
  bytesSent: number
  bytesReceived: number
}

/** A camera that the configuration names. */
export interface CameraEntry {
  name: string
  source: { kind: 'virtual' } | { kind: 'rtsp'; url: string } | { kind: 'usb'; match: string }
  enabled: boolean
  settings: CameraSettings
}
