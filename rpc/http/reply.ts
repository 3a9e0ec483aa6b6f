import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody, ServiceError } from '../../machines/domain/errors.js'
import type { Refusal } from '../admission.js'

type Headers = Record<string, string | number>

/** Replies with a whole body; to HEAD with its headers only. */
export const replyWith = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Headers,
): void => {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers })
  response.end(request.method === 'HEAD' ? undefined : body)
}

export const replyJson = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Headers = {},
): void => {
  const type = { 'Content-Type': 'application/json; charset=utf-8' }
  replyWith(request, response, status, JSON.stringify(body), { ...type, ...headers })
}

/** Replies with `{"error": {code, message, data}}`, the members of a JSON-RPC error. */
export const replyError = (
  request: IncomingMessage,
  response: ServerResponse,
  error: ServiceError,
  headers: Headers = {},
  status: number = error.status,
): void => {
  const wait = error.data.retry_after_ms
  const retry = wait === undefined ? {} : { 'Retry-After': Math.ceil(wait / 1000) }
  replyJson(request, response, status, { error: errorBody(error, 'http') }, { ...retry, ...headers })
}

/** The error for an address that does not exist. */
export const pageNotFound = (): ServiceError => new ServiceError('notFound', { resource: 'page' }, 'Page not found')

/** The same for `/`, which is only for browsers. `path`: that of the WebSocket. */
export const rootNotFound = (path: string): ServiceError => {
  const suggestion = `Programs connect to the WebSocket at ${path}; a browser gets the console, if it is enabled`
  return new ServiceError('notFound', { resource: 'page', suggestion }, 'Page not found')
}

export const replyNotFound = (request: IncomingMessage, response: ServerResponse): void =>
  replyError(request, response, pageNotFound())

/** True for GET and HEAD. Other methods get 405. */
export const isReading = (request: IncomingMessage, response: ServerResponse, headers: Headers = {}): boolean => {
  if (request.method === 'GET' || request.method === 'HEAD') return true
  const error = new ServiceError('invalidRequest', { reason: 'method_not_allowed' })
  replyError(request, response, error, { Allow: 'GET, HEAD', ...headers }, 405)
  return false
}

/** Refuses a handshake that is no WebSocket with the error object, and closes its socket. */
export const refuseHandshake = (request: IncomingMessage, socket: Duplex, why: string): void => {
  const isGet = request.method === 'GET'
  const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket'
  const isKnownVersion = ['13', '8'].includes(String(request.headers['sec-websocket-version']))
  const [status, error, headers] = !isGet
    ? ([405, new ServiceError('invalidRequest', { reason: 'method_not_allowed' }), ['Allow: GET, HEAD']] as const)
    : !isWebSocket || !isKnownVersion
      ? ([
          426,
          new ServiceError('invalidRequest', { reason: 'upgrade_required' }),
          ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
        ] as const)
      : ([400, new ServiceError('invalidRequest', { details: `the handshake is not valid: ${why}` }), []] as const)
  const body = JSON.stringify({ error: errorBody(error, 'http') })
  respond(socket, status, body, 'application/json; charset=utf-8', [...headers])
}

/** Refuses an upgrade in plain text and closes its socket. */
export const refuseUpgrade = (socket: Duplex, { status, words, retryAfter }: Refusal): void =>
  respond(
    socket,
    status,
    words,
    'text/plain; charset=utf-8',
    retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`],
  )

const respond = (socket: Duplex, status: number, body: string, type: string, headers: readonly string[]): void => {
  socket.on('error', () => {})
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
