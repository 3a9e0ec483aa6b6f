import { ErrorObject, type ID, JsonRpcError } from 'jsonrpc-lite'
import { type ErrorKey, ServiceError } from '../machines/domain/errors.js'
import { textOf } from './answers.js'

/** A request that is well formed. `id` undefined: a notification, which is carried out and never answered. */
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

/** Strings and numbers are ids; other JSON of small size is echoed too, since existing clients may count on it. */
const isEchoable = (id: unknown): id is ID => {
  if (typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean') return true
  try {
    return JSON.stringify(id).length <= 256
  } catch {
    return false // nested deeper than the stack
  }
}

const invalid = (id: ID, reason: string, hint: string): Malformed => ({
  id,
  error: new ServiceError('invalidRequest', { reason, hint }),
})

/**
 * Reads one text frame. Not jsonrpc-lite's `parse`: it answers -32700 where the contract knows -32600 only, loses the
 * id on bad params and takes `id: null` for a fault.
 */
export const readFrame = (text: string): Request | Malformed => {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return invalid(null, 'invalid_request', 'the message is not JSON')
  }
  if (Array.isArray(frame))
    return invalid(null, 'invalid_request', 'batches are not supported: send one request a message')
  if (typeof frame !== 'object' || frame === null)
    return invalid(null, 'invalid_request', 'the message is not a JSON object')
  const { jsonrpc, id, method, params } = frame as Record<string, unknown>
  const isNotification = id === undefined || id === null
  const echo = !isNotification && isEchoable(id) ? id : null
  if (jsonrpc !== '2.0') return invalid(echo, 'invalid_version', 'jsonrpc must be "2.0"')
  if (!isNotification && echo === null) return invalid(null, 'invalid_request', 'id must be a string or a number')
  if (typeof method !== 'string') return invalid(echo, 'invalid_request', 'method must be a string')
  if (params !== undefined && params !== null && typeof params !== 'object')
    return invalid(echo, 'invalid_request', 'params must be an object')
  return { id: echo ?? undefined, method, params: params ?? {} }
}

/** The same for every reply: how long it took (whole ms), when, the id that the log knows it by, the version of the API. */
export interface Metadata {
  processing_time_ms: number
  server_timestamp: string
  request_id: string
  api_version: string
  /** The method will go: since which version that is said, with which it goes, what to call instead. */
  deprecated?: { since: string; removed_in: string; use: string }
}

/** Put together from texts: that of a standing answer is there already. */
export const successReply = (id: ID, result: unknown, metadata: Metadata): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${textOf(result)},"metadata":${JSON.stringify(metadata)}}`

const words: Record<ErrorKey, { reason: string; suggestion: string }> = {
  invalidRequest: { reason: 'invalid_request', suggestion: 'Send a JSON-RPC 2.0 request object' },
  methodNotFound: { reason: 'method_not_found', suggestion: 'Check the method name' },
  invalidParams: { reason: 'invalid_params', suggestion: 'Correct the parameter that data.param names' },
  internal: { reason: 'internal_error', suggestion: 'Tell the administrator the request_id' },
  authRequired: { reason: 'auth_required', suggestion: 'Call authenticate with a valid token or API key' },
  authFailed: { reason: 'auth_failed', suggestion: 'Call authenticate with a valid token or API key' },
  permissionDenied: { reason: 'permission_denied', suggestion: 'Use a token with the required role' },
  notFound: {
    reason: 'not_found',
    suggestion: 'Check the name; get_camera_list, list_recordings and list_snapshots tell what there is',
  },
  invalidState: { reason: 'invalid_state', suggestion: 'Wait for an allowed state, or use an allowed method' },
  unsupported: { reason: 'unsupported', suggestion: 'The feature is not available here' },
  rateLimited: { reason: 'rate_limited', suggestion: 'Wait for retry_after_ms' },
  dependencyFailed: { reason: 'dependency_failed', suggestion: 'Try again later' },
}

type Transport = 'rpc' | 'http'

/** Where one speaks no JSON-RPC. */
const httpSuggestions: Partial<Record<ErrorKey, string>> = {
  invalidRequest: 'Correct what data.details names',
  authRequired: 'Send Authorization: Bearer <token or API key>, X-API-Key: <key>, or ask by a signed URL',
  authFailed: 'Send Authorization: Bearer or X-API-Key with a valid token or API key, or ask for a new signed URL',
  notFound: 'Check the address; lists of recordings and snapshots give each file with its download_url',
}

/** Where the reason tells more of what may be done than the key. */
const suggestions: Readonly<Record<string, string>> = {
  token_expired: 'Get a new token, API key or signed URL: this one has expired',
  revoked: 'Get a new token, API key or signed URL: this one was revoked',
  contradicting_credentials: 'Show one credential only',
  foreign_origin: 'Ask from an origin that the service lists, or have this one listed',
  limited_to_cameras: 'Use a token or key whose rights are for every camera',
  too_many_failed_authentications: 'Wait for retry_after_ms, then show a valid credential',
  too_many_requests_in_flight: 'Wait for the replies to open requests first',
}

/** Where it is told what there is. */
const lists: Readonly<Record<string, string>> = {
  camera: 'Check the id; get_camera_list tells which cameras there are',
  recording: 'Check the name; list_recordings tells what there is',
  snapshot: 'Check the name; list_snapshots tells what there is',
  stream: 'Check the camera or URL; get_streams and get_external_streams tell what there is',
  key: 'Check the id; list_api_keys tells which keys there are',
  session: 'Check the id; list_sessions tells which sessions there are',
  page: 'Check the address; the API documentation tells what there is',
}

const suggestionOf = ({ key, data: { reason = '', resource = '' } }: ServiceError, transport: Transport): string => {
  const byReason = Object.hasOwn(suggestions, reason) ? suggestions[reason] : undefined
  const byResource =
    transport === 'rpc' && key === 'notFound' && Object.hasOwn(lists, resource) ? lists[resource] : undefined
  return byReason ?? byResource ?? (transport === 'http' ? httpSuggestions[key] : undefined) ?? words[key].suggestion
}

/** The members of `error`: every error carries reason, details and suggestion, and the fields of its key. */
export const errorBody = (error: ServiceError, transport: Transport = 'rpc') => {
  const { key, code, message, data } = error
  const { reason } = words[key]
  const suggestion = suggestionOf(error, transport)
  const details = data.details ?? data.detail ?? data.hint ?? message
  return new JsonRpcError(message, code, { reason, suggestion, ...data, details })
}

/** The constructors, not `error()`: that one validates what we have just made. */
export const errorReply = (id: ID, error: ServiceError, metadata: Metadata): string =>
  JSON.stringify(Object.assign(new ErrorObject(id, errorBody(error)), { metadata }))
