import { ErrorObject, type ID, JsonRpcError } from 'jsonrpc-lite'
import { errorBody, ServiceError } from '../machines/domain/errors.js'
import { textOf } from './answers.js'

/** A well-formed request. `id` undefined: a notification, which is carried out and never answered. */
export interface Request {
  id: ID | undefined
  method: string
  /** By name; an array (by position) is refused when its method's turn comes. */
  params: unknown
}

/** What is wrong with a frame, and the id to answer with. */
export interface Malformed {
  id: ID
  error: ServiceError
}

/**
 * Booleans are echoed too, because existing clients may use them. Objects and arrays are refused, as in JSON-RPC 2.0.
 */
const isEchoable = (id: unknown): id is ID =>
  typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean'

const invalid = (id: ID, details: string, reason = 'invalid_request'): Malformed => ({
  id,
  error: new ServiceError('invalidRequest', { reason, details }),
})

/**
 * Reads one text frame. jsonrpc-lite's `parse` does not fit the contract: it answers -32700 instead of -32600, loses
 * the id when the params are bad, and refuses `id: null`.
 */
export const readFrame = (text: string): Request | Malformed => {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return invalid(null, 'the message is not JSON')
  }
  if (Array.isArray(frame)) return invalid(null, 'batches are not supported: send one request in each message')
  if (typeof frame !== 'object' || frame === null) return invalid(null, 'the message is not a JSON object')
  const { jsonrpc, id, method, params } = frame as Record<string, unknown>
  const isNotification = id === undefined || id === null
  const echo = !isNotification && isEchoable(id) ? id : null
  if (jsonrpc !== '2.0') return invalid(echo, 'jsonrpc must be "2.0"', 'invalid_version')
  if (!isNotification && echo === null) return invalid(null, 'id must be a string or a number')
  if (typeof method !== 'string') return invalid(echo, 'method must be a string')
  if (params !== undefined && params !== null && typeof params !== 'object')
    return invalid(echo, 'params must be an object')
  return { id: echo ?? undefined, method, params: params ?? {} }
}

/** In every reply. */
export interface Metadata {
  /** Whole ms. */
  processing_time_ms: number
  /** ISO time of the reply. */
  server_timestamp: string
  /** The name of the request in the log. */
  request_id: string
  /** Version of the API. */
  api_version: string
  /** The method will be removed: deprecated since, removed in, what to call instead. */
  deprecated?: { since: string; removed_in: string; use: string }
}

/** Joined from texts, because the text of a standing answer exists already. */
export const successReply = (id: ID, result: unknown, metadata: Metadata): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${textOf(result)},"metadata":${JSON.stringify(metadata)}}`

/** Uses the constructors: jsonrpc-lite's `error()` would validate the body again. */
export const errorReply = (id: ID, error: ServiceError, metadata: Metadata): string => {
  const { message, code, data } = errorBody(error)
  return JSON.stringify(Object.assign(new ErrorObject(id, new JsonRpcError(message, code, data)), { metadata }))
}
