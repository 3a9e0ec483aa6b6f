import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type Caller, type Grant, isSameCredential } from '../../machines/domain/access.js'
import { hostInUrl } from '../../machines/domain/address.js'
import { rateLimited, ServiceError } from '../../machines/domain/errors.js'
import type { RpcOptions } from '../options.js'
import type { RateLimits } from '../rateLimits.js'

/** Who asks by HTTP, and for what alone, if it was a signed URL that let it in. */
export interface HttpCaller extends Caller {
  address: string
  /** The subject of the URL's grant: its bearer may have this and nothing else. */
  only?: string
}

/** Of a certificate that the connection was opened with. */
export type CertificateCallerOf = (socket: Socket) => Caller | undefined

/** As sessions and grants name it. */
export const addressOf = ({ socket }: Pick<IncomingMessage, 'socket'>): string =>
  hostInUrl(socket.remoteAddress ?? 'unknown')

export const queryOf = (url: string | undefined): URLSearchParams =>
  new URLSearchParams(/\?(.*)$/s.exec(url ?? '')?.[1] ?? '')

const badRequest = (details: string) =>
  new ServiceError('invalidRequest', { reason: 'contradicting_credentials', details })
const refused = (reason: 'auth_required' | 'auth_failed') =>
  new ServiceError(reason === 'auth_required' ? 'authRequired' : 'authFailed', {
    reason,
    hint: 'send Authorization: Bearer <token or API key>, X-API-Key: <key>, or a signed URL',
  })

/** What the headers show; throws for two that differ. Other schemes than Bearer are none of ours: a proxy may need them. */
const shownOf = ({ headers }: IncomingMessage): string | undefined => {
  const { authorization = '', 'x-api-key': key } = headers
  const bearer = /^Bearer(?:\s+(.*?))?\s*$/is.exec(authorization)
  const token = bearer === null ? undefined : (bearer[1] ?? '')
  if (token !== undefined && key !== undefined && token !== key)
    throw badRequest('Authorization and X-API-Key name two different callers')
  return token ?? (typeof key === 'string' ? key : undefined)
}

const sigOf = (query: URLSearchParams): string | undefined => {
  const [sig, ...more] = query.getAll('sig')
  if (more.length > 0) throw badRequest('the query has more than one sig')
  return sig
}

const isGuess = (error: unknown) =>
  error instanceof ServiceError && error.key === 'authFailed' && error.data.reason === 'auth_failed'

export interface CallerOptions {
  services: Pick<RpcOptions, 'credentials' | 'links' | 'metrics' | 'clock'>
  rateLimits: RateLimits
  certificateCallerOf?: CertificateCallerOf | undefined
}

/**
 * Tells who asks by HTTP: by header (Bearer or X-API-Key), else by the `sig` of the URL, else by the connection's
 * certificate. What a request says itself comes before what its connection says. `cost` is taken from the buckets of
 * the user and the address; a refusal costs the address 1, and wrong credentials slow those that follow. Throws
 * ServiceError: 401, 429, or 400 for two credentials that contradict each other.
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
    throw rateLimited(wait, 'rate_limited')
  }

  /** The grant of the one subject that it is of; an expired or revoked one says so. */
  const grantOf = (sig: string, subjects: readonly string[], address: string): Grant => {
    let told: unknown = refused('auth_failed')
    for (const subject of subjects) {
      try {
        return links.verify(sig, { subject, address })
      } catch (error) {
        if (!isGuess(error)) told = error
      }
    }
    throw told
  }

  const guessed = (address: string): ServiceError | undefined => {
    const pause = rateLimits.pause(address)
    metrics.refused(pause > 0 ? 'rate' : 'authentication')
    if (pause > 0) return rateLimited(pause, 'too_many_failed_authentications')
    rateLimits.failed(address)
    return undefined
  }

  /** A connection outlives many requests: its certificate may have ended meanwhile. */
  const certified = ({ socket, headers }: IncomingMessage, address: string): HttpCaller => {
    // Browsers send a certificate along whoever's page it is that embeds a picture, and then without an Origin.
    const caller = headers['sec-fetch-site'] === 'cross-site' ? undefined : certificateCallerOf(socket)
    if (caller === undefined) throw refused('auth_required')
    if (caller.expiresAt <= clock.now()) throw new ServiceError('authFailed', { reason: 'token_expired' })
    if (caller.credential && credentials.isRevoked(caller.credential))
      throw new ServiceError('authFailed', { reason: 'revoked' })
    return { ...caller, address }
  }

  const verified = async (
    request: IncomingMessage,
    subjects: readonly string[],
    address: string,
  ): Promise<HttpCaller> => {
    const shown = shownOf(request)
    const sig = sigOf(queryOf(request.url))
    if (shown === undefined && sig === undefined) return certified(request, address)
    if (sig === undefined || shown !== undefined) {
      const caller = await credentials.verify(shown ?? '')
      return { ...caller, address }
    }
    const { subject, user, expiresAt, credential } = grantOf(sig, subjects, address)
    return { user, role: 'viewer', expiresAt, address, only: subject, ...(credential && { credential }) }
  }

  /** `subjects`: what a signed URL may be of to be good here. */
  return async (
    request: IncomingMessage,
    { subjects, cost }: { subjects: readonly string[]; cost: number },
  ): Promise<HttpCaller> => {
    const address = addressOf(request)
    let caller: HttpCaller
    try {
      caller = await verified(request, subjects, address)
    } catch (error) {
      const paused = isGuess(error) ? guessed(address) : undefined
      // Guessing is not free, and neither is asking again and again without anything to show.
      take({ address }, 1)
      throw paused ?? error
    }
    take({ user: caller.user, address }, cost)
    return caller
  }
}

/** What was begun by a URL in its last second may go on for so long. */
const grantGrace = 60_000

/**
 * Cuts what is being sent when the credential that it goes by ends or is revoked (also just before), a minute after the end of the
 * URL that it goes by, and after `limits.downloadTotal` at the latest. Returns what lets it go.
 */
export const whileGood = (
  { credentials, clock, limits }: Pick<RpcOptions, 'credentials' | 'clock' | 'limits'>,
  { credential, expiresAt, only }: Pick<HttpCaller, 'credential' | 'expiresAt' | 'only'>,
  cut: () => void,
): (() => void) => {
  const rest = expiresAt - clock.now() + (only === undefined ? 0 : grantGrace)
  const timer = setTimeout(cut, Math.max(0, Math.min(rest, limits.downloadTotal ?? 3_600_000)))
  const unlisten = credentials.onRevoked((revoked) => {
    if (isSameCredential(credential, revoked)) cut()
  })
  if (credential !== undefined && credentials.isRevoked(credential)) cut()
  return () => {
    clearTimeout(timer)
    unlisten()
  }
}
