import { JsonRpcError } from 'jsonrpc-lite'
import { errorBody, ServiceError } from '../machines/domain/errors.js'
import { textOf } from './answers.js'
import { idTexts } from './idTexts.js'
import type { Message } from './textFrame.js'

/** A well-formed request. */
export interface Request {
  /** The JSON of the id, as the client wrote it. `undefined`: a notification, carried out and never answered. */
  id: string | undefined
  method: string
  /** By name; an array (by position) with values is refused when its method's turn comes. */
  params: unknown
}

/** What is wrong with a request, and the JSON of the id to answer with. */
export interface Malformed {
  id: string
  error: ServiceError
}

/** The most requests of one batch; fewer than may be open on one connection. */
export const mostInBatch = 50

/**
 * Booleans are echoed too, because existing clients may use them. Objects and arrays are refused, as in JSON-RPC 2.0.
 */
const isEchoable = (id: unknown): boolean => typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean'

const invalid = (id: string, details: string, reason = 'invalid_request'): Malformed => ({
  id,
  error: new ServiceError('invalidRequest', { reason, details }),
})

/** `JSON.stringify` writes such an id as the client did: no digits are lost, and no escapes were used. */
const keepsItsText = (id: unknown, text: string) =>
  typeof id === 'number' ? isPlainInteger(id, text) : !(typeof id === 'string' && text.includes('\\'))

/** Most clients count their requests. To read the whole text for such an id would take a tenth of the time of a ping. */
const isPlainInteger = (id: number, text: string): boolean => {
  if (!Number.isSafeInteger(id)) return false
  const at = text.indexOf('"id":')
  const written = `${id}`
  const end = at + 5 + written.length
  // Another one may belong to the params or to another request.
  const isOnly = at >= 0 && text.indexOf('"id":', end) < 0
  return isOnly && text.startsWith(written, at + 5) && (text[end] === ',' || text[end] === '}')
}

const idOf = (frame: unknown) => (typeof frame === 'object' && frame !== null && 'id' in frame ? frame.id : undefined)

/** Returns the JSON of the id of each frame; `null` if it cannot be echoed. */
const readIds = (text: string, frames: readonly unknown[], level: 1 | 2): ((place: number) => string) => {
  const texts = frames.every((frame) => keepsItsText(idOf(frame), text)) ? undefined : idTexts(text, level)
  return (place) => {
    const id = idOf(frames[place])
    return isEchoable(id) ? (texts?.get(place) ?? JSON.stringify(id)) : 'null'
  }
}

/**
 * Reads one text frame: a request, or the requests of a batch. jsonrpc-lite's `parse` does not fit the contract: it
 * answers -32700 instead of -32600, loses the id when the params are bad, and refuses `id: null`.
 */
export const readMessage = (message: string): Request | Malformed | (Request | Malformed)[] => {
  // Some libraries of Windows put a byte order mark before each message.
  const text = message.startsWith('\ufeff') ? message.slice(1) : message
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return invalid('null', 'the message is not JSON')
  }
  if (!Array.isArray(content)) return readRequest(content, readIds(text, [content], 1)(0))
  if (content.length === 0) return invalid('null', 'the batch is empty')
  if (content.length > mostInBatch)
    return invalid('null', `the batch has ${content.length} requests: at most ${mostInBatch} are allowed`)
  const idAt = readIds(text, content, 2)
  return content.map((frame, place) => readRequest(frame, idAt(place)))
}

const readRequest = (frame: unknown, echo: string): Request | Malformed => {
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame))
    return invalid('null', 'the request is not a JSON object')
  const { jsonrpc, id, method, params } = frame as Record<string, unknown>
  const isNotification = id === undefined || id === null
  if (jsonrpc !== '2.0') return invalid(echo, 'jsonrpc must be "2.0"', 'invalid_version')
  if (!isNotification && echo === 'null') return invalid('null', 'id must be a string or a number')
  if (typeof method !== 'string') return invalid(echo, 'method must be a string')
  if (params !== undefined && params !== null && typeof params !== 'object')
    return invalid(echo, 'params must be an object')
  const isEmptyList = Array.isArray(params) && params.length === 0
  return { id: isNotification ? undefined : echo, method, params: isEmptyList ? {} : (params ?? {}) }
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
  /** Params that the method does not know, without effect; at most ten. */
  ignored_params?: readonly string[]
  /** The method will be removed: deprecated since, removed in, what to call instead. */
  deprecated?: { since: string; removed_in: string; use: string }
}

/** By hand, because `JSON.stringify` of it would take a tenth of the time of a ping. No text in it needs an escape, except where one is made. */
const metadataText = (metadata: Metadata): string => {
  const { processing_time_ms: took, server_timestamp: at, request_id: request, api_version: api } = metadata
  const { ignored_params: params, deprecated } = metadata
  const ignored = params === undefined ? '' : `,"ignored_params":${JSON.stringify(params)}`
  const more = deprecated === undefined ? ignored : `${ignored},"deprecated":${JSON.stringify(deprecated)}`
  return `{"processing_time_ms":${took},"server_timestamp":"${at}","request_id":"${request}","api_version":"${api}"${more}}`
}

/** Joined from texts, because the texts of the id and of a standing answer exist already. */
export const successReply = (id: string, result: unknown, metadata: Metadata): Message => {
  const text = textOf(result)
  if (typeof text === 'string')
    return `{"jsonrpc":"2.0","id":${id},"result":${text},"metadata":${metadataText(metadata)}}`
  return [`{"jsonrpc":"2.0","id":${id},"result":`, text, `,"metadata":${metadataText(metadata)}}`]
}

/** Uses the constructor: jsonrpc-lite's `error()` would validate the body again. */
export const errorReply = (id: string, error: ServiceError, metadata: Metadata): string => {
  const { message, code, data } = errorBody(error)
  const body = JSON.stringify(new JsonRpcError(message, code, data))
  return `{"jsonrpc":"2.0","id":${id},"error":${body},"metadata":${metadataText(metadata)}}`
}
