import type { FaultName, Source } from './faults.js'
import type { Station } from './stations.js'

/** What a client sees of one camera and of the service. Reasons are codes of the API. */
export interface Seen {
  status: string
  reason?: string | undefined
  stream: { status: string; reason?: string | undefined; held: boolean; frames: number }
  recording?: { status: string; reason?: string | undefined } | undefined
  /** `undefined`: HEALTHY. Else the reason. */
  unhealthy?: string | undefined
}

/** An ended recording. Times in ms. */
export interface Ended {
  reason: string
  status: string
  /** From its first frame to its end, by the wall clock. */
  span: number
  /** Playable media in all its files. */
  media: number
  /** What the service says about the times without media. */
  gaps: { from: number; to: number; reason: string }[]
  /** Files that a player cannot read. */
  unplayable: number
}

/** A running service whose surroundings can break. */
export interface World {
  /** In the order of `stations`. */
  cameras: readonly string[]
  faults: Partial<Record<FaultName, Injection>>
  /** Monotonic ms. */
  now(): number
  pass(ms: number): Promise<void>
  see(camera: string): Promise<Seen>
  hold(camera: string): Promise<void>
  /** `duration` in ms. */
  record(camera: string, duration?: number): Promise<void>
  stop(camera: string): Promise<Ended>
  /** The end of a recording that ended by itself. */
  ended(camera: string): Promise<Ended | undefined>
  snapshot(camera: string): Promise<void>
  /** How much was ever recorded of the camera: it grows while a file grows. */
  written(camera: string): Promise<number>
  /** Numbers of what must not grow over the years: processes, timers, watchers, files. */
  leftovers(): Promise<Record<string, number>>
  end(): Promise<void>
}

/** Causes and ends a fault, for the cameras given. */
export interface Injection {
  begin(cameras: readonly string[]): Promise<void> | void
  finish?(cameras: readonly string[]): Promise<void> | void
}

export interface Worlds {
  name: string
  /** Faults that it can cause. */
  can: readonly FaultName[]
  /** Default: all. */
  stations?: readonly Station[]
  /** A service with `count` connected cameras. */
  open(source: Source, count: number): Promise<World>
  /** How often a client looks, in ms; default 100. */
  every?: number
  /** Media that may be missing without a gap, in ms, beside the second that may be lost; default 600. */
  slack?: number
  /** A cell without an end after so many ms is stuck. */
  limit: number
}
