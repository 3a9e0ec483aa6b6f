import { type AuditEntry, credentialName } from '../machines/domain/access.js'
import type { ServiceError } from '../machines/domain/errors.js'
import { shownUrl } from '../machines/domain/streamUrl.js'
import type { Turn } from './dispatcher.js'
import type { RpcOptions } from './options.js'

/** Params that may say what a request was about; no other is ever written down, since it may hold anything. */
const subjects = ['device', 'filename', 'id', 'session_id', 'jti', 'user', 'stream_name', 'stream_url']
const longestSubject = 256

const subjectOf = ({ method, params }: Turn): string | undefined => {
  if (typeof params !== 'object' || params === null) return undefined
  const values = params as Record<string, unknown>
  for (const name of method?.camera === undefined ? subjects : [method.camera]) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (typeof value === 'string') return (name === 'stream_url' ? shownUrl(value) : value).slice(0, longestSubject)
  }
  return undefined
}

/** What kind of entry a request makes; `undefined`: none. */
const eventOf = ({ method, hidden }: Turn, error: ServiceError | undefined): AuditEntry['event'] | undefined => {
  if (method === undefined) return undefined
  // What the rate limits refuse comes as often as somebody likes, and has done nothing.
  if (error?.key === 'rateLimited') return undefined
  // Who shows nothing is told to; that is no attempt.
  if (method.name === 'authenticate') return error?.key === 'authRequired' ? undefined : 'authentication'
  if (hidden || error?.key === 'permissionDenied' || error?.key === 'authFailed') return 'refusal'
  if (!method.audited) return undefined
  if (error?.key === 'authRequired') return 'refusal'
  return /^(delete|cleanup)_/.test(method.name) ? 'deletion' : 'change'
}

const resultOf = (error: ServiceError | undefined): AuditEntry['result'] => {
  if (error === undefined) return 'ok'
  return error.key === 'internal' || error.key === 'dependencyFailed' ? 'failed' : 'refused'
}

/** `permissionDenied` → `permission_denied`, as clients are told it. */
const words = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Writes what a request did, or was not let do, into the audit log and the log. */
export const createAudit =
  ({ audit, log }: Pick<RpcOptions, 'audit' | 'log'>) =>
  (turn: Turn, error?: ServiceError): void => {
    const { method, session, requestId: request } = turn
    if (method === undefined || (error === undefined && !method.audited)) return
    const event = eventOf(turn, error)
    if (event === undefined) return
    const caller = method.name === 'authenticate' ? session.caller : turn.caller
    const user = caller?.user ?? session.ended?.user ?? ''
    const subject = subjectOf(turn)
    const reason = turn.hidden ? 'camera_right' : error && (error.data.reason ?? words(error.key))
    audit.write({
      event,
      action: method.name,
      result: resultOf(error),
      user,
      ...(caller && { role: caller.role }),
      ...(caller?.credential && { credential: credentialName(caller.credential) }),
      address: session.address,
      session: session.id,
      request,
      ...(subject !== undefined && { subject }),
      ...(reason !== undefined && { reason }),
    })
    const fields = { user, address: session.address, session: session.id, request }
    if (error === undefined) log.info(`${method.name} done`, fields)
    else log.info(`${method.name} refused`, { ...fields, code: error.code, reason })
  }
