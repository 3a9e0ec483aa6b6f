import type { ID } from 'jsonrpc-lite'
import { ServiceError } from '../machines/domain/errors.js'
import type { Caller, Role } from '../machines/domain/ports.js'
import { errorReply, type Metadata, type Request, readFrame, successReply } from './frame.js'
import type { Call, Method, Services } from './method.js'
import type { Limiter } from './rate.js'
import { rateKey, type Session } from './session.js'
import { checkShape } from './shape.js'

const ranks: Record<'none' | Role, number> = { none: 0, viewer: 1, operator: 2, admin: 3 }

/** Throws `permissionDenied` when `have` is lower than `required`. */
export const requireRole = (required: 'none' | Role, have: Role): void => {
  if (ranks[have] < ranks[required]) throw new ServiceError('permissionDenied', { required_role: required, have_role: have })
}

export const rateLimited = (wait: number, reason = 'rate_limited'): ServiceError => new ServiceError('rateLimited', { reason, retry_after_ms: wait })

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

/**
 * Takes one text frame of a session to its reply: parse, method, rate, caller, role, shape, camera right, readiness,
 * handle. A handler that answers at once is answered at once; others run side by side, so that none waits for another.
 */
export const createDispatcher = ({ services, methods, limiter }: { services: Services; methods: readonly Method[]; limiter: Limiter }) => {
  const { clock, log, directory, limits, mayUse } = services
  const maxInFlight = limits.maxInFlight ?? 64
  const table = new Map(methods.map((method) => [method.name, method]))
  const stamp = stamper(() => clock.now())

  const callerOf = ({ role }: Method, { caller }: Session): Caller | undefined => {
    if (role === 'none') return caller
    if (caller === undefined) throw new ServiceError('authRequired', { reason: 'auth_required' })
    if (caller.expiresAt <= clock.now()) throw new ServiceError('authFailed', { reason: 'token_expired' })
    requireRole(role, caller.role)
    return caller
  }

  const checkCamera = (method: Method, caller: Caller | undefined, params: Record<string, unknown>) => {
    if (method.camera === undefined || caller === undefined || mayUse === undefined) return
    const id = String(params[method.camera])
    // As if it did not exist: whoever may not use a camera is not told that there is one.
    if (!mayUse(caller, id)) throw new ServiceError('notFound', { resource: 'camera', id }, 'Camera not found')
  }

  const checkReadiness = ({ gated }: Method) => {
    if (!gated) return
    const { status, message } = directory.system()
    if (status === 'starting') throw new ServiceError('dependencyFailed', { reason: 'service_initializing', dependency: 'camera_service', detail: message })
  }

  const handle = (method: Method, request: Request, session: Session, requestId: string): unknown => {
    // What waited for authenticate may find its connection gone; nothing may be kept for that one any more.
    if (session.closed) throw new ServiceError('invalidRequest', { reason: 'connection_closed' })
    const caller = callerOf(method, session)
    const params = checkShape(method, request.params)
    checkCamera(method, caller, params)
    checkReadiness(method)
    const call: Call = { services, session, caller, by: { user: caller?.user ?? '', request: requestId, session: session.id } }
    return method.handler(params, call)
  }

  const begin = (method: Method | undefined, request: Request, session: Session, requestId: string): unknown => {
    const wait = limiter.take(rateKey(session))
    if (method === undefined) throw methodNotFound()
    if (wait > 0) throw rateLimited(wait)
    if (session.inFlight >= maxInFlight) throw rateLimited(busyRetry, 'too_many_requests_in_flight')
    // A client may send its first request right behind authenticate without waiting for the reply.
    if (session.authenticating !== undefined) return session.authenticating.then(() => handle(method, request, session, requestId))
    return handle(method, request, session, requestId)
  }

  const expected = (error: unknown, requestId: string, method: string, session: Session): ServiceError => {
    if (error instanceof ServiceError) return error
    log.error('a request failed unexpectedly', { request: requestId, method, session: session.id, error })
    return new ServiceError('internal', { request_id: requestId })
  }

  return (text: string, session: Session): void => {
    const began = performance.now()
    session.requests += 1
    const requestId = `${session.id.slice(0, 8)}-${session.requests}`
    const metadata = (): Metadata => ({
      processing_time_ms: Math.round(performance.now() - began),
      server_timestamp: stamp(),
      request_id: requestId,
    })
    const fail = (id: ID | undefined, error: unknown, name: string) => {
      const told = expected(error, requestId, name, session)
      if (id !== undefined) session.send(errorReply(id, told, metadata()))
      return told
    }
    const request = readFrame(text)
    if ('error' in request) {
      limiter.take(rateKey(session))
      fail(request.id, request.error, '')
      return
    }
    const method = table.get(request.method)
    const audit = (error?: ServiceError) => {
      if (method?.audited !== true) return
      const fields = { user: session.caller?.user, address: session.address, session: session.id, request: requestId }
      log.info(
        `${method.name} ${error === undefined ? 'done' : 'refused'}`,
        error === undefined ? fields : { ...fields, code: error.code, reason: error.data.reason ?? error.message },
      )
    }
    const succeeded = (result: unknown) => {
      if (request.id !== undefined) session.send(successReply(request.id, result, metadata()))
      audit()
    }
    const failed = (error: unknown) => audit(fail(request.id, error, request.method))
    const settleLater = (outcome: Promise<unknown>) => {
      session.inFlight += 1
      outcome
        .then(succeeded)
        .catch(failed)
        .finally(() => {
          session.inFlight -= 1
        })
    }
    try {
      const outcome = begin(method, request, session, requestId)
      if (outcome instanceof Promise) settleLater(outcome)
      else succeeded(outcome)
    } catch (error) {
      failed(error)
    }
  }
}
