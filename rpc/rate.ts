/** Counts requests by key in windows of fixed length. */
export interface Limiter {
  /** Counts one request. 0: it may go on; else the ms until the next window. */
  take(key: string): number
  /** Keys that are remembered. */
  size(): number
}

/** `now` is monotonic: a jump of the wall clock must not lock anybody out. */
export const createLimiter = ({ requests, window }: { requests: number; window: number }, now: () => number = () => performance.now()): Limiter => {
  const counts = new Map<string, { count: number; until: number }>()
  let pruneAt = now() + window
  const prune = (time: number) => {
    for (const [key, { until }] of counts) if (until <= time) counts.delete(key)
    pruneAt = time + window
  }
  return {
    take: (key) => {
      const time = now()
      if (time >= pruneAt) prune(time)
      const entry = counts.get(key)
      if (entry === undefined || entry.until <= time) {
        counts.set(key, { count: 1, until: time + window })
        return 0
      }
      entry.count += 1
      return entry.count <= requests ? 0 : Math.max(1, Math.ceil(entry.until - time))
    },
    size: () => counts.size,
  }
}
