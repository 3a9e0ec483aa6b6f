/** The media server's process, its control API and its RTSP side, as ports. Times are epoch ms, durations ms. */
import type { CameraId } from './camera.js'
import type { Dispose } from './dispose.js'
import type { Reason } from './reason.js'

/** Which media server is used. `why`: one sentence for people. */
export interface ServerChoice {
  kind: 'external' | 'managed' | 'embedded'
  why: string
}

/** Starts the media server, or finds one that runs. */
export interface ServerProcess {
  /** Resolves `mediamtx.mode`. `auto` tries the address, the PATH and the data directory. Ends leftover processes first. */
  choose(signal: AbortSignal): Promise<ServerChoice>
  /** Starts the child with a new configuration file; resolves once it runs. `exited` is called at most once. Not for `external`. */
  start(choice: ServerChoice, exited: (reason: string) => void, signal: AbortSignal): Promise<{ pid: number }>
  /** SIGINT, after 5 s SIGKILL. Resolves when the child is gone, at once when there is none. */
  end(): Promise<void>
}

/** The path of one camera. `command`: run on demand, publishes to the path. `url`: pulled on demand. */
export interface PathSpec {
  name: CameraId
  source: { command: string } | { url: string }
}

/** What became of a path: now, or when it was put there again after a restart of the media server. */
export type PathEvent = { type: 'path.published' } | { type: 'path.refused'; reason: Reason }

export interface ServerInfo {
  version: string
  /** Changes with each start of the server. */
  started: string
}

/** One path as the media server reports it. */
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
 * The control API. It remembers the wanted paths, and `sync` replaces each of them whole. The changes of one path are
 * made one after the other. A single call is retried here; whether the server is down is decided by the link machine.
 */
export interface MediaServer {
  /** The health check: without retries, also while calls are paused. */
  info(signal: AbortSignal): Promise<ServerInfo>
  /** The same, counted by the breaker: a success closes it. */
  trial(signal: AbortSignal): Promise<ServerInfo>
  /** Wants the path from now on, not recording. Reports each outcome; nothing while the server cannot be reached. Disposing removes the path. */
  publish(spec: PathSpec, report: (event: PathEvent) => void): Dispose
  /** Wants `record` to be `on`. Rejects with `Failure` when the server did not accept it. */
  setRecording(name: CameraId, on: boolean, signal: AbortSignal): Promise<void>
  /** Replaces every wanted path, recording ones first, and deletes paths of ours that are no longer wanted. Returns their number. Also while calls are paused. */
  sync(signal: AbortSignal): Promise<number>
  /** Resolves when no change of a path is on its way. */
  settled(signal: AbortSignal): Promise<void>
  streams(signal: AbortSignal): Promise<StreamState[]>
  /** `undefined`: no such path. */
  stream(name: string, signal: AbortSignal): Promise<StreamState | undefined>
  /** Ends one reader's media session. False: it does not exist (any more). `query`: of its URL, for servers before 1.19.3. */
  kick(session: { protocol: string; id: string; query?: string }, signal: AbortSignal): Promise<boolean>
  /** Media sessions that exist. `connections`: of an RTSP session, by which servers before 1.19.3 name it. */
  sessions(signal: AbortSignal): Promise<{ id: string; connections: string[] }[]>
  /** Reports when too many calls failed, and when a trial has succeeded. */
  onBreaker(listener: (event: BreakerEvent) => void): Dispose
  /** Rejects calls at once until disposed. */
  pauseCalls(reason: Reason): Dispose
}

export type BreakerEvent = { type: 'breaker.opened' } | { type: 'breaker.closed' }

/** What a DESCRIBE returned. */
export interface SourceDescription {
  codec: string
  width?: number
  height?: number
}

/** Small RTSP client: holds streams, catches keyframes, describes sources. */
export interface StreamReader {
  /** SETUP without PLAY: starts an on-demand stream and holds it without media. Resolves when it is live; `lost` is called at most once. */
  hold(name: string, lost: (reason: Reason) => void, signal: AbortSignal): Promise<Dispose>
  /** The next keyframe with its parameter sets, as H.264 Annex B. Wakes the stream if it sleeps. */
  keyframe(name: string, signal: AbortSignal): Promise<Uint8Array>
  /** OPTIONS and DESCRIBE of a source. Rejects with `Failure`: unreachable, source_refused … */
  describe(url: string, signal: AbortSignal): Promise<SourceDescription>
}
