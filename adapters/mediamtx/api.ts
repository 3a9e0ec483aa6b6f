import { Agent } from 'node:http'
import type { Got, Method } from 'got'
import { textForClients } from '../../machines/domain/mask.js'
import { Failure } from '../../machines/domain/reason.js'

export interface ApiOptions {
  /** `http://host:port`, with `user:password@` if the server needs them. A function is called for each request. */
  apiUrl: string | (() => string)
  /** For one call, in ms. */
  timeout: number
}

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** From `/v3` on, names encoded. */
  path: string
  body?: object
  signal: AbortSignal
}

/** One call of MediaMTX's control API: the parsed body, `undefined` where it is empty. */
export type Api = (request: ApiRequest) => Promise<unknown>

/** The server did not answer, or not as a MediaMTX that works. `again`: another try at once may help. */
export class Unreachable extends Failure {
  override readonly name = 'Unreachable'
  constructor(
    why: string,
    readonly again = true,
  ) {
    super('server_unreachable', `the media server does not answer (${why})`)
  }
}

/** The server answered, and would not do it. `routed`: false for the plain 404 of a route that it does not have. */
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
        ? 'the media server asks for credentials that it was not given'
        : `the media server refused it: ${textForClients(why)}`,
    )
  }
}

/** Without retries and breaker. Rejects with `Unreachable`, `Refused` or the signal's reason. */
export function createApi({ apiUrl, timeout }: ApiOptions): Api {
  // A connection for each call: a kept one would answer the first call after a restart of the server with a reset.
  const agent = new Agent({ keepAlive: false })
  // got costs about 20 MB of memory once loaded: it is loaded with the first call.
  let loading: Promise<Got> | undefined
  const load = async (): Promise<Got> => {
    const { got } = await import('got')
    return got.extend({
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      timeout: { request: timeout },
      agent: { http: agent },
    })
  }

  return async ({ method, path, body, signal }) => {
    signal.throwIfAborted()
    loading ??= load()
    const client = await loading
    const base = new URL(typeof apiUrl === 'string' ? apiUrl : apiUrl())
    const credentials =
      base.username === ''
        ? {}
        : { username: decodeURIComponent(base.username), password: decodeURIComponent(base.password) }
    const json = body === undefined ? {} : { json: body }
    const answer = await client(`${base.protocol}//${base.host}${path}`, {
      method: method as Method,
      signal,
      ...credentials,
      ...json,
    }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw unreachable(error, timeout)
    })
    return read(answer.statusCode, answer.body)
  }
}

/** Mutations return an empty body up to 1.15.4, `{"status":"ok"}` since. Errors are `{"error"}`; unknown routes return plain text. */
function read(status: number, text: string): unknown {
  const body = parse(text)
  if (status >= 200 && status < 300) {
    if (body === undefined && text.trim() !== '')
      throw new Unreachable('something else than a MediaMTX is there', false)
    return body
  }
  const why = isObject(body) && typeof body.error === 'string' ? body.error : undefined
  if (status >= 400 && status < 500) throw new Refused(status, why !== undefined, why ?? `status ${status}`)
  throw new Unreachable(`status ${status}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
  // A second try would take as long again.
  if (code === 'ETIMEDOUT') return new Unreachable(`timed out after ${timeout / 1000} s`, false)
  return new Unreachable(typeof code === 'string' ? (words[code] ?? code) : 'connection failed')
}
