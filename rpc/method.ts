import type { Static, TSchema } from 'typebox'
import type { Caller, Role } from '../machines/domain/access.js'
import type { ErrorKey } from '../machines/domain/errors.js'
import type { By } from '../machines/domain/facts.js'
import type { Notifications } from './notifications.js'
import type { RpcOptions } from './options.js'
import type { RateLimits } from './rateLimits.js'
import type { Session } from './session.js'
import type { Sessions } from './sessions.js'

/** The ports of the handlers. */
export interface Services extends RpcOptions {
  /** The whole table. */
  methods: readonly Method[]
  notifications: Notifications
  sessions: Sessions
  rateLimits: RateLimits
  /** Number of open WebSockets. */
  connections: () => number
}

/** One call on its way through a handler. */
export interface Call {
  services: Services
  session: Session
  /** Absent only in methods of role `none`. */
  caller: Caller | undefined
  by: By
  /** `act` runs right after the reply is sent, before anything else can be. */
  afterReply(act: () => void): void
}

/** What the audit log writes about a call that succeeded or was refused. */
interface Audit {
  event: 'authentication' | 'change' | 'deletion'
  /** The param that names what the call is about; default: the camera. No other param is ever written. */
  subject?: string
}

/** A method of the API. The dispatcher, the audit log, the permission tests, the documents and the clients read it. */
export interface Method {
  name: string
  /** One sentence that begins with a verb: `Returns …`, `Starts …`. */
  summary: string
  /** The lowest role that may call it. */
  role: 'none' | Role
  /** The param that names the camera that the caller must have a right to. */
  camera?: string
  /** Weight in the rate limit; 1 for a look-up. */
  cost: number
  /** Absent: only calls without the right are written. */
  audit?: Audit
  /** The version of the API that added it. */
  since: string
  deprecated?: { since: string; removed_in: string; use: string }
  /** Refused until the service has started. */
  gated: boolean
  params: TSchema
  result: TSchema
  /** The errors that it can return besides those that follow from role, params, camera and gate. */
  errors?: readonly ErrorKey[]
  /** Params that may also be strings of digits. */
  numeric?: readonly string[]
  /** Other names that clients use for a param → its name in the schema. */
  aliases?: Readonly<Record<string, string>>
  /** Throws while the service does not offer the feature; called before the params are checked. */
  mustOffer?(services: Services): void
  /** The error for params of a wrong shape; default `invalidParams`. */
  malformed?: ErrorKey
  handler(params: Record<string, unknown>, call: Call): unknown
}

interface Definition<Params extends TSchema, Result extends TSchema>
  extends Omit<Method, 'params' | 'result' | 'handler' | 'gated' | 'cost' | 'since'> {
  params: Params
  result: Result
  gated?: boolean
  cost?: number
  since?: string
  handler(params: Static<Params>, call: Call): Static<Result> | Promise<Static<Result>>
}

/**
 * Ties a handler to its schemas. By default a method is as old as the API, costs 1 and is not audited; methods of a
 * camera wait for the start, others do not.
 */
export const method = <Params extends TSchema, Result extends TSchema>(
  definition: Definition<Params, Result>,
): Method => ({
  gated: definition.camera !== undefined,
  cost: 1,
  since: '1.0',
  ...definition,
  // The dispatcher has checked the params against the schema that their type comes from.
  handler: (params, call) => definition.handler(params as Static<Params>, call),
})
