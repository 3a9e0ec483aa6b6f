import { type Caller, isAtLeast, mayUse } from '../machines/domain/access.js'
import { authFailed, notFound, rateLimited, ServiceError } from '../machines/domain/errors.js'
import { createAudit } from './audit.js'
import { type Answer, answerAlone, answerTogether } from './batch.js'
import { withFacts } from './explained.js'
import { errorReply, type Malformed, type Metadata, type Request, readMessage, successReply } from './frame.js'
import type { Method, Services } from './method.js'
import { camerasFor, demandStarted } from './rights.js'
import type { Session } from './session.js'
import { checkShape, unknownParams } from './shape.js'
import type { Turn } from './turn.js'
import { apiVersion } from './version.js'

/** When a client with too many open requests may try again, in ms. */
const busyRetry = 100

/** The camera that a call is about. */
const cameraIn = (method: Method | undefined, params: unknown): string | undefined => {
  const camera = method?.camera === undefined ? undefined : (params as Record<string, unknown> | null)?.[method.camera]
  return typeof camera === 'string' ? camera : undefined
}

const isSameName = (one: string, other: string): boolean =>
  one.normalize('NFC').toLowerCase() === other.normalize('NFC').toLowerCase()

const nameForId = ({ data }: ServiceError, name: string, cameras: string[]) =>
  new ServiceError('invalidParams', {
    ...data,
    cameras,
    details: `"${name}" is a name, not an id: ${cameras.join(', ')} ${cameras.length === 1 ? 'has' : 'have'} it`,
    ...(cameras.length === 1 && { suggestion: `Use the id ${cameras[0]}` }),
  })

/** The ISO time of now, made once in each millisecond: it would be the largest part of a short reply. */
const createTimestamp = (now: () => number) => {
  let made = { at: Number.NaN, text: '' }
  return (): string => {
    const at = now()
    if (at !== made.at) made = { at, text: new Date(at).toISOString() }
    return made.text
  }
}

/**
 * Takes each request of a text frame of a session to its reply: parse, method, rate, caller, role, shape, camera
 * right, readiness, handle, reply. A handler that returns its result is answered in the same tick; promises run side
 * by side.
 */
export const createDispatcher = ({ services, methods }: { services: Services; methods: readonly Method[] }) => {
  const { clock, log, directory, limits, rateLimits, sessions, metrics } = services
  const { maxInFlight = 64 } = limits
  const table = new Map(methods.map((method) => [method.name, method]))
  const audit = createAudit(services)
  const timestamp = createTimestamp(() => clock.now())

  const takeRate = ({ address, caller }: Session, cost: number) => {
    const wait = rateLimits.take(caller === undefined ? { address } : { user: caller.user, address }, cost)
    if (wait === 0) return
    metrics.refused('rate')
    throw rateLimited(wait)
  }

  const callerOf = ({ role }: Method, session: Session): Caller | undefined => {
    const { caller, ended } = session
    const hasExpired = caller !== undefined && session.endsAt <= clock.monotonic()
    if (hasExpired) sessions.expire(session, 'token_expired')
    if (role === 'none') return hasExpired ? undefined : caller
    if (hasExpired) throw authFailed('token_expired')
    if (caller === undefined) throw ended === undefined ? new ServiceError('authRequired') : authFailed(ended.reason)
    if (!isAtLeast(caller.role, role))
      throw new ServiceError('permissionDenied', { required_role: role, have_role: caller.role })
    return caller
  }

  /** A camera that the caller may not use looks as if it did not exist. */
  const checkCamera = ({ camera }: Method, params: Record<string, unknown>, caller: Caller | undefined) => {
    if (camera === undefined || caller === undefined || params[camera] === undefined) return
    const id = String(params[camera])
    if (!mayUse(caller, id)) throw notFound('Camera', id)
  }

  /** Names the ids of the cameras that a client calls by their name. */
  const checkParams = (method: Method, params: unknown, caller: Caller | undefined) => {
    try {
      return checkShape(method, params)
    } catch (error) {
      const given = cameraIn(method, params)
      const isOfCamera = error instanceof ServiceError && error.data.param === method.camera
      if (given === undefined || !isOfCamera) throw error
      const cameras = camerasFor(caller, directory).filter(({ name }) => isSameName(name, given))
      throw cameras.length === 0
        ? error
        : nameForId(
            error,
            given,
            cameras.map(({ id }) => id),
          )
    }
  }

  const handle = (turn: Turn, method: Method): unknown => {
    const { session } = turn
    // A request that waited for authenticate may find its connection closed: it must not start anything.
    if (session.closed) throw new ServiceError('invalidRequest', { reason: 'connection_closed' })
    turn.caller = session.caller
    const caller = callerOf(method, session)
    turn.caller = caller
    method.mustOffer?.(services)
    const params = checkParams(method, turn.params, caller)
    checkCamera(method, params, caller)
    if (method.gated) demandStarted(directory)
    return method.handler(params, {
      services,
      session,
      caller,
      by: { user: caller?.user ?? '', request: turn.requestId, session: session.id },
      afterReply: (act) => {
        turn.afterReply = act
      },
    })
  }

  const metadataOf = ({ requestId, method, params }: Turn, took: number): Metadata => {
    const ignored = method && unknownParams(method, params)
    return {
      processing_time_ms: Math.round(took),
      server_timestamp: timestamp(),
      request_id: requestId,
      api_version: apiVersion,
      ...(ignored && { ignored_params: ignored }),
      ...(method?.deprecated && { deprecated: method.deprecated }),
    }
  }

  const expected = (error: unknown, { requestId, method, session, params, caller }: Turn): ServiceError => {
    if (error instanceof ServiceError) return withFacts(services, error, cameraIn(method, params), caller)
    const fields = { request: requestId, method: method?.name ?? '', session: session.id }
    log.error('a request failed unexpectedly', { ...fields, error })
    return new ServiceError('internal', { request_id: requestId })
  }

  const succeed = (turn: Turn, result: unknown) => {
    const took = performance.now() - turn.began
    const reply = turn.id === undefined ? undefined : successReply(turn.id, result, metadataOf(turn, took))
    turn.answer(reply, turn.afterReply)
    metrics.call(turn.method?.name ?? 'unknown', 'ok', took)
    audit(turn)
  }

  const fail = (turn: Turn, thrown: unknown) => {
    const took = performance.now() - turn.began
    const error = expected(thrown, turn)
    const reply = turn.id === undefined ? undefined : errorReply(turn.id, error, metadataOf(turn, took))
    turn.answer(reply, undefined)
    const isOurs = error.key === 'internal' || error.key === 'dependencyFailed'
    metrics.call(turn.method?.name ?? 'unknown', isOurs ? 'failed' : 'refused', took)
    audit(turn, error)
  }

  const reply = (turn: Turn, outcome: unknown) => {
    if (!(outcome instanceof Promise)) return succeed(turn, outcome)
    const { session } = turn
    session.inFlight += 1
    outcome
      .then((result) => succeed(turn, result))
      .catch((error) => fail(turn, error))
      .finally(() => {
        session.inFlight -= 1
      })
  }

  /** The one catch of the straight line; a promise that rejects ends in `fail` too. */
  const run = (turn: Turn, act: () => void): void => {
    try {
      act()
    } catch (error) {
      fail(turn, error)
    }
  }

  /** One authenticate after the other: several at once must not get as many guesses. */
  const afterAuthentication = async (turn: Turn, method: Method): Promise<void> => {
    const { session } = turn
    session.inFlight += 1
    while (session.authenticating !== undefined) await session.authenticating
    session.inFlight -= 1
    run(turn, () => reply(turn, handle(turn, method)))
  }

  const begin = (session: Session, frame: Request | Malformed, began: number, answer: Answer): void => {
    session.requests += 1
    const request: Partial<Request> = 'error' in frame ? { id: frame.id } : frame
    const method = table.get(request.method ?? '')
    const turn: Turn = {
      session,
      requestId: `${session.id.slice(0, 8)}-${session.requests}`,
      began,
      id: request.id,
      answer,
      method,
      params: request.params,
      caller: undefined,
      afterReply: undefined,
    }
    run(turn, () => {
      takeRate(session, method?.cost ?? 1)
      if ('error' in frame) throw frame.error
      if (method === undefined) throw new ServiceError('methodNotFound')
      if (session.inFlight >= maxInFlight) throw rateLimited(busyRetry, 'too_many_requests_in_flight')
      if (session.authenticating === undefined) reply(turn, handle(turn, method))
      else afterAuthentication(turn, method)
    })
  }

  return (text: string, session: Session): void => {
    const began = performance.now()
    const message = readMessage(text)
    if (!Array.isArray(message)) {
      begin(session, message, began, answerAlone(session))
      return
    }
    const answerOf = answerTogether(session, message.length)
    for (const [place, frame] of message.entries()) begin(session, frame, began, answerOf(place))
  }
}
