/** Paths of the media server that differ from the wanted ones. */
import type { CameraId } from './camera.js'
import { because, type Reason } from './reason.js'

/** A path that somebody removed or changed in the media server. */
export interface Drift {
  camera: CameraId
  /** The settings that differ; empty: the path is missing. */
  differs: string[]
  /** It is recorded or has readers: a repair may interrupt them. */
  inUse: boolean
}

export interface DriftMemory {
  /** Monotonic time of the last repair. */
  repaired: Readonly<Partial<Record<CameraId, number>>>
  /** Paths that drifted again soon after their repair. */
  contested: readonly Drift[]
  /** Paths in use that are repaired later. */
  deferred: readonly Drift[]
}

export interface DriftPlan {
  memory: DriftMemory
  repairs: Drift[]
  /** Paths that are deferred from now on. */
  postponed: Drift[]
}

/** A path that drifts again within this time after its repair is contested, in ms. */
const peace = 60_000
/** A contested path is repaired again after this time, in ms. */
const truce = 600_000

/** Settings whose change restarts the path, and that do no harm until nobody uses it. */
const harmless = new Set([
  'runOnDemandStartTimeout',
  'runOnDemandCloseAfter',
  'sourceOnDemandStartTimeout',
  'sourceOnDemandCloseAfter',
])

export const noDrift: DriftMemory = { repaired: {}, contested: [], deferred: [] }

/** Decides which paths are repaired now. `at`: monotonic ms. */
export function planRepairs(
  { repaired, contested, deferred }: DriftMemory,
  drifts: readonly Drift[],
  at: number,
): DriftPlan {
  const mayWait = ({ differs, inUse }: Drift) =>
    inUse && differs.length > 0 && differs.every((one) => harmless.has(one))
  const isIn = (list: readonly Drift[], { camera }: Drift) => list.some((one) => one.camera === camera)
  const wait = (drift: Drift) => (isIn(contested, drift) ? truce : peace)
  const isRecent = (drift: Drift) => at - (repaired[drift.camera] ?? Number.NEGATIVE_INFINITY) < wait(drift)
  const later = drifts.filter(mayWait)
  const now = drifts.filter((drift) => !mayWait(drift))
  return {
    // A contested path stays one until it is found as wanted.
    memory: { repaired, contested: now.filter((one) => isRecent(one) || isIn(contested, one)), deferred: later },
    repairs: now.filter((drift) => !isRecent(drift)),
    postponed: later.filter((drift) => !isIn(deferred, drift)),
  }
}

/** `camera0: record, source; camera1: missing`. */
const listed = (drifts: readonly Drift[]): string =>
  drifts.map(({ camera, differs }) => `${camera}: ${differs.join(', ') || 'the path is missing'}`).join('; ')

/** What happened to one path: it was repaired, or will be. */
export const reasonOfDrift = (drift: Drift, outcome: 'repaired' | 'postponed'): Reason =>
  because(
    'path_changed',
    `another program changed a path of this service in the media server (${listed([drift])}): ` +
      (outcome === 'repaired' ? 'it was set again' : 'it will be set again when nobody uses the stream'),
  )

/** Why the link is degraded, and what to do. */
export const reasonOfContest = (contested: readonly Drift[]): Reason =>
  because(
    'path_changed',
    `another program keeps changing paths of this service in the media server (${listed(contested)}): ` +
      'stop that program; the paths are set again every 10 minutes',
  )
