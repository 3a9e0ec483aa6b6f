import type { Caller } from '../machines/domain/access.js'
import type { Filters, Topic } from './topics.js'

/** Why a caller lost its right before it left. */
export type SessionEnd = 'token_expired' | 'revoked' | 'ended'

/** One client's connection, as the methods and the notifications see it. */
export interface Session {
  /** UUID, told by authenticate. */
  readonly id: string
  /** The client's address. */
  readonly address: string
  /** The address that the client came in by, ready for a URL. */
  readonly host: string
  /** Epoch ms. */
  readonly since: number
  /** Absent: nobody has said who it is, or it is over (`ended`). May have expired a moment ago: who asks looks. */
  caller: Caller | undefined
  /** Why there is no caller any more, until it authenticates anew; `user` and `cameras` are whose it was and for what. */
  ended: { reason: SessionEnd; user: string; cameras?: readonly string[] } | undefined
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
  send(message: string): void
  /** The same for a `textFrame` that goes to many. */
  sendFrame(frame: Buffer): void
}
