import type { CameraId } from '../../machines/domain/camera.js'
import type { PathSpec } from '../../machines/domain/ports.js'
import { sleep } from './wait.js'

/** What is wanted of one path, and the queue of its changes. */
export interface Lane {
  readonly name: CameraId
  /** Absent: the path is not wanted. */
  spec: PathSpec | undefined
  record: boolean
  /** Counts what was asked of `record`. */
  asked: number
}

interface Queue {
  lane: Lane
  tail: Promise<unknown>
  waiting: number
  changedAt: number
}

/** MediaMTX applies changes of one path in goroutines of their own: two that are closer may end in the wrong order, for good. */
const GAP = 100

export interface Lanes {
  /** The camera's lane, made when there is none. */
  lane(name: CameraId): Lane
  find(name: CameraId): Lane | undefined
  wanted(): (Lane & { spec: PathSpec })[]
  /** Runs `change` when the path's earlier ones are over and ≥ 100 ms ago. */
  run<T>(lane: Lane, signal: AbortSignal, change: () => Promise<T>): Promise<T>
}

export function createLanes(): Lanes {
  const queues = new Map<CameraId, Queue>()

  const queue = (name: CameraId): Queue => {
    const present = queues.get(name)
    if (present) return present
    const made: Queue = {
      lane: { name, spec: undefined, record: false, asked: 0 },
      tail: Promise.resolve(),
      waiting: 0,
      changedAt: Number.NEGATIVE_INFINITY,
    }
    queues.set(name, made)
    return made
  }

  return {
    lane: (name) => queue(name).lane,
    find: (name) => queues.get(name)?.lane,
    wanted: () =>
      [...queues.values()]
        .map(({ lane }) => lane)
        .filter((lane): lane is Lane & { spec: PathSpec } => lane.spec !== undefined),
    run: (lane, signal, change) => {
      const own = queue(lane.name)
      own.waiting++
      const turn = own.tail.then(async () => {
        try {
          await sleep(Math.max(0, own.changedAt + GAP - performance.now()), signal)
          return await change()
        } finally {
          own.changedAt = performance.now()
          own.waiting--
          if (own.waiting === 0 && own.lane.spec === undefined) queues.delete(lane.name)
        }
      })
      own.tail = turn.catch(() => {})
      return turn
    },
  }
}
