import { type AuditEntry, type Caller, credentialName, mayUse } from '../machines/domain/access.js'
import { errorKinds, type ServiceError } from '../machines/domain/errors.js'
import { shownUrl } from '../machines/domain/streamUrl.js'
import type { RpcOptions } from './options.js'
import type { Turn } from './turn.js'

const longestSubject = 256

const subjectOf = ({ method, params }: Turn): string | undefined => {
  const name = method?.audit?.subject ?? method?.camera
  if (name === undefined || typeof params !== 'object' || params === null || !Object.hasOwn(params, name))
    return undefined
  const value = (params as Record<string, unknown>)[name]
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return undefined
  return (name === 'stream_url' ? shownUrl(value) : value).slice(0, longestSubject)
}

/** True if the error hides a camera that the caller may not use. */
const isHidden = ({ method, caller, params }: Turn, error: ServiceError | undefined): boolean => {
  if (error?.key !== 'notFound' || method?.camera === undefined || caller === undefined) return false
  return !mayUse(caller, String((params as Record<string, unknown>)[method.camera]))
}

/** The kind of entry that a request makes; `undefined`: none. */
const eventOf = (turn: Turn, error: ServiceError | undefined): AuditEntry['event'] | undefined => {
  const event = turn.method?.audit?.event
  // A refusal by the rate limits has done nothing and can be repeated without end.
  if (error?.key === 'rateLimited') return undefined
  // An authenticate without a credential is no attempt.
  if (event === 'authentication') return error?.key === 'authRequired' ? undefined : event
  if (error?.key === 'permissionDenied' || error?.key === 'authFailed' || isHidden(turn, error)) return 'refusal'
  return event !== undefined && error?.key === 'authRequired' ? 'refusal' : event
}

const resultOf = (error: ServiceError | undefined): AuditEntry['result'] => {
  if (error === undefined) return 'ok'
  return error.key === 'internal' || error.key === 'dependencyFailed' ? 'failed' : 'refused'
}

const reasonFor = (turn: Turn, error: ServiceError | undefined): string | undefined => {
  if (isHidden(turn, error)) return 'camera_right'
  return error && (error.data.reason ?? errorKinds[error.key].reason)
}

/** The client of an entry. */
export const whoOf = (caller: Caller | undefined, address: string) => ({
  user: caller?.user ?? '',
  ...(caller && { role: caller.role }),
  ...(caller?.credential && { credential: credentialName(caller.credential) }),
  address,
})

/** Writes into the audit log and the log what a request changed, or what it was refused. */
export const createAudit =
  ({ audit, log }: Pick<RpcOptions, 'audit' | 'log'>) =>
  (turn: Turn, error?: ServiceError): void => {
    const { method, session, requestId: request } = turn
    const event = eventOf(turn, error)
    if (method === undefined || event === undefined) return
    const caller = event === 'authentication' ? session.caller : turn.caller
    const user = caller?.user ?? session.ended?.user ?? ''
    const subject = subjectOf(turn)
    const reason = reasonFor(turn, error)
    audit.write({
      event,
      action: method.name,
      result: resultOf(error),
      ...whoOf(caller, session.address),
      user,
      session: session.id,
      request,
      ...(subject !== undefined && { subject }),
      ...(reason !== undefined && { reason }),
    })
    const fields = { user, address: session.address, session: session.id, request }
    if (error === undefined) log.info(`${method.name} done`, fields)
    else
      log[event === 'authentication' ? 'warn' : 'info'](`${method.name} refused`, {
        ...fields,
        code: error.code,
        reason,
      })
  }
