import { networkOf } from '../machines/domain/address.js'

export interface AdmissionLimits {
  maxConnections: number
  maxConnectionsPerAddress?: number
  maxUnauthenticatedPerAddress?: number
}

/** Why a connection may not come, and when it may ask again. */
export interface Refusal {
  status: 429 | 503
  words: string
  /** Seconds. */
  retryAfter: number
}

/** One counted connection. Both may be called again without effect. */
export interface Place {
  /** It has said who it is. */
  authenticated(): void
  leave(): void
}

interface Count {
  open: number
  unauthenticated: number
}

/** Counts the WebSockets, in all and by address. */
export const createAdmission = ({
  maxConnections,
  maxConnectionsPerAddress = 256,
  maxUnauthenticatedPerAddress = 32,
}: AdmissionLimits) => {
  const counts = new Map<string, Count>()
  let open = 0
  let unauthenticated = 0

  return {
    refusalFor: (address: string): Refusal | undefined => {
      if (open >= maxConnections)
        return { status: 503, words: 'all connections of this server are taken', retryAfter: 5 }
      const count = counts.get(networkOf(address))
      if (count === undefined) return undefined
      if (count.open >= maxConnectionsPerAddress)
        return { status: 429, words: `this address has ${count.open} connections already`, retryAfter: 5 }
      if (count.unauthenticated < maxUnauthenticatedPerAddress) return undefined
      return {
        status: 429,
        words: `${count.unauthenticated} connections of this address have not authenticated yet`,
        retryAfter: 1,
      }
    },
    enter: (address: string): Place => {
      const key = networkOf(address)
      const count = counts.get(key) ?? { open: 0, unauthenticated: 0 }
      counts.set(key, count)
      open += 1
      unauthenticated += 1
      count.open += 1
      count.unauthenticated += 1
      let isUnknown = true
      let isOpen = true
      const known = () => {
        if (!isUnknown) return
        isUnknown = false
        unauthenticated -= 1
        count.unauthenticated -= 1
      }
      return {
        authenticated: known,
        leave: () => {
          if (!isOpen) return
          isOpen = false
          known()
          open -= 1
          count.open -= 1
          if (count.open === 0) counts.delete(key)
        },
      }
    },
    open: () => open,
    /** Connections that have never said who they are. */
    unauthenticated: () => unauthenticated,
  }
}
