/** Ports for the media server's process, its control API and RTSP. Times are epoch ms, durations ms. */
import type { CameraId, RtspAccess } from './camera.js'
import type { Dispose } from './dispose.js'
import type { Drift } from './drift.js'
import type { Reason } from './reason.js'
import type { SourceDescription } from './sourceDescription.js'

export type { AudioDescription, SourceDescription } from './sourceDescription.js'

/** The media server that is used. `why`: one sentence for people. */
export interface ServerChoice {
  kind: 'external' | 'managed' | 'embedded'
  why: string
}

/** Starts the media server, or finds a running one. */
export interface ServerProcess {
  /**
   * Resolves `mediamtx.mode`. `auto` tries the address, the PATH and the data directory. Ends leftover processes first.
   */
  choose(signal: AbortSignal): Promise<ServerChoice>
  /**
   * Starts the child with a new configuration file; resolves when it runs. Calls `exited` at most once. Not for
   * `external`.
   */
  start(choice: ServerChoice, exited: (reason: string) => void, signal: AbortSignal): Promise<{ pid: number }>
  /** Kills a child that hangs. Its end is reported like any other. */
  kill(): Promise<void>
  /**
   * Sends SIGINT, and SIGKILL after `mediamtx.process_termination_timeout`, or after `grace` ms if that is shorter.
   * Resolves when the child is gone, or at once if there is none.
   */
  end(grace?: number): Promise<void>
}

/** The path of one camera. `command`: runs on demand and publishes to the path. `url`: pulled on demand. */
export interface PathSpec {
  name: CameraId
  source: { command: string } | ({ url: string } & Pick<RtspAccess, 'transport' | 'fingerprint'>)
}

/** The result of adding a path, at first or again after a restart of the media server. */
export type PathEvent = { type: 'path.published' } | { type: 'path.refused'; reason: Reason }

export interface ServerInfo {
  version: string
  /** Changes with each start of the server. */
  started: string
}

/** One path as the media server reports it. */
export interface StreamState {
  name: string
  /** The path has a source. */
  ready: boolean
  readySince?: number
  source?: string
  readers: number
  bytesReceived: number
  bytesSent: number
  tracks: string[]
  /** What the media server has found in the tracks. Servers before 1.19 do not tell it. */
  media?: SourceDescription
}

/**
 * The control API. It remembers the wanted paths; `sync` replaces all of them. The changes of one path run one after
 * the other. A single call is retried here; the link machine decides whether the server is down.
 */
export interface MediaServer {
  /** The health check: without retries, and also while calls are paused. */
  info(signal: AbortSignal): Promise<ServerInfo>
  /** The same, counted by the breaker: a success closes it. */
  trial(signal: AbortSignal): Promise<ServerInfo>
  /**
   * Adds the path, not recording, and keeps it until disposed. Reports each outcome; nothing while the server cannot be
   * reached.
   */
  publish(spec: PathSpec, report: (event: PathEvent) => void): Dispose
  /**
   * Sets `record` of the path. Rejects with `Failure` if the server did not accept it. `segmentDuration`: after this
   * time, in ms, a new file begins; default: as configured.
   */
  setRecording(name: CameraId, on: boolean, signal: AbortSignal, segmentDuration?: number): Promise<void>
  /**
   * Replaces every wanted path, recording ones first, and deletes camera paths that are no longer wanted. Returns the
   * number of wanted paths. Works also while calls are paused.
   */
  sync(signal: AbortSignal): Promise<number>
  /**
   * Reads the configured paths. Resolves with those that differ from the wanted ones; a path that is being changed, or
   * that the server refuses, is not one of them.
   */
  drift(signal: AbortSignal): Promise<Drift[]>
  /** Replaces these paths as a whole, unless they are not wanted any more. Rejects if the server does not answer. */
  repair(cameras: readonly CameraId[], signal: AbortSignal): Promise<void>
  /**
   * Resolves when no change of a path is pending. After the signal, no path is removed any more: those that are left
   * stay in the server, which is logged.
   */
  settled(signal: AbortSignal): Promise<void>
  /** No path is removed any more, because the server ends, too. */
  leavePaths(): void
  streams(signal: AbortSignal): Promise<StreamState[]>
  /** Resolves with `undefined` if there is no such path. */
  stream(name: string, signal: AbortSignal): Promise<StreamState | undefined>
  /**
   * Ends a reader's media session. False if it does not exist. `query`: the query of its URL, for servers before
   * 1.19.3.
   */
  kick(session: { protocol: string; id: string; query?: string }, signal: AbortSignal): Promise<boolean>
  /**
   * Lists the media sessions. `connections`: ids of the connections; servers before 1.19.3 identify RTSP sessions by
   * them.
   */
  sessions(signal: AbortSignal): Promise<{ id: string; connections: string[] }[]>
  /** Reports when too many calls fail, and when a trial succeeds. */
  onBreaker(listener: (event: BreakerEvent) => void): Dispose
  /** Rejects calls at once until disposed. */
  pauseCalls(reason: Reason): Dispose
}

export type BreakerEvent = { type: 'breaker.opened' } | { type: 'breaker.closed' }

/** The codecs whose keyframes the service reads itself, as ffmpeg calls them. */
export type KeyframeCodec = 'h264' | 'hevc'

/** A keyframe as in `keyframe`. `age`: in ms. */
export interface KeptKeyframe {
  picture: Uint8Array
  codec: KeyframeCodec
  age: number
}

/** Small RTSP client: holds streams, reads keyframes, describes sources. */
export interface StreamReader {
  /**
   * SETUP without PLAY: starts an on-demand stream and holds it, without receiving media. Resolves when it is live;
   * calls `lost` at most once.
   */
  hold(name: string, lost: (reason: Reason) => void, signal: AbortSignal): Promise<Dispose>
  /**
   * Resolves with the next keyframe of H.264 or H.265 and its parameter sets, as Annex B. Starts the stream if it does
   * not run. Calls `described` as soon as the codec is known. Rejects with `codec_unsupported` if the pictures of the
   * stream can only be found by decoding it.
   */
  keyframe(name: string, signal: AbortSignal, described?: (codec: KeyframeCodec) => void): Promise<Uint8Array>
  /**
   * Reads a stream while its keyframes are more than 2.5 s apart, and keeps the last one. Resolves when they are closer.
   * Rejects with a `Failure`: `codec_unsupported`, or why the stream ended.
   */
  follow(name: string, signal: AbortSignal): Promise<void>
  /** Whether the media server counts the connection of `follow` among the readers of the stream. */
  isFollowed(name: string): boolean
  /** Returns the last keyframe of a stream that is followed. */
  kept(name: string): KeptKeyframe | undefined
  /** Returns the URL of a stream for a program that decodes it. It holds credentials of the service: never log it. */
  address(name: string): string
  /** Sends OPTIONS and DESCRIBE to a source. Rejects with `Failure`: unreachable, source_refused … */
  describe(url: string, signal: AbortSignal, access?: RtspAccess): Promise<SourceDescription>
  /** Sends only OPTIONS, which does not wake a camera that sleeps. Rejects in the same way. */
  reach(url: string, signal: AbortSignal, access?: RtspAccess): Promise<void>
}
