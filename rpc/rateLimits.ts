import { TokenBucket } from 'limiter'
import { networkOf } from '../machines/domain/address.js'

/** Whose requests are counted: everybody's address, and the user of who has said who it is. */
export interface Who {
  user?: string
  address: string
}

/** What keeps one client from taking what belongs to all. */
export interface RateLimits {
  /** Takes `cost` from the buckets of both the user and the address. 0: go on; else the ms after which the same would pass. */
  take(who: Who, cost: number): number
  /**
   * ms for which what this address shows in vain is answered with nothing but the pause; 0: none. Grows with each failure. What is good
   * passes all the same, since others come from that address too: no secret here is short enough to be guessed, the pause is for the
   * load and the logs. Nor does it make the failures forgotten, or a guess between two good ones would be free.
   */
  pause(address: string): number
  failed(address: string): void
}

export interface RateLimitOptions {
  /** What a user may spend per `window` (ms), and at once; a look-up costs 1. */
  requests: number
  window: number
  /** The same of an address, over all who come from it; never less than a user's. Default: five users. */
  addressRequests?: number
  /** Failed authentications of an address before the first pause. Default 5. */
  failures?: number
  /** The longest pause in ms. Default 5 min. */
  pauseMax?: number
}

/** The first pause; each further failure doubles it. */
const firstPause = 1_000
/** Failures are forgotten after this time without one. */
const memory = 3_600_000
/** Users, addresses, failing addresses that are remembered at most: a flood of strangers must not take the memory. */
const mostRemembered = 20_000
/** Looking for what can be forgotten takes time too. */
const pruneEvery = 10_000
/** A timer may come this much early by another clock than its own. */
const timerSlack = 1

/** A map that forgets what may be forgotten now and then, and the oldest when it is full. */
const createMemory = <T>(mayGo: (value: T) => boolean) => {
  const kept = new Map<string, T>()
  let prunedAt = performance.now()
  return {
    get: (key: string) => kept.get(key),
    add: (key: string, value: T) => {
      const now = performance.now()
      if (now - prunedAt >= pruneEvery) {
        prunedAt = now
        for (const [old, one] of kept) if (mayGo(one)) kept.delete(old)
      }
      const [oldest] = kept.size >= mostRemembered ? kept.keys() : []
      if (oldest !== undefined) kept.delete(oldest)
      kept.set(key, value)
    },
    delete: (key: string) => kept.delete(key),
    size: () => kept.size,
  }
}

const createBuckets = (size: number, interval: number) => {
  // A full bucket is as good as none: who comes back finds a new one.
  const buckets = createMemory((bucket: TokenBucket) => {
    bucket.drip()
    return bucket.content >= size
  })
  return {
    of: (key: string): TokenBucket => {
      const known = buckets.get(key)
      if (known !== undefined) return known
      const bucket = new TokenBucket({ bucketSize: size, tokensPerInterval: size, interval })
      bucket.content = size
      buckets.add(key, bucket)
      return bucket
    },
    size: buckets.size,
  }
}

/**
 * Rate limits by user and by address. The buckets belong to whom they are named after, not to a connection: a new connection
 * finds them as the old one left them. Time is monotonic, so that a jump of the wall clock locks nobody out.
 */
export const createRateLimits = ({
  requests,
  window,
  addressRequests = requests * 5,
  failures: free = 5,
  pauseMax = 300_000,
}: RateLimitOptions): RateLimits & { size(): number } => {
  const addressSize = Math.max(requests, addressRequests)
  const users = createBuckets(requests, window)
  const addresses = createBuckets(addressSize, window)
  const failing = createMemory(
    ({ forgetAt }: { count: number; until: number; forgetAt: number }) => forgetAt <= performance.now(),
  )

  return {
    take: ({ user, address }, cost) => {
      const byAddress = addresses.of(networkOf(address))
      // What costs more than a whole bucket takes the whole bucket: it must be possible.
      const due = Math.min(cost, addressSize)
      if (user === undefined) return byAddress.tryRemoveTokens(due) ? 0 : byAddress.getWaitTime(due) + timerSlack
      const byUser = users.of(user)
      const dueByUser = Math.min(cost, requests)
      const wait = byUser.tryRemoveTokens(dueByUser) ? 0 : byUser.getWaitTime(dueByUser)
      if (wait === 0 && byAddress.tryRemoveTokens(due)) return 0
      // Nothing is spent for what does not pass.
      if (wait === 0) byUser.content += dueByUser
      return Math.max(wait, byAddress.getWaitTime(due)) + timerSlack
    },
    pause: (address) => {
      const rest = (failing.get(networkOf(address))?.until ?? 0) - performance.now()
      return rest <= 0 ? 0 : Math.ceil(rest) + timerSlack
    },
    failed: (address) => {
      const key = networkOf(address)
      const now = performance.now()
      const known = failing.get(key)
      const count = known === undefined || known.forgetAt <= now ? 1 : known.count + 1
      // Capped before the power, which would leave the numbers after a thousand failures.
      const pause = count <= free ? 0 : Math.min(pauseMax, firstPause * 2 ** Math.min(40, count - free - 1))
      failing.delete(key)
      failing.add(key, { count, until: now + pause, forgetAt: now + pause + memory })
    },
    size: () => users.size() + addresses.size() + failing.size(),
  }
}
