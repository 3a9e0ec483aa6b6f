/**
 * Every error that clients can get: key → JSON-RPC code, HTTP status, message. The wording of the messages is part of
 * the contract, because clients compare parts of them.
 */
const table = {
  invalidRequest: { code: -32600, status: 400, message: 'Invalid Request' },
  methodNotFound: { code: -32601, status: 404, message: 'Method not found' },
  invalidParams: { code: -32602, status: 400, message: 'Invalid parameters' },
  internal: { code: -32603, status: 500, message: 'Internal server error' },
  authRequired: { code: -32001, status: 401, message: 'Authentication failed or token expired (auth_required)' },
  authFailed: { code: -32001, status: 401, message: 'Authentication failed or token expired (auth_failed)' },
  permissionDenied: { code: -32002, status: 403, message: 'Permission denied' },
  notFound: { code: -32010, status: 404, message: 'not found' },
  invalidState: { code: -32020, status: 409, message: 'Invalid state' },
  unsupported: { code: -32030, status: 501, message: 'Unsupported' },
  rateLimited: { code: -32040, status: 429, message: 'Rate limited' },
  dependencyFailed: { code: -32050, status: 503, message: 'Dependency failed' },
} as const

export type ErrorKey = keyof typeof table

/** The fields of `data`, for all keys. Every error may have `reason`, `details`, `suggestion` and `hint`. */
export interface ErrorData {
  reason?: string
  details?: string
  suggestion?: string
  hint?: string
  param?: string
  rule?: string
  request_id?: string
  required_role?: string
  have_role?: string
  resource?: string
  id?: string
  state?: string
  allowed_states?: string[]
  allowed_methods?: string[]
  feature?: string
  retry_after_ms?: number
  dependency?: string
  detail?: string
}

/** An expected failure that is sent to the client. It must not contain a path, a token or a password. */
export class ServiceError extends Error {
  readonly code: number
  readonly status: number
  constructor(
    readonly key: ErrorKey,
    readonly data: ErrorData = {},
    message?: string,
  ) {
    super(message ?? table[key].message)
    this.name = 'ServiceError'
    this.code = table[key].code
    this.status = table[key].status
  }
}

/** `Camera not found`, `Recording not found` … */
export const notFound = (
  resource: 'Camera' | 'Recording' | 'Snapshot' | 'Stream' | 'File' | 'Key' | 'Session',
  id: string,
): ServiceError => new ServiceError('notFound', { resource: resource.toLowerCase(), id }, `${resource} not found`)

export const invalidParam = (param: string, rule: string, hint?: string): ServiceError =>
  new ServiceError('invalidParams', { reason: 'invalid_params', param, rule, ...(hint === undefined ? {} : { hint }) })

export const dependencyFailed = (dependency: string, detail: string): ServiceError =>
  new ServiceError('dependencyFailed', { reason: 'dependency_failed', dependency, detail })

/** `reason`: auth_required, auth_failed, token_expired, revoked … */
export const authFailed = (reason: string): ServiceError =>
  new ServiceError('authFailed', { reason }, `Authentication failed or token expired (${reason})`)

/** `wait` in ms. */
export const rateLimited = (wait: number, reason = 'rate_limited'): ServiceError =>
  new ServiceError('rateLimited', { reason, retry_after_ms: wait })

/** Returns the message of any thrown value, for a log or a `reason`. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
