import type { CameraId } from '../machines/domain/camera.js'
import type { Fact, FactOf, Told } from '../machines/domain/facts.js'
import type { Dispose, Metrics } from '../machines/domain/ports.js'
import type { SnapshotTier } from '../machines/domain/views.js'
import { methods } from './methods/index.js'

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
  | 'filesIndexed'
  | 'filesNotIndexed'
  | 'recordedBytes'
  | 'recorded'
  | 'gaps'
  | 'gapTime'
  | 'starts'
  | 'restarts'
  | 'stalls'
  | 'overloads'
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
  clockJumps: number
}

export interface CountedMetrics extends Metrics {
  counts(): Counts
  /** Counts facts from now on. */
  follow(facts: { subscribe(listener: (fact: Told) => void): Dispose }): Dispose
}

/** The names of HTTP requests beside those of the methods. */
export const httpActions = [
  'GET /files/recordings',
  'GET /files/snapshots',
  'GET /thumbnails',
  'GET /cameras/snapshot.jpg',
] as const
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

/** Counts in memory from the start, exactly. */
export const createMetrics = (): CountedMetrics => {
  const known = new Set<string>([...methods.map(({ name }) => name), ...httpActions])
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
    clockJumps: 0,
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

  const endRecording = ({ camera, at, outcome }: FactOf<'recording.ended' | 'recording.failed'>) => {
    closeGap(camera, at)
    add(camera, 'recordedBytes', outcome.bytes)
    add(camera, 'recorded', outcome.recorded)
  }

  /** What each fact counts. */
  const count: { [Type in Fact['type']]?: (fact: FactOf<Type>) => void } = {
    'link.breakerOpened': () => {
      counts.breakerOpenings += 1
    },
    'system.clock_jumped': () => {
      counts.clockJumps += 1
    },
    'recording.interrupted': ({ camera, at }) => {
      if (gapSince.has(camera)) return
      add(camera, 'gaps')
      gapSince.set(camera, at)
    },
    'recording.resumed': ({ camera, gap }) => {
      add(camera, 'gapTime', gap.to - gap.from)
      gapSince.delete(camera)
    },
    'recording.ended': (fact) => {
      add(fact.camera, 'recordingsEnded')
      endRecording(fact)
    },
    'recording.failed': (fact) => {
      add(fact.camera, 'recordingsFailed')
      endRecording(fact)
    },
    'file.indexed': ({ camera }) => add(camera, 'filesIndexed'),
    'file.notIndexed': ({ camera }) => add(camera, 'filesNotIndexed'),
    'snapshot.taken': ({ camera, tier }) => add(camera, `snapshotsOfTier${tier}`),
    'snapshot.failed': ({ camera }) => add(camera, 'snapshotsFailed'),
    'stream.started': ({ camera, at }) => {
      const ended = endedAt.get(camera)
      endedAt.delete(camera)
      add(camera, 'starts')
      if (ended !== undefined && at - ended <= restartWithin) add(camera, 'restarts')
    },
    'stream.stalled': ({ camera }) => add(camera, 'stalls'),
    'stream.overloaded': ({ camera }) => add(camera, 'overloads'),
    'stream.ended': ({ camera, at }) => endedAt.set(camera, at),
    'camera.retired': ({ camera }) => {
      for (const map of [cameras, gapSince, endedAt]) map.delete(camera)
    },
    'link.down': () => {
      isServerGone = true
    },
    'link.up': () => {
      if (isServerGone) counts.serverReturns += 1
      isServerGone = false
    },
    'actor.failed': ({ actor }) => {
      const [kind = ''] = actor.split(':')
      actorRestarts.set(kind, (actorRestarts.get(kind) ?? 0) + 1)
    },
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
    follow: (facts) => facts.subscribe((fact) => count[fact.type]?.(fact as never)),
  }
}
