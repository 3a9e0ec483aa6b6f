/**
 * The interfaces to the outside world. Adapters implement these ports, `adapters/open.ts` creates them, tests fake
 * them. Times are epoch milliseconds, sizes bytes, durations milliseconds. Every promise respects its `signal`. The
 * message of a rejected promise is one sentence for people and contains no path, token or password.
 */
import type { CameraId, CameraSettings, CaptureMode, CodecSettings, RtspAccess } from './camera.js'
import type { EncoderWish } from './encoder.js'

export * from './capture.js'
export type { Dispose } from './dispose.js'
export type { Encoders } from './encoder.js'
export * from './files.js'
export * from './mediaServer.js'

/** The known cameras and their ids, kept permanently. */
export interface Registry {
  /** Of the keys: see `registry.ts`. Absent: 1. */
  keyVersion?: number
  /** The number of the next new camera. */
  next: number
  /** `name`: set by a client; it replaces the name in the configuration. */
  cameras: { id: CameraId; keys: string[]; name?: string }[]
  /** `vendor:product:serial` that two cameras had at the same time. Such a serial no longer identifies a camera. */
  sharedSerials: string[]
}

export interface RegistryStore {
  /** Resolves with an empty registry if there is no file. Rejects if it cannot be read; renames a damaged file. */
  load(): Promise<Registry>
  /** Writes a temporary file, syncs and renames it. */
  save(registry: Registry): Promise<void>
}

/** The time of day. It can be set while the service runs: subtract two readings only to show the result. */
export interface WallClock {
  /** Epoch ms. */
  now(): number
}

export interface Clock extends WallClock {
  /**
   * ms since some time in the past. Nobody can set it: durations, ages and deadlines inside one run of the service are
   * measured with it.
   */
  monotonic(): number
}

export interface Log {
  error(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  debug(message: string, fields?: Record<string, unknown>): void
}

/** The defaults for the settings of each camera. */
export interface CaptureDefaults extends Omit<CaptureMode, 'fourcc'> {
  codec: CodecSettings
  /** Default: auto. */
  encoder?: EncoderWish
}

/** Records metrics. Never throws. */
export interface Metrics {
  /** A client's request was answered. */
  call(method: string, outcome: 'ok' | 'refused' | 'failed', ms: number): void
  /** A call to the media server's control API; `route` without names, such as `GET /v3/paths/list`. */
  mediaCall(route: string, outcome: 'ok' | 'refused' | 'unreachable', ms: number): void
  /** A notification was dropped for a client. */
  dropped(): void
  /** A client was rejected: bad credential, too many requests, too many connections, foreign origin. */
  refused(why: 'authentication' | 'rate' | 'connection' | 'origin'): void
}

/** The last sample of the host that the service runs on. Percentages are 0–100. */
export interface HostSample {
  at: number
  cpuPercent: number
  memoryPercent: number
  /** Bytes of this process. */
  residentBytes: number
  /** Bytes over all network interfaces except loopback, since the host's start. */
  bytesSent: number
  bytesReceived: number
}

/** A camera in the configuration. */
export interface CameraEntry {
  /** For people. */
  name: string
  /** RTSP and virtual cameras are identified by it; default: `name`. */
  key?: string
  /** `match`: a serial, a port, `vendor:product` or a link below /dev/v4l. `path`: below /dev. */
  source:
    | { kind: 'virtual' }
    | ({ kind: 'rtsp'; url: string } & RtspAccess)
    | { kind: 'usb'; match: string }
    | { kind: 'v4l2'; path: string }
  enabled: boolean
  settings: CameraSettings
}
