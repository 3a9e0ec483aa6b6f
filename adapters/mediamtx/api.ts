import { Agent } from 'node:http'
import type { Got, Method } from 'got'
import { textForClients } from '../../machines/domain/mask.js'
import { type Evidence, Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'

export interface ApiOptions {
  /** `http://host:port`, with `user:password@` if the server requires them. A function is called for each request. */
  apiUrl: string | (() => string)
  /** Limit for one call, in ms. */
  timeout: number
}

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Starts with `/v3`; names are encoded. */
  path: string
  body?: object
  signal: AbortSignal
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
export function createApi({ apiUrl, timeout }: ApiOptions): Api {
  // A connection for each call, because a reused one is reset at the first call after a restart of the server.
  const agent = new Agent({ keepAlive: false })
  // got needs about 20 MB of memory, so it is loaded with the first call.
  let loading: Promise<Got> | undefined
  const load = async (): Promise<Got> => {
    const { got } = await import('got')
    return got.extend({
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      // A small compressed answer could be a large one in memory.
      decompress: false,
      timeout: { request: timeout },
      agent: { http: agent },
    })
  }

  return async ({ method, path, body, signal }) => {
    signal.throwIfAborted()
    loading ??= load()
    const client = await loading
    const url = new URL(path, typeof apiUrl === 'string' ? apiUrl : apiUrl())
    const options = { method: method as Method, signal, ...(body !== undefined && { json: body }) }
    const call = client(url, options)
    const most = mostBytes(path)
    let isTooLarge = false
    // got has no limit of its own: an answer that never ends would fill the memory until the timeout.
    void call.on('downloadProgress', ({ transferred }) => {
      if (isTooLarge || transferred <= most) return
      isTooLarge = true
      call.cancel()
    })
    const answer = await call.catch((error: unknown) => {
      signal.throwIfAborted()
      if (isTooLarge) throw new Unreachable(`its answer is larger than ${most / MiB} MiB`, false)
      throw unreachable(error, timeout)
    })
    return read(answer.statusCode, answer.rawBody.toString('utf8'))
  }
}

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
