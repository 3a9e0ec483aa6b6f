import { TokenBucket } from 'limiter'
import { LRUCache } from 'lru-cache'
import { networkOf } from '../machines/domain/address.js'
import { rateLimited, type ServiceError } from '../machines/domain/errors.js'
import type { Metrics } from '../machines/domain/ports.js'

/** Whose requests are counted: those of the address, and those of the user once the client is authenticated. */
export interface Who {
  user?: string
  address: string
}

/** Keeps one client from using up what all clients share. */
export interface RateLimits {
  /** Takes `cost` from the buckets of user and address. Returns 0, or the ms until the same request would pass. */
  take(who: Who, cost: number): number
  /**
   * How long failed logins from this address are rejected with nothing but the pause, in ms; 0 if not throttled. A
   * valid credential passes all the same, because other clients share the address, and resets nothing: a guess between
   * two valid logins would be free. The pause saves load and logs; the secrets are too long to be guessed anyway.
   */
  pause(address: string): number
  /** Counts a failed login. Each one doubles the pause. */
  failed(address: string): void
}

export interface RateLimitOptions {
  /** Cost that a user may spend per `window` (ms), or at once. A look-up costs 1. */
  requests: number
  window: number
  /** The same for all clients of an address; never less than for a user. Default: five times `requests`. */
  addressRequests?: number
  /** Failed logins of an address before the first pause. Default 5. */
  failures?: number
  /** The longest pause in ms. Default 5 min. */
  pauseMax?: number
}

/**
 * Counts a wrong credential. Returns the error for the client: the given one, or `rateLimited` while the address is
 * throttled. Expired and revoked credentials are no guesses.
 */
export function refusalOfGuess(
  { rateLimits, metrics }: { rateLimits: RateLimits; metrics: Pick<Metrics, 'refused'> },
  address: string,
  error: ServiceError,
): ServiceError {
  const pause = rateLimits.pause(address)
  metrics.refused(pause > 0 ? 'rate' : 'authentication')
  if (pause > 0) return rateLimited(pause, 'too_many_failed_authentications')
  rateLimits.failed(address)
  return error
}

/** The first pause in ms; each further failure doubles it. */
const firstPause = 1_000
/** Failures are forgotten after this time without another one, in ms. */
const failureMemory = 3_600_000
/** Users, addresses and failing addresses in memory, each at most: strangers must not use it up. */
const mostRemembered = 20_000
/** Other clocks than ours may be this many ms ahead. */
const timerSlack = 1

const limitsOf = ({
  requests,
  window,
  addressRequests = requests * 5,
  failures = 5,
  pauseMax = 300_000,
}: RateLimitOptions) => ({
  requests,
  window,
  addressSize: Math.max(requests, addressRequests),
  free: failures,
  pauseMax,
})

/** Rate limits by user and by address. A new connection finds the buckets as an earlier one left them. */
export const createRateLimits = (
  options: RateLimitOptions,
): RateLimits & { size(): number; configure(options: RateLimitOptions): void } => {
  let { requests, window, addressSize, free, pauseMax } = limitsOf(options)
  // Monotonic: a jump of the wall clock must lock nobody out. Read once per call: it costs as much as all the rest.
  let now = performance.now()
  /** Forgets the least recently used entry when it is full, and each one that is not used for `ttl` ms. */
  const createMemory = <T extends object>(ttl: number) =>
    new LRUCache<string, T>({
      // `max` would reserve 2 MB at the start.
      maxSize: mostRemembered,
      sizeCalculation: () => 1,
      ttl,
      ttlResolution: 0,
      updateAgeOnGet: true,
      perf: { now: () => now },
    })
  // After a window without a request a bucket is full again: forgetting it changes nothing.
  let users = createMemory<TokenBucket>(window)
  let addresses = createMemory<TokenBucket>(window)
  const failing = createMemory<{ count: number; until: number }>(failureMemory)

  const bucketOf = (buckets: typeof users, key: string, size: number): TokenBucket => {
    const known = buckets.get(key)
    if (known !== undefined) return known
    const bucket = new TokenBucket({ bucketSize: size, tokensPerInterval: size, interval: window })
    bucket.content = size
    buckets.set(key, bucket)
    return bucket
  }

  return {
    take: ({ user, address }, cost) => {
      now = performance.now()
      const byAddress = bucketOf(addresses, networkOf(address), addressSize)
      // A request that costs more than a whole bucket takes the whole bucket, so that it can pass at all.
      const due = Math.min(cost, addressSize)
      if (user === undefined) return byAddress.tryRemoveTokens(due) ? 0 : byAddress.getWaitTime(due) + timerSlack
      const byUser = bucketOf(users, user, requests)
      const dueByUser = Math.min(cost, requests)
      const wait = byUser.tryRemoveTokens(dueByUser) ? 0 : byUser.getWaitTime(dueByUser)
      if (wait === 0 && byAddress.tryRemoveTokens(due)) return 0
      // A refused request costs nothing.
      if (wait === 0) byUser.content += dueByUser
      return Math.max(wait, byAddress.getWaitTime(due)) + timerSlack
    },
    pause: (address) => {
      now = performance.now()
      const rest = (failing.peek(networkOf(address))?.until ?? 0) - now
      return rest <= 0 ? 0 : Math.ceil(rest) + timerSlack
    },
    failed: (address) => {
      now = performance.now()
      const key = networkOf(address)
      const count = (failing.get(key)?.count ?? 0) + 1
      // The exponent is capped: a power beyond the range of numbers is no number.
      const pause = count <= free ? 0 : Math.min(pauseMax, firstPause * 2 ** Math.min(40, count - free - 1))
      failing.set(key, { count, until: now + pause }, { ttl: pause + failureMemory })
    },
    /** Takes other limits. If those of requests differ, all buckets are full again; failed logins stay counted. */
    configure: (other) => {
      const before = JSON.stringify([requests, window, addressSize])
      ;({ requests, window, addressSize, free, pauseMax } = limitsOf(other))
      if (JSON.stringify([requests, window, addressSize]) === before) return
      users = createMemory<TokenBucket>(window)
      addresses = createMemory<TokenBucket>(window)
    },
    /** Number of users and addresses in memory. */
    size: () => {
      const memories = [users, addresses, failing]
      for (const memory of memories) memory.purgeStale()
      return memories.reduce((sum, { size }) => sum + size, 0)
    },
  }
}
