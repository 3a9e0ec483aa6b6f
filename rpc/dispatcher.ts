import type { ID } from 'jsonrpc-lite'
import { type Caller, isAtLeast, mayUse, type Role } from '../machines/domain/access.js'
import { authFailed, notFound, rateLimited, ServiceError } from '../machines/domain/errors.js'
import { createAudit } from './audit.js'
import { errorReply, type Metadata, type Request, readFrame, successReply } from './frame.js'
import type { Method, Services } from './method.js'
import type { Session } from './session.js'
import { checkShape } from './shape.js'
import { apiVersion } from './version.js'

/** Throws `permissionDenied` when `have` is lower than `required`. */
export const requireRole = (required: 'none' | Role, have: Role): void => {
  if (required !== 'none' && !isAtLeast(have, required))
    throw new ServiceError('permissionDenied', { required_role: required, have_role: have })
}

/** Reason of what is refused in a pause for failed authentications. */
export const tooManyFailures = 'too_many_failed_authentications'

/** How soon a client with too many open requests may try again. */
const busyRetry = 100

const methodNotFound = () => new ServiceError('methodNotFound', { hint: 'see docs/api.md for the methods' })

/** ISO time of now, made once per millisecond. */
const stamper = (now: () => number) => {
  let made = Number.NaN
  let text = ''
  return () => {
    const time = now()
    if (time !== made) {
      made = time
      text = new Date(time).toISOString()
    }
    return text
  }
}

/** One request on its way to its reply. */
export interface Turn {
  session: Session
  /** By which the log and the audit log know it. */
  requestId: string
  /** Monotonic. */
  began: number
  id: ID | undefined
  method: Method | undefined
  params: unknown
  /** Whose request it was, once that was asked. */
  caller: Caller | undefined
  /** Refused because the caller may not use the camera, although it was told that there is none. */
  hidden: boolean
}

/**
 * Takes one text frame of a session to its reply: parse, rate, method, caller, role, shape, camera right, readiness,
 * handle. A handler that answers at once is answered at once; others run side by side, so that none waits for another.
 */
export const createDispatcher = ({ services, methods }: { services: Services; methods: readonly Method[] }) => {
  const { clock, log, directory, limits, rateLimits, sessions, metrics } = services
  const maxInFlight = limits.maxInFlight ?? 64
  /** A start happens once. */
  let hasStarted = false
  const table = new Map(methods.map((method) => [method.name, method]))
  const stamp = stamper(() => clock.now())
  const audit = createAudit(services)

  const callerOf = ({ role }: Method, session: Session): Caller | undefined => {
    const { caller, ended } = session
    const isOver = caller !== undefined && caller.expiresAt <= clock.now()
    if (isOver) sessions.expire(session, 'token_expired')
    if (role === 'none') return isOver ? undefined : caller
    if (isOver) throw authFailed('token_expired')
    if (caller === undefined)
      throw ended === undefined
        ? new ServiceError('authRequired', { reason: 'auth_required' })
        : authFailed(ended.reason)
    requireRole(role, caller.role)
    return caller
  }

  const checkCamera = (turn: Turn, { camera }: Method, params: Record<string, unknown>) => {
    if (camera === undefined || turn.caller === undefined) return
    const id = String(params[camera])
    if (mayUse(turn.caller, id)) return
    // As if it did not exist: whoever may not use a camera is not told that there is one.
    turn.hidden = true
    throw notFound('Camera', id)
  }

  const checkReadiness = ({ gated }: Method) => {
    if (!gated || hasStarted) return
    const { status, message } = directory.system()
    hasStarted = status !== 'starting'
    if (!hasStarted)
      throw new ServiceError('dependencyFailed', {
        reason: 'service_initializing',
        dependency: 'camera_service',
        detail: message,
      })
  }

  const handle = (turn: Turn, method: Method): unknown => {
    const { session } = turn
    // What waited for authenticate may find its connection gone; nothing may be kept for that one any more.
    if (session.closed) throw new ServiceError('invalidRequest', { reason: 'connection_closed' })
    turn.caller = session.caller
    const caller = callerOf(method, session)
    turn.caller = caller
    method.mustOffer?.(services)
    const params = checkShape(method, turn.params)
    checkCamera(turn, method, params)
    checkReadiness(method)
    return method.handler(params, {
      services,
      session,
      caller,
      by: { user: caller?.user ?? '', request: turn.requestId, session: session.id },
    })
  }

  /** One authenticate after the other: a handful at once must not have as many guesses. */
  const handleInTurn = async (turn: Turn, method: Method): Promise<unknown> => {
    while (turn.session.authenticating !== undefined) await turn.session.authenticating
    return handle(turn, method)
  }

  const takeRate = ({ address, caller }: Session, cost: number) => {
    const wait = rateLimits.take(caller === undefined ? { address } : { user: caller.user, address }, cost)
    if (wait > 0) metrics.refused('rate')
    return wait
  }

  const begin = (turn: Turn): unknown => {
    const { method, session } = turn
    const wait = takeRate(session, method?.cost ?? 1)
    if (wait > 0) throw rateLimited(wait)
    if (method === undefined) throw methodNotFound()
    if (session.inFlight >= maxInFlight) throw rateLimited(busyRetry, 'too_many_requests_in_flight')
    // A client may send its first request right behind authenticate without waiting for the reply.
    return session.authenticating === undefined ? handle(turn, method) : handleInTurn(turn, method)
  }

  const metadataOf = ({ requestId, method }: Turn, took: number): Metadata => ({
    processing_time_ms: Math.round(took),
    server_timestamp: stamp(),
    request_id: requestId,
    api_version: apiVersion,
    ...(method?.deprecated && { deprecated: method.deprecated }),
  })

  const expected = (error: unknown, { requestId, method, session }: Turn): ServiceError => {
    if (error instanceof ServiceError) return error
    log.error('a request failed unexpectedly', {
      request: requestId,
      method: method?.name ?? '',
      session: session.id,
      error,
    })
    return new ServiceError('internal', { request_id: requestId })
  }

  const succeed = (turn: Turn, result: unknown) => {
    const took = performance.now() - turn.began
    if (turn.id !== undefined) turn.session.send(successReply(turn.id, result, metadataOf(turn, took)))
    metrics.call(turn.method?.name ?? 'unknown', 'ok', took)
    audit(turn)
  }

  const fail = (turn: Turn, thrown: unknown) => {
    const took = performance.now() - turn.began
    const error = expected(thrown, turn)
    if (turn.id !== undefined) turn.session.send(errorReply(turn.id, error, metadataOf(turn, took)))
    const isOurs = error.key === 'internal' || error.key === 'dependencyFailed'
    metrics.call(turn.method?.name ?? 'unknown', isOurs ? 'failed' : 'refused', took)
    audit(turn, error)
  }

  const settleLater = (turn: Turn, outcome: Promise<unknown>) => {
    const { session } = turn
    session.inFlight += 1
    outcome
      .then((result) => succeed(turn, result))
      .catch((error) => fail(turn, error))
      .finally(() => {
        session.inFlight -= 1
      })
  }

  return (text: string, session: Session): void => {
    const began = performance.now()
    session.requests += 1
    const frame = readFrame(text)
    const request: Partial<Request> = 'error' in frame ? { id: frame.id } : frame
    const turn: Turn = {
      session,
      requestId: `${session.id.slice(0, 8)}-${session.requests}`,
      began,
      id: request.id,
      method: table.get(request.method ?? ''),
      params: request.params,
      caller: undefined,
      hidden: false,
    }
    try {
      if ('error' in frame) {
        const wait = takeRate(session, 1)
        throw wait > 0 ? rateLimited(wait) : frame.error
      }
      const outcome = begin(turn)
      if (outcome instanceof Promise) settleLater(turn, outcome)
      else succeed(turn, outcome)
    } catch (error) {
      fail(turn, error)
    }
  }
}
