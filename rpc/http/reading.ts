import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServiceError } from '../../machines/domain/errors.js'
import { whoOf } from '../audit.js'
import { withFacts } from '../explained.js'
import type { HttpAction } from '../metrics.js'
import type { RpcOptions } from '../options.js'
import { isAllowedOrigin } from '../origins.js'
import { addressOf } from '../proxies.js'
import { type HttpCaller, targetOf } from './caller.js'
import { isReading, replyError } from './reply.js'

/** A GET or HEAD in progress, with what the audit log and the metrics need to know of it. */
export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  path: string
  query: URLSearchParams
  /** Headers of every reply. */
  headers: Record<string, string>
  action: HttpAction
  /** What the request is about, as the client named it. */
  subject: string
  /** The camera, once the caller's right to it is known: errors about its state tell the facts of the state. */
  camera?: string
  caller?: HttpCaller
  /** The reason for the audit log, where the reply hides it. */
  refusal?: string
  /** Notes the caller. A credential of the caller's own is audited. */
  admit(caller: HttpCaller): void
}

/** Headers that scripts of other origins may read. */
const exposed = 'Content-Disposition, Content-Range, ETag, X-Snapshot-Tier, X-Snapshot-Age, X-Snapshot-Captured-At'

const headersFor = (origin: string | undefined, allowed: readonly string[]): Record<string, string> => ({
  'X-Content-Type-Options': 'nosniff',
  // A signed URL is a credential: a page that it leads to must not see it.
  'Referrer-Policy': 'no-referrer',
  ...(origin !== undefined &&
    isAllowedOrigin(allowed, origin) && {
      'Access-Control-Allow-Origin': allowed.includes('*') ? '*' : origin,
      'Access-Control-Expose-Headers': exposed,
      Vary: 'Origin',
    }),
})

/** The reason that the audit log gets. A request without any credential is not audited. */
const auditedReason = ({ refusal }: Exchange, { status, data }: ServiceError): string | undefined => {
  if (refusal !== undefined) return refusal
  if (status === 401) return data.reason === 'auth_required' ? undefined : (data.reason ?? 'auth_failed')
  return status === 403 ? (data.reason ?? 'permission_denied') : undefined
}

/**
 * A handler of GET and HEAD. `serve` replies, or throws the error to reply with. Scripts of allowed origins may call
 * it; refusals are audited, durations are measured.
 */
export const reading =
  (
    services: Pick<RpcOptions, 'audit' | 'metrics' | 'log' | 'corsOrigins' | 'explain'>,
    nameOf: (path: string) => Pick<Exchange, 'action' | 'subject'>,
    serve: (exchange: Exchange) => Promise<void>,
  ) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { audit, metrics, log, corsOrigins } = services
    const headers = headersFor(request.headers.origin, corsOrigins)
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
    const target = targetOf(request)
    const { action, subject } = nameOf(target.path)
    const exchange: Exchange = {
      ...{ request, response, headers, action, subject, ...target },
      admit: (caller) => {
        exchange.caller = caller
        // The bearer of a signed URL shows no credential: the URL was made for somebody whose credential was audited.
        if (caller.only === undefined)
          audit.write({ event: 'authentication', action, result: 'ok', ...whoOf(caller, caller.address) })
      },
    }
    const measure = (outcome: 'ok' | 'refused' | 'failed') => metrics.call(action, outcome, performance.now() - began)
    try {
      await serve(exchange)
      measure('ok')
    } catch (error) {
      if (response.headersSent) {
        // The client left, its right has ended, or the file was cut: the promised length cannot be kept.
        response.destroy()
        measure('ok')
        return
      }
      const requestId = `http-${randomUUID().slice(0, 8)}`
      const isExpected = error instanceof ServiceError
      const reply = isExpected
        ? withFacts(services, error, exchange.camera, exchange.caller)
        : new ServiceError('internal', { request_id: requestId })
      measure(isExpected ? 'refused' : 'failed')
      if (!isExpected) log.error('an HTTP request failed unexpectedly', { request: requestId, action, error })
      const reason = auditedReason(exchange, reply)
      if (reason !== undefined) {
        const who = whoOf(exchange.caller, addressOf(request))
        audit.write({ event: 'refusal', action, result: 'refused', ...who, subject: subject.slice(0, 255), reason })
      }
      replyError(
        request,
        response,
        reply,
        reply.status === 401 ? { ...headers, 'WWW-Authenticate': 'Bearer' } : headers,
      )
    }
  }
