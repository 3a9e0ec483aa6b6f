import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody, ServiceError } from '../../machines/domain/errors.js'

type Headers = Record<string, string | number>

/** A JSON answer; to HEAD its headers only. */
export const replyJson = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Headers = {},
): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

/** `{"error": {code, message, data}}`, with the members of a JSON-RPC error. */
export const replyError = (
  request: IncomingMessage,
  response: ServerResponse,
  error: ServiceError,
  headers: Headers = {},
): void => {
  const wait = error.data.retry_after_ms
  replyJson(
    request,
    response,
    error.status,
    { error: errorBody(error, 'http') },
    wait === undefined ? headers : { 'Retry-After': Math.ceil(wait / 1000), ...headers },
  )
}

export const replyNotFound = (request: IncomingMessage, response: ServerResponse): void =>
  replyError(request, response, new ServiceError('notFound', { resource: 'page' }, 'Page not found'))

/** True when the request is GET or HEAD; else it has been answered with 405. */
export const isReading = (request: IncomingMessage, response: ServerResponse, headers: Headers = {}): boolean => {
  if (request.method === 'GET' || request.method === 'HEAD') return true
  replyJson(request, response, 405, { error: { message: 'Method not allowed' } }, { Allow: 'GET, HEAD', ...headers })
  return false
}

/** Refuses an upgrade in plain text and ends its socket. `retryAfter` in seconds. */
export const refuseUpgrade = (
  socket: Duplex,
  { status, words, retryAfter }: { status: number; words: string; retryAfter?: number },
): void => {
  socket.on('error', () => {})
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(words)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${words}`, () => socket.destroy())
}
