/**
 * What the service needs of the outside world. Adapters implement these ports, `adapters/open.ts` builds them, tests
 * fake them. Times are epoch milliseconds, sizes bytes, durations milliseconds. Every promise honours its `signal`.
 * The message of a rejected promise is one sentence for people and holds no path, token or password.
 */
import type { CameraId, CameraSettings, CodecSettings } from './camera.js'

export * from './capture.js'
export type { Dispose } from './dispose.js'
export * from './files.js'
export * from './mediaServer.js'

/** The known cameras and their ids, kept for good. */
export interface Registry {
  /** The number of the next new camera. */
  next: number
  cameras: { id: CameraId; keys: string[] }[]
  /** `vendor:product:serial` that two cameras have shown at once: never trusted again. */
  sharedSerials: string[]
}

export interface RegistryStore {
  /** Empty when there is none. Rejects when it cannot be read (a damaged file is kept aside, never overwritten). */
  load(): Promise<Registry>
  /** Written by temporary file, fsync and rename. */
  save(registry: Registry): Promise<void>
}

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

/** What the settings of each camera default to. */
export interface CaptureDefaults {
  width: number
  height: number
  fps: number
  codec: CodecSettings
}

/** Counts and times what happens. Never throws. */
export interface Metrics {
  /** A request of a client was answered. */
  call(method: string, outcome: 'ok' | 'refused' | 'failed', ms: number): void
  /** A call of the media server's control API; `route` without names, as in `GET /v3/paths/list`. */
  mediaCall(route: string, outcome: 'ok' | 'refused' | 'unreachable', ms: number): void
  /** A notification that a client did not get. */
  dropped(): void
  /** A client that was refused: a bad credential, too many requests, too many connections, a foreign origin. */
  refused(why: 'authentication' | 'rate' | 'connection' | 'origin'): void
}

/** The host that the service runs on, as last sampled. Percentages are 0–100. */
export interface HostSample {
  at: number
  cpuPercent: number
  memoryPercent: number
  /** Bytes of this process. */
  residentBytes: number
  /** Bytes over all network interfaces but loopback, since the host's start. */
  bytesSent: number
  bytesReceived: number
}

/** A camera of the configuration. */
export interface CameraEntry {
  name: string
  source: { kind: 'virtual' } | { kind: 'rtsp'; url: string } | { kind: 'usb'; match: string }
  enabled: boolean
  settings: CameraSettings
}
