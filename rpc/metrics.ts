import type { CameraId } from '../machines/domain/camera.js'
import type { Fact, Told } from '../machines/domain/facts.js'
import type { Dispose, Metrics } from '../machines/domain/ports.js'
import type { SnapshotTier } from '../machines/domain/views.js'
import { methods as table } from './methods/index.js'

/** Upper bounds of the classes of durations, in seconds. Longer durations have a class of their own. */
export const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

/** Number of durations by class, not cumulated: one class more than `bounds`. `sum` in seconds. */
export interface Durations {
  classes: number[]
  sum: number
}

/** What is counted for each camera. Durations in ms. */
type CameraCount =
  | 'recordingsEnded'
  | 'recordingsFailed'
  | 'recordedBytes'
  | 'recorded'
  | 'gaps'
  | 'gapTime'
  | 'starts'
  | 'restarts'
  | 'stalls'
  | 'snapshotsFailed'
  | `snapshotsOfTier${SnapshotTier}`

/** A missing count is 0. */
export type CameraCounts = Partial<Record<CameraCount, number>>

/** Durations by name (a method or a route), then by outcome. */
export type DurationTable = ReadonlyMap<string, ReadonlyMap<string, Durations>>

/** Everything that was counted since the service started. */
export interface Counts {
  calls: DurationTable
  mediaCalls: DurationTable
  cameras: ReadonlyMap<CameraId, CameraCounts>
  /** Number of restarts by kind of actor. */
  actorRestarts: ReadonlyMap<string, number>
  dropped: number
  refused: Record<Parameters<Metrics['refused']>[0], number>
  /** Number of times the media server came back or was replaced. */
  serverReturns: number
  breakerOpenings: number
}

export interface CountedMetrics extends Metrics {
  counts(): Counts
  /** Counts facts from now on. */
  follow(facts: { subscribe(listener: (fact: Told) => void): Dispose }): Dispose
}

/** The names of HTTP requests beside those of the methods. */
export const httpActions = ['GET /files/recordings', 'GET /files/snapshots', 'GET /cameras/snapshot.jpg'] as const
export type HttpAction = (typeof httpActions)[number]

/** Names that clients make up are counted as this one, so that they cannot fill the memory. */
const other = 'other'
const maxRoutes = 64
/** A stream that starts this soon after its end (ms) was restarted; later it was asleep. */
const restartWithin = 10_000

/** Durations by name and outcome. A new name that `admits` refuses counts as `other`. */
const createDurations = (admits: (name: string, known: number) => boolean) => {
  const rows = new Map<string, Map<string, Durations>>()
  const add = (name: string, outcome: string, ms: number) => {
    const label = rows.has(name) || admits(name, rows.size) ? name : other
    const row = rows.get(label) ?? new Map<string, Durations>()
    rows.set(label, row)
    const durations = row.get(outcome) ?? { classes: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
    row.set(outcome, durations)
    const seconds = ms / 1000
    const found = bounds.findIndex((bound) => seconds <= bound)
    const index = found < 0 ? bounds.length : found
    durations.classes[index] = (durations.classes[index] ?? 0) + 1
    durations.sum += seconds
  }
  return { rows, add }
}

/** Counts in memory from the start, exactly. `methods`: the names that may become labels. */
export const createMetrics = ({
  methods = table.map(({ name }) => name),
}: {
  methods?: readonly string[]
} = {}): CountedMetrics => {
  const known = new Set<string>([...methods, ...httpActions])
  const calls = createDurations((name) => known.has(name))
  const mediaCalls = createDurations((_, size) => size < maxRoutes)
  const cameras = new Map<CameraId, CameraCounts>()
  const actorRestarts = new Map<string, number>()
  const counts: Counts = {
    calls: calls.rows,
    mediaCalls: mediaCalls.rows,
    cameras,
    actorRestarts,
    dropped: 0,
    refused: { authentication: 0, rate: 0, connection: 0, origin: 0 },
    serverReturns: 0,
    breakerOpenings: 0,
  }
  // Some metrics lie between two facts: the times and facts that the first one leaves for the second.
  let isServerGone = false
  const gapSince = new Map<CameraId, number>()
  /** The end of each stream that may be restarted. */
  const endedAt = new Map<CameraId, number>()

  const add = (camera: CameraId, what: CameraCount, by = 1) => {
    const of = cameras.get(camera) ?? {}
    of[what] = (of[what] ?? 0) + by
    cameras.set(camera, of)
  }
  const closeGap = (camera: CameraId, at: number) => {
    const since = gapSince.get(camera)
    if (since !== undefined) add(camera, 'gapTime', Math.max(0, at - since))
    gapSince.delete(camera)
  }

  const count = (fact: Told<Fact>): void => {
    switch (fact.type) {
      case 'link.breakerOpened':
        counts.breakerOpenings += 1
        break
      case 'recording.interrupted':
        add(fact.camera, 'gaps')
        gapSince.set(fact.camera, fact.at)
        break
      case 'recording.resumed':
        closeGap(fact.camera, fact.at)
        break
      case 'recording.ended':
      case 'recording.failed':
        closeGap(fact.camera, fact.at)
        add(fact.camera, fact.type === 'recording.ended' ? 'recordingsEnded' : 'recordingsFailed')
        add(fact.camera, 'recordedBytes', fact.outcome.bytes)
        add(fact.camera, 'recorded', fact.outcome.recorded)
        break
      case 'snapshot.taken':
        add(fact.camera, `snapshotsOfTier${fact.tier}`)
        break
      case 'snapshot.failed':
        add(fact.camera, 'snapshotsFailed')
        break
      case 'stream.started': {
        const ended = endedAt.get(fact.camera)
        endedAt.delete(fact.camera)
        add(fact.camera, 'starts')
        if (ended !== undefined && fact.at - ended <= restartWithin) add(fact.camera, 'restarts')
        break
      }
      case 'stream.stalled':
        add(fact.camera, 'stalls')
        break
      case 'stream.ended':
        endedAt.set(fact.camera, fact.at)
        break
      case 'camera.retired':
        for (const map of [cameras, gapSince, endedAt]) map.delete(fact.camera)
        break
      case 'link.down':
        isServerGone = true
        break
      case 'link.up':
        if (isServerGone) counts.serverReturns += 1
        isServerGone = false
        break
      case 'actor.failed': {
        const [kind = ''] = fact.actor.split(':')
        actorRestarts.set(kind, (actorRestarts.get(kind) ?? 0) + 1)
        break
      }
      default:
    }
  }

  return {
    call: calls.add,
    mediaCall: mediaCalls.add,
    dropped: () => {
      counts.dropped += 1
    },
    refused: (why) => {
      counts.refused[why] += 1
    },
    counts: () => counts,
    follow: (facts) => facts.subscribe(count),
  }
}
