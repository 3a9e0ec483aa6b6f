import type { Caller } from '../machines/domain/ports.js'
import type { Filters, Topic } from './topics.js'

/** One client's connection, as the methods and the notifications see it. */
export interface Session {
  /** UUID, told by authenticate. */
  readonly id: string
  /** The client's address. */
  readonly address: string
  /** The address that the client came in by, ready for a URL. */
  readonly host: string
  /** Kept after its token has expired, so that the refusal can say so. */
  caller: Caller | undefined
  /** An authenticate under way: what came after it waits for its outcome. */
  authenticating: Promise<unknown> | undefined
  /** The connection has ended. */
  closed: boolean
  /** Requests begun and not answered. */
  inFlight: number
  /** Requests so far. */
  requests: number
  readonly subscriptions: Map<Topic, Filters | undefined>
  /** Never throws, never waits; drops a client that does not read. */
  send(message: string | Buffer): void
}

/** Whose requests are counted together: the user's over all connections, else the address's. */
export const rateKey = (session: Session): string => (session.caller === undefined ? `address ${session.address}` : `user ${session.caller.user}`)
