import type { Static } from 'typebox'
import * as Type from 'typebox'
import type { Caller } from '../machines/domain/access.js'
import type { Filters } from './filters.js'
import { Time, timeOf } from './schemas.js'
import type { Message } from './textFrame.js'

/** The params of `session.expired`, which is sent without a subscription. */
export const SessionExpired = Type.Object({
  reason: Type.Enum(['token_expired', 'revoked', 'ended']),
  session_id: Type.String(),
  closes_at: timeOf('When the connection is closed (4401) unless it authenticates again'),
  at: Time,
})

/** Why a caller lost its rights before it left. */
export type SessionEnd = Static<typeof SessionExpired>['reason']

/** One client's connection, as the methods and the notifications use it. */
export interface Session {
  /** UUID; authenticate returns it. */
  readonly id: string
  /** The client's address. */
  readonly address: string
  /** The host that the client connected to, ready for a URL. */
  readonly host: string
  /** Epoch ms. */
  readonly since: number
  /** Absent: not authenticated, or the caller's rights have ended (`ended`). It may have expired a moment ago. */
  caller: Caller | undefined
  /** Monotonic; when the caller's credential expires. Infinity without a caller. */
  endsAt: number
  /** The last caller whose rights ended and why, until the client authenticates again. */
  ended: { reason: SessionEnd; user: string; cameras?: readonly string[] } | undefined
  /** Settles with the authenticate call in progress: later requests wait for its outcome. */
  authenticating: Promise<unknown> | undefined
  /** The connection has ended. */
  closed: boolean
  /** Number of requests without a reply. */
  inFlight: number
  /** Number of requests so far. */
  requests: number
  /** Topic → its filters. */
  readonly subscriptions: Map<string, Filters | undefined>
  /** Never throws, never waits; drops a client that does not read. */
  send(message: Message): void
  /** The same for a `textFrame` that goes to many sessions. */
  sendFrame(frame: Buffer): void
}
