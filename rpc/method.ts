import type { Static, TSchema } from 'typebox'
import type { Caller, Role } from '../machines/domain/access.js'
import type { ErrorKey } from '../machines/domain/errors.js'
import type { By } from '../machines/domain/facts.js'
import type { Notifications } from './notifications.js'
import type { RpcOptions } from './options.js'
import type { RateLimits } from './rateLimits.js'
import type { Session } from './session.js'
import type { Sessions } from './sessions.js'

/** What handlers work with. */
export interface Services extends RpcOptions {
  notifications: Notifications
  sessions: Sessions
  rateLimits: RateLimits
  /** Open WebSockets. */
  connections: () => number
}

/** One call on its way through a handler. */
export interface Call {
  services: Services
  session: Session
  /** Absent only in methods of role `none`. */
  caller: Caller | undefined
  by: By
}

/** A method of the API, whole: dispatcher, permission tests, documents and clients all read this. */
export interface Method {
  name: string
  /** One sentence. */
  summary: string
  /** The least role that may call it. */
  role: 'none' | Role
  /** The param that names the camera whose right is needed. */
  camera?: string
  /** Weight in the rate limit, 1 for a look-up. */
  cost: number
  /** Changes something: who did it is logged. */
  audited: boolean
  /** Version of the API that it came with. */
  since: string
  deprecated?: { since: string; removed_in: string; use: string }
  /** Refused until the service has started. */
  gated: boolean
  params: TSchema
  result: TSchema
  /** What it may be answered with beside what role, params, camera and gate bring with them. */
  errors?: readonly ErrorKey[]
  /** Params that may come as numeric strings. */
  numeric?: readonly string[]
  /** Other names that clients use for params → theirs in the schema. */
  aliases?: Readonly<Record<string, string>>
  /** Throws while the service does not offer it at all: asked before the params are looked at. */
  mustOffer?(services: Services): void
  /** What params of a wrong shape are answered with; default `invalidParams`. */
  malformed?: ErrorKey
  handler(params: Record<string, unknown>, call: Call): unknown
}

interface Definition<Params extends TSchema, Result extends TSchema>
  extends Omit<Method, 'params' | 'result' | 'handler' | 'gated' | 'cost' | 'audited'> {
  params: Params
  result: Result
  gated?: boolean
  cost?: number
  audited?: boolean
  handler(params: Static<Params>, call: Call): Static<Result> | Promise<Static<Result>>
}

/** Ties a handler to its schemas. Unless told otherwise a method weighs 1, changes nothing and waits for no start. */
export const method = <Params extends TSchema, Result extends TSchema>(
  definition: Definition<Params, Result>,
): Method => ({
  gated: false,
  cost: 1,
  audited: false,
  ...definition,
  // The dispatcher has checked the params against the very schema that their type is made of.
  handler: (params, call) => definition.handler(params as Static<Params>, call),
})
