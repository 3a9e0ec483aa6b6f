import type { CameraId } from '../machines/domain/camera.js'
import type { Fact, Told } from '../machines/domain/facts.js'
import type { Dispose, MediaServer, Metrics } from '../machines/domain/ports.js'
import type { SnapshotTier } from '../machines/domain/views.js'
import { methods as table } from './methods/index.js'

/** Upper bounds of the classes of durations, in seconds; longer ones are in a class of their own. */
export const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

/** Durations by class, not cumulated: one class more than `bounds`. `sum` in seconds. */
export interface Durations {
  classes: number[]
  sum: number
}

/** Counts of one camera since the service started. Times in ms. */
export interface CameraCounts {
  recordings: { ended: number; failed: number }
  recordedBytes: number
  recorded: number
  gaps: number
  gapTime: number
  starts: number
  restarts: number
  stalls: number
  /** By tier; those that failed are in none. */
  snapshots: { tiers: [number, number, number, number]; failed: number }
}

type BreakerState = 'closed' | 'halfOpen' | 'open'

/** Everything that is counted, since the service started. */
export interface Counts {
  /** Key: method, then outcome. */
  calls: ReadonlyMap<string, ReadonlyMap<string, Durations>>
  /** Key: route, then outcome. */
  mediaCalls: ReadonlyMap<string, ReadonlyMap<string, Durations>>
  cameras: ReadonlyMap<CameraId, CameraCounts>
  dropped: number
  refused: { authentication: number; rate: number; connection: number; origin: number }
  /** The media server was there again after it had gone, or was another one. */
  serverReturns: number
  breaker: { state: BreakerState; openings: number }
}

export interface Counting extends Metrics {
  counts(): Counts
  /** Counts what happens from now on. */
  follow(sources: {
    facts: { subscribe(listener: (fact: Told) => void): Dispose }
    mediaServer: Pick<MediaServer, 'onBreaker'>
  }): Dispose
}

/** Requests by HTTP, as they are named beside the methods. */
export const httpActions = ['GET /files/recordings', 'GET /files/snapshots', 'GET /cameras/snapshot.jpg'] as const
export type HttpAction = (typeof httpActions)[number]

/** Whoever makes up names must not fill the memory with them. */
const other = 'other'
const maxRoutes = 64
/** A stream that comes back so soon after its end had not been put to sleep. */
const restartWithin = 10_000

/** Durations by name and outcome; a name beyond what `admits` counts as `other`. */
const createTable = (admits: (name: string, known: number) => boolean) => {
  const rows = new Map<string, Map<string, Durations>>()
  const rowOf = (name: string): Map<string, Durations> => {
    const row = rows.get(name)
    if (row !== undefined) return row
    if (name !== other && !admits(name, rows.size)) return rowOf(other)
    const made = new Map<string, Durations>()
    rows.set(name, made)
    return made
  }
  const add = (name: string, outcome: string, ms: number) => {
    const row = rowOf(name)
    let durations = row.get(outcome)
    if (durations === undefined) {
      durations = { classes: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
      row.set(outcome, durations)
    }
    const seconds = ms / 1000
    let index = 0
    while (index < bounds.length && seconds > (bounds[index] ?? 0)) index += 1
    durations.classes[index] = (durations.classes[index] ?? 0) + 1
    durations.sum += seconds
  }
  return { rows, add }
}

export const noCounts = (): CameraCounts => ({
  recordings: { ended: 0, failed: 0 },
  recordedBytes: 0,
  recorded: 0,
  gaps: 0,
  gapTime: 0,
  starts: 0,
  restarts: 0,
  stalls: 0,
  snapshots: { tiers: [0, 0, 0, 0], failed: 0 },
})

/** Counts in memory, exact from the start; `http/metrics.ts` shows it. `methods`: the names that may become labels. */
export const createMetrics = ({
  methods = table.map(({ name }) => name),
}: {
  methods?: readonly string[]
} = {}): Counting => {
  const known = new Set<string>([...methods, ...httpActions])
  const calls = createTable((name) => known.has(name))
  const mediaCalls = createTable((_, size) => size < maxRoutes)
  const cameras = new Map<CameraId, CameraCounts>()
  const refused = { authentication: 0, rate: 0, connection: 0, origin: 0 }
  const breaker = { state: 'closed' as BreakerState, openings: 0 }
  let dropped = 0
  let serverReturns = 0
  let serverGone = false
  /** When each camera's gap began; when its stream ended, 0 for a stall. */
  const gapSince = new Map<CameraId, number>()
  const endedAt = new Map<CameraId, number>()

  const of = (camera: CameraId): CameraCounts => {
    const counts = cameras.get(camera) ?? noCounts()
    cameras.set(camera, counts)
    return counts
  }
  const closeGap = (camera: CameraId, at: number) => {
    const since = gapSince.get(camera)
    gapSince.delete(camera)
    if (since !== undefined) of(camera).gapTime += Math.max(0, at - since)
  }
  const forget = (camera: CameraId) => {
    for (const map of [cameras, gapSince, endedAt]) map.delete(camera)
  }

  const count = (fact: Told<Fact>): void => {
    switch (fact.type) {
      case 'recording.interrupted':
        of(fact.camera).gaps += 1
        gapSince.set(fact.camera, fact.at)
        break
      case 'recording.resumed':
        closeGap(fact.camera, fact.at)
        break
      case 'recording.ended':
      case 'recording.failed': {
        closeGap(fact.camera, fact.at)
        const counts = of(fact.camera)
        counts.recordings[fact.type === 'recording.ended' ? 'ended' : 'failed'] += 1
        counts.recordedBytes += fact.outcome.bytes
        counts.recorded += fact.outcome.recorded
        break
      }
      case 'snapshot.taken':
        countTier(of(fact.camera).snapshots.tiers, fact.tier)
        break
      case 'snapshot.failed':
        of(fact.camera).snapshots.failed += 1
        break
      case 'stream.started': {
        const ended = endedAt.get(fact.camera)
        endedAt.delete(fact.camera)
        const counts = of(fact.camera)
        counts.starts += 1
        if (ended !== undefined && (ended === 0 || fact.at - ended <= restartWithin)) counts.restarts += 1
        break
      }
      case 'stream.stalled':
        of(fact.camera).stalls += 1
        endedAt.set(fact.camera, 0)
        break
      case 'stream.ended':
        if (endedAt.get(fact.camera) !== 0) endedAt.set(fact.camera, fact.at)
        break
      case 'camera.retired':
        forget(fact.camera)
        break
      case 'link.down':
        serverGone = true
        break
      case 'link.up':
        if (serverGone) serverReturns += 1
        serverGone = false
        break
      default:
    }
  }

  return {
    call: calls.add,
    mediaCall: mediaCalls.add,
    dropped: () => {
      dropped += 1
    },
    refused: (why) => {
      refused[why] += 1
    },
    counts: () => ({
      calls: calls.rows,
      mediaCalls: mediaCalls.rows,
      cameras,
      dropped,
      refused,
      serverReturns,
      breaker,
    }),
    follow: ({ facts, mediaServer }) => {
      const ends = [
        facts.subscribe(count),
        mediaServer.onBreaker((state) => {
          if (state === 'open' && breaker.state !== 'open') breaker.openings += 1
          breaker.state = state
        }),
      ]
      return () => {
        for (const end of ends) end()
      }
    },
  }
}

const countTier = (tiers: CameraCounts['snapshots']['tiers'], tier: SnapshotTier) => {
  tiers[tier] += 1
}
