import type { IncomingMessage } from 'node:http'
import { type Caller, type Grant, isSameCredential } from '../../machines/domain/access.js'
import { authFailed, rateLimited, ServiceError } from '../../machines/domain/errors.js'
import { type CertificateCallerOf, lapseOf } from '../clientCertificates.js'
import type { RpcOptions } from '../options.js'
import { addressOf } from '../proxies.js'
import { type RateLimits, refusalOfGuess } from '../rateLimits.js'

/** The caller of an HTTP request. */
export interface HttpCaller extends Caller {
  address: string
  /** Set for a signed URL: the subject of its grant, the only thing that the caller may read. */
  only?: string
}

/** Path and query of a request, as they were sent. */
export const targetOf = ({ url = '' }: Pick<IncomingMessage, 'url'>): { path: string; query: URLSearchParams } => {
  const [path = '', ...query] = url.split('?')
  return { path, query: new URLSearchParams(query.join('?')) }
}

const contradicting = (details: string) =>
  new ServiceError('invalidRequest', { reason: 'contradicting_credentials', details })

/** The credential in the headers. Throws for two different ones. Other schemes than Bearer may be a proxy's. */
const headerCredential = ({
  headers: { authorization = '', 'x-api-key': key },
}: IncomingMessage): string | undefined => {
  const bearer = /^Bearer(?:\s+(.*?))?\s*$/is.exec(authorization)
  const token = bearer === null ? undefined : (bearer[1] ?? '')
  if (token !== undefined && key !== undefined && token !== key)
    throw contradicting('Authorization and X-API-Key name two different callers')
  return token ?? (typeof key === 'string' ? key : undefined)
}

const signatureIn = (query: URLSearchParams): string | undefined => {
  const [sig, ...more] = query.getAll('sig')
  if (more.length > 0) throw contradicting('the query has more than one sig')
  return sig
}

const tokenIn = (query: URLSearchParams): string | undefined => {
  const [token, ...more] = query.getAll('token')
  if (more.length > 0) throw contradicting('the query has more than one token')
  return token
}

const isGuess = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.key === 'authFailed' && error.data.reason === 'auth_failed'

export interface CallerOptions {
  services: Pick<RpcOptions, 'credentials' | 'links' | 'metrics' | 'clock'>
  rateLimits: RateLimits
  certificateCallerOf?: CertificateCallerOf | undefined
}

interface Wanted {
  /** The grants of signed URLs that are accepted here. */
  subjects: readonly string[]
  cost: number
  /** Whether the query may hold a token or API key, as `token`: for clients that cannot set headers. */
  tokenInQuery?: boolean
}

/**
 * Finds the caller of an HTTP request: by its headers (Bearer or X-API-Key), else by the `sig` of its URL, else by the
 * certificate of its connection. Takes `cost` from the buckets of the user and the address; a refusal costs the address
 * 1, and wrong credentials throttle it. Throws ServiceError: 401, 429, or 400 for contradicting credentials.
 */
export const httpCaller = ({
  services: { credentials, links, metrics, clock },
  rateLimits,
  certificateCallerOf = () => undefined,
}: CallerOptions) => {
  const take = (who: { user?: string; address: string }, cost: number) => {
    const wait = rateLimits.take(who, cost)
    if (wait <= 0) return
    metrics.refused('rate')
    throw rateLimited(wait)
  }

  /** The grant of the one subject that was signed. An expired or revoked grant is reported as such. */
  const grantOf = (sig: string, subjects: readonly string[], address: string): Grant => {
    let refusal: unknown = authFailed('auth_failed')
    for (const subject of subjects) {
      try {
        return links.verify(sig, { subject, address })
      } catch (error) {
        if (!isGuess(error)) refusal = error
      }
    }
    throw refusal
  }

  const certified = ({ socket, headers }: IncomingMessage): Caller => {
    // A browser sends the certificate with a picture in any page, then without an Origin.
    const caller = headers['sec-fetch-site'] === 'cross-site' ? undefined : certificateCallerOf(socket)
    if (caller === undefined) throw new ServiceError('authRequired')
    const lapse = lapseOf(caller, { clock, credentials })
    if (lapse !== undefined) throw authFailed(lapse)
    return caller
  }

  const verified = async (request: IncomingMessage, { subjects, tokenInQuery }: Wanted, address: string) => {
    const credential = headerCredential(request) ?? (tokenInQuery ? tokenIn(targetOf(request).query) : undefined)
    const sig = signatureIn(targetOf(request).query)
    if (credential !== undefined) return { ...(await credentials.verify(credential)), address }
    if (sig === undefined) return { ...certified(request), address }
    const { subject: only, address: _, ...caller } = grantOf(sig, subjects, address)
    return { ...caller, role: 'viewer' as const, address, only }
  }

  return async (request: IncomingMessage, wanted: Wanted): Promise<HttpCaller> => {
    const address = addressOf(request)
    let caller: HttpCaller
    try {
      caller = await verified(request, wanted, address)
    } catch (error) {
      const refusal = isGuess(error) ? refusalOfGuess({ rateLimits, metrics }, address, error) : error
      // Requests with a wrong credential, or without one, are not free.
      take({ address }, 1)
      throw refusal
    }
    take({ user: caller.user, address }, wanted.cost)
    return caller
  }
}

/** A download by a signed URL may take this much longer than the URL is valid, in ms. */
const grantGrace = 60_000

/**
 * Calls `cut` when the credential of a transfer expires or is revoked (or was a moment ago), a minute after the end of
 * its signed URL, and after `limits.downloadTotal` at the latest. Returns a function that ends the watch.
 */
export const whileGood = (
  { credentials, clock, limits }: Pick<RpcOptions, 'credentials' | 'clock' | 'limits'>,
  { credential, expiresAt, only }: Pick<HttpCaller, 'credential' | 'expiresAt' | 'only'>,
  cut: () => void,
): (() => void) => {
  const rest = expiresAt - clock.now() + (only === undefined ? 0 : grantGrace)
  const timer = setTimeout(cut, Math.max(0, Math.min(rest, limits.downloadTotal ?? 3_600_000)))
  const unsubscribe = credentials.onRevoked((revoked) => {
    if (isSameCredential(credential, revoked)) cut()
  })
  if (credential !== undefined && credentials.isRevoked(credential)) cut()
  return () => {
    clearTimeout(timer)
    unsubscribe()
  }
}
