import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { credentialName } from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { HttpAction } from '../metrics.js'
import type { RpcOptions } from '../options.js'
import { isAllowedOrigin } from '../origins.js'
import { addressOf, type HttpCaller } from './caller.js'
import { isReading, replyError } from './reply.js'

/** What is known of a request; who serves it adds what it learns, for the audit log and the metrics. */
export interface Asked {
  action: HttpAction
  /** What it is about, as the client named it. */
  subject: string
  caller?: HttpCaller
  /** Notes who asks; who shows a credential of their own is audited. */
  admit(caller: HttpCaller): void
  /** Why it was refused, where the answer does not tell. */
  refusal?: string
}

type Services = Pick<RpcOptions, 'audit' | 'metrics' | 'log' | 'corsOrigins'>

/** Headers that scripts of other origins may read. */
const exposed = 'Content-Disposition, Content-Range, ETag, X-Snapshot-Tier, X-Snapshot-Age, X-Snapshot-Captured-At'

const originHeaders = (
  { headers: { origin } }: IncomingMessage,
  corsOrigins: readonly string[],
): Record<string, string> =>
  origin !== undefined && isAllowedOrigin(corsOrigins, origin)
    ? {
        'Access-Control-Allow-Origin': corsOrigins.includes('*') ? '*' : origin,
        'Access-Control-Expose-Headers': exposed,
        Vary: 'Origin',
      }
    : {}

const whoOf = ({ user, role, credential, address }: HttpCaller) => ({
  user,
  role,
  ...(credential && { credential: credentialName(credential) }),
  address,
})

/** Of refusals: what was shown and not good, what may not be, what was hidden. Asking without anything to show is none. */
const refusalOf = ({ refusal }: Asked, { status, data }: ServiceError): string | undefined => {
  if (refusal !== undefined) return refusal
  if (status === 401) return data.reason === 'auth_required' ? undefined : (data.reason ?? 'auth_failed')
  return status === 403 ? (data.reason ?? 'permission_denied') : undefined
}

/**
 * A handler of GET and HEAD: `serve` answers, or throws what is told as an error. Scripts of listed origins may ask;
 * refusals are audited, everything is measured.
 */
export const reading =
  (
    { audit, metrics, log, corsOrigins }: Services,
    begin: (path: string) => Pick<Asked, 'action' | 'subject'>,
    serve: (
      request: IncomingMessage,
      response: ServerResponse,
      headers: Record<string, string>,
      asked: Asked,
    ) => Promise<void>,
  ) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A signed URL is a credential: no page that it leads to may learn it.
    const headers = {
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      ...originHeaders(request, corsOrigins),
    }
    if (request.method === 'OPTIONS') {
      const allowed = {
        'Access-Control-Allow-Methods': 'GET, HEAD',
        'Access-Control-Allow-Headers': 'Authorization, X-API-Key, Range, If-Range',
      }
      response.writeHead(204, { ...headers, ...allowed }).end()
      return
    }
    if (!isReading(request, response, headers)) return
    const began = performance.now()
    const [path = ''] = (request.url ?? '').split('?', 1)
    const asked: Asked = {
      ...begin(path),
      admit(caller) {
        asked.caller = caller
        // A signed URL was given to somebody who was: those who follow it show nothing of their own.
        if (caller.only === undefined)
          audit.write({ event: 'authentication', action: asked.action, result: 'ok', ...whoOf(caller) })
      },
    }
    const measured = (outcome: 'ok' | 'refused' | 'failed') =>
      metrics.call(asked.action, outcome, performance.now() - began)
    try {
      await serve(request, response, headers, asked)
      measured('ok')
    } catch (error) {
      if (response.headersSent) {
        // The client went away, its credential was revoked, or the file was cut short: the promised length cannot be kept.
        response.destroy()
        measured('ok')
        return
      }
      const requestId = `http-${randomUUID().slice(0, 8)}`
      const known = error instanceof ServiceError ? error : new ServiceError('internal', { request_id: requestId })
      measured(known === error ? 'refused' : 'failed')
      if (known !== error)
        log.error('an HTTP request failed unexpectedly', { request: requestId, action: asked.action, error })
      const reason = refusalOf(asked, known)
      if (reason !== undefined) {
        const who = asked.caller ? whoOf(asked.caller) : { user: '', address: addressOf(request) }
        audit.write({
          event: 'refusal',
          action: asked.action,
          result: 'refused',
          ...who,
          subject: asked.subject.slice(0, 255),
          reason,
        })
      }
      replyError(
        request,
        response,
        known,
        known.status === 401 ? { ...headers, 'WWW-Authenticate': 'Bearer' } : headers,
      )
    }
  }
