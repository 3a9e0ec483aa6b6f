import { networkOf } from '../machines/domain/address.js'
import type { Dispose } from '../machines/domain/ports.js'
import type { RpcLimits } from './options.js'

/** Why an upgrade is refused: the HTTP status, a sentence, and seconds until the client may try again. */
export interface Refusal {
  status: number
  words: string
  retryAfter?: number
}

/** One counted connection. Further calls of either method do nothing. */
export interface Place {
  /** Counts the connection as authenticated. */
  authenticated(): void
  leave(): void
}

/** Counts things by key and in all. A key without things takes no memory. */
export const createCounter = () => {
  const counts = new Map<string, number>()
  let all = 0
  return {
    all: () => all,
    of: (key: string): number => counts.get(key) ?? 0,
    /** Counts one more. The returned function takes it back. */
    add: (key: string): Dispose => {
      all += 1
      counts.set(key, (counts.get(key) ?? 0) + 1)
      let isCounted = true
      return () => {
        if (!isCounted) return
        isCounted = false
        all -= 1
        const rest = (counts.get(key) ?? 1) - 1
        if (rest > 0) counts.set(key, rest)
        else counts.delete(key)
      }
    },
  }
}

/** Limits the number of WebSockets, in all and by network address. */
export const createAdmission = ({
  maxConnections,
  maxConnectionsPerAddress = 256,
  maxUnauthenticatedPerAddress = 32,
}: Pick<RpcLimits, 'maxConnections' | 'maxConnectionsPerAddress' | 'maxUnauthenticatedPerAddress'>) => {
  const open = createCounter()
  const unauthenticated = createCounter()

  return {
    refusalFor: (address: string): Refusal | undefined => {
      const key = networkOf(address)
      if (open.all() >= maxConnections)
        return { status: 503, words: 'the server has no free connection', retryAfter: 5 }
      if (open.of(key) >= maxConnectionsPerAddress)
        return { status: 429, words: `this address has ${open.of(key)} connections already`, retryAfter: 5 }
      if (unauthenticated.of(key) < maxUnauthenticatedPerAddress) return undefined
      return {
        status: 429,
        words: `${unauthenticated.of(key)} connections of this address have not authenticated yet`,
        retryAfter: 1,
      }
    },
    enter: (address: string): Place => {
      const key = networkOf(address)
      const leave = open.add(key)
      const authenticated = unauthenticated.add(key)
      return {
        authenticated,
        leave: () => {
          authenticated()
          leave()
        },
      }
    },
    /** Number of open connections. */
    open: open.all,
    /** Number of open connections that have never authenticated. */
    unauthenticated: unauthenticated.all,
  }
}
