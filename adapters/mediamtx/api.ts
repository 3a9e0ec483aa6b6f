import { isLoopback } from '../../machines/domain/address.js'
import { textForClients } from '../../machines/domain/mask.js'
import { type Evidence, Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'
import { type Exchange, type Question, TooLarge } from './exchange.js'
import { exchangeFar } from './exchangeFar.js'
import { exchangeNear } from './exchangeNear.js'

export interface ApiOptions {
  /** `http://host:port`, with `user:password@` if the server requires them. A function is called for each request. */
  apiUrl: string | (() => string)
  /** Limit for one call, in ms. */
  timeout: number
  /** Default: by the host of the URL. */
  exchange?: Exchange
}

export interface ApiRequest extends Pick<Question, 'method' | 'body' | 'signal'> {
  /** Starts with `/v3`; names are encoded. */
  path: string
}

/** Calls MediaMTX's control API. Resolves with the parsed body; `undefined` if it is empty. */
export type Api = (request: ApiRequest) => Promise<unknown>

/** The server did not answer, or its answer is not valid. `again`: an immediate retry may help. */
export class Unreachable extends Failure {
  override readonly name = 'Unreachable'
  constructor(
    why: string,
    readonly again = true,
    evidence?: Evidence,
  ) {
    super('server_unreachable', `the media server does not answer (${why})`, evidence)
  }
}

/** The server refused the request. `routed`: false for the 404 of a route that does not exist. */
export class Refused extends Failure {
  override readonly name = 'Refused'
  constructor(
    readonly status: number,
    readonly routed: boolean,
    why: string,
  ) {
    super(
      'server_refused',
      status === 401
        ? 'the media server requires other credentials'
        : `the media server refused the request: ${textForClients(why)}`,
      { http_status: status },
    )
  }
}

const MiB = 1024 * 1024

/** Limit of an answer in bytes: a list has up to 100 items, of which a path contains all its readers. */
const mostBytes = (path: string): number => (/\/list(\?|$)/.test(path) ? 32 * MiB : MiB)

/** Creates the API, without retries and breaker. Calls reject with `Unreachable`, `Refused` or the signal's reason. */
export function createApi({ apiUrl, timeout, exchange: given }: ApiOptions): Api {
  return async ({ path, signal, ...rest }) => {
    signal.throwIfAborted()
    const url = new URL(path, typeof apiUrl === 'string' ? apiUrl : apiUrl())
    const exchange = given ?? (isNear(url) ? exchangeNear : exchangeFar)
    const most = mostBytes(path)
    const { status, text } = await exchange({ ...rest, url, signal, timeout, most }).catch((error: unknown) => {
      signal.throwIfAborted()
      if (error instanceof TooLarge) throw new Unreachable(`its answer is larger than ${most / MiB} MiB`, false)
      throw unreachable(error, timeout)
    })
    return read(status, text)
  }
}

const isNear = ({ hostname }: URL): boolean => isLoopback(hostname.replace(/^\[|\]$/g, ''))

/**
 * Changes return an empty body up to 1.15.4, `{"status":"ok"}` in later versions. Errors are `{"error"}`; unknown
 * routes return plain text.
 */
function read(status: number, text: string): unknown {
  const body: unknown = attempt(() => JSON.parse(text))
  if (status >= 200 && status < 300) {
    if (body === undefined && text.trim() !== '') throw new Unreachable('the server there is not MediaMTX', false)
    return body
  }
  const why = isObject(body) && typeof body.error === 'string' ? body.error : undefined
  if (status >= 400 && status < 500) throw new Refused(status, why !== undefined, why ?? `status ${status}`)
  throw new Unreachable(`status ${status}`, true, { http_status: status })
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const words: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'unknown host',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
}

function unreachable(error: unknown, timeout: number): Unreachable {
  const code = isObject(error) || error instanceof Error ? (error as { code?: unknown }).code : undefined
  // No retry, because it would take as long again.
  if (code === 'ETIMEDOUT') return new Unreachable(`timed out after ${timeout / 1000} s`, false)
  if (typeof code !== 'string') return new Unreachable('connection failed')
  return new Unreachable(words[code] ?? code, true, { errno: code })
}
