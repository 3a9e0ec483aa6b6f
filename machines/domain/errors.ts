/** Every error that leaves the service, in one table. */
import type { Reason } from './reason.js'

type Transport = 'rpc' | 'http'
/** One sentence, or one for each transport. */
type Words = string | Readonly<Record<Transport, string>>

/** What `data` may hold. Nothing in it may name a path of the host, a token or a password. */
export interface ErrorData {
  /** A code: short and stable. */
  reason?: string
  /** What exactly is wrong, in one sentence. */
  details?: string
  /** What to do next. */
  suggestion?: string
  /** Read as `details` where an error has none. */
  hint?: string
  param?: string
  /** Ids of cameras. */
  cameras?: string[]
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
  /** ISO time: since when the state that is in the way exists. */
  since?: string
  /** How the state came about, the nearest cause first. */
  causes?: string[]
  /** What was observed. */
  evidence?: Readonly<Record<string, string | number | boolean>>
  /** ISO time at which the service itself looks or tries again; the state may last longer. */
  until?: string
  /** All broken rules of a configuration. */
  faults?: { key: string; value: string; rule: string }[]
}

interface ErrorKind {
  /** JSON-RPC code. */
  code: number
  /** HTTP status. */
  status: number
  /** Clients compare parts of it: the wording is part of the contract. */
  message: string
  /** The usual `data.reason`. */
  reason: string
  /** `data.details` of an error that has none of its own. */
  details(data: ErrorData): string
  suggestion: Words
  /** More exact words, by the reason, the resource or the dependency of an error. */
  cases?: Readonly<Record<string, { details?: string; suggestion: Words }>>
  /** Members of `data` besides `reason`, `details` and `suggestion`. `hint` repeats `details` for older clients. */
  fields: readonly (keyof ErrorData)[]
}

const showCredential: Words = {
  rpc: 'Call authenticate with a valid token or API key',
  http: 'Send Authorization: Bearer <token or API key>, X-API-Key: <key>, or use a signed URL',
}
const getCredential: Words = 'Get a new token, API key or signed URL'
const checkAddress = 'Check the address; lists of recordings and snapshots give each file with its download_url'
const list = (rpc: string): { suggestion: Words } => ({ suggestion: { rpc, http: checkAddress } })

const table = {
  invalidRequest: {
    code: -32600,
    status: 400,
    message: 'Invalid Request',
    reason: 'invalid_request',
    details: () => 'the request is malformed',
    suggestion: { rpc: 'Send a JSON-RPC 2.0 request object', http: 'Correct what data.details names' },
    cases: {
      contradicting_credentials: { suggestion: 'Show one credential only' },
      connection_closed: { details: 'the connection has ended', suggestion: 'Connect again' },
      method_not_allowed: { details: 'this address only replies to GET and HEAD', suggestion: 'Send GET or HEAD' },
      upgrade_required: {
        details: 'this address only accepts WebSocket connections',
        suggestion: 'Connect with a WebSocket client',
      },
    },
    fields: ['hint'],
  },
  methodNotFound: {
    code: -32601,
    status: 404,
    message: 'Method not found',
    reason: 'method_not_found',
    details: () => 'the API has no method with this name',
    suggestion: 'Check the name; rpc.discover returns all methods',
    fields: ['hint'],
  },
  invalidParams: {
    code: -32602,
    status: 400,
    message: 'Invalid parameters',
    reason: 'invalid_params',
    details: ({ param = 'params', rule = 'is invalid' }) => `${param} ${rule}`,
    suggestion: 'Correct the parameter that data.param names',
    cases: {
      camera: { suggestion: 'Use one of the ids in data.cameras' },
      config_invalid: { suggestion: 'Correct the keys in data.faults; nothing was changed' },
    },
    fields: ['param', 'rule', 'hint', 'cameras', 'faults'],
  },
  internal: {
    code: -32603,
    status: 500,
    message: 'Internal server error',
    reason: 'internal_error',
    details: () => 'the request failed because of a fault of the service',
    suggestion: 'Give the request_id to the administrator: the log of the service explains it',
    fields: ['request_id'],
  },
  authRequired: {
    code: -32001,
    status: 401,
    message: 'Authentication failed or token expired (auth_required)',
    reason: 'auth_required',
    details: () => 'the caller has not authenticated',
    suggestion: showCredential,
    fields: [],
  },
  authFailed: {
    code: -32001,
    status: 401,
    message: 'Authentication failed or token expired (auth_failed)',
    reason: 'auth_failed',
    details: () => 'the credential is not valid',
    suggestion: showCredential,
    cases: {
      token_expired: { details: 'the credential has expired', suggestion: getCredential },
      revoked: { details: 'the credential was revoked', suggestion: getCredential },
      ended: { details: 'an administrator ended the session', suggestion: showCredential },
      sign_in_code_invalid: {
        details: 'the sign-in code is unknown, was used, or has expired',
        suggestion: 'Sign in with a token or an API key: camera-service token prints a token',
      },
    },
    fields: [],
  },
  permissionDenied: {
    code: -32002,
    status: 403,
    message: 'Permission denied',
    reason: 'permission_denied',
    details: ({ required_role: required, have_role: have }) =>
      required === undefined || have === undefined
        ? 'the caller lacks a right'
        : `the role ${required} is required, the caller has the role ${have}`,
    suggestion: 'Use a credential with the required right',
    cases: {
      foreign_origin: {
        details: 'the origin of the page is not allowed',
        suggestion: 'Open the page from an allowed origin, or add its origin to security.cors_origins',
      },
      address_not_allowed: { suggestion: 'Connect from an allowed address, or add this one to inspect.allowed_ips' },
      limited_to_cameras: { suggestion: 'Use a token or key whose rights are for every camera' },
    },
    fields: ['required_role', 'have_role'],
  },
  notFound: {
    code: -32010,
    status: 404,
    message: 'not found',
    reason: 'not_found',
    details: ({ resource = 'thing' }) => `there is no such ${resource}`,
    suggestion: {
      rpc: 'Check the name; get_camera_list, list_recordings and list_snapshots return what exists',
      http: checkAddress,
    },
    cases: {
      camera: { suggestion: 'Check the id; get_camera_list returns all cameras' },
      recording: list('Check the name; list_recordings returns all recordings'),
      snapshot: list('Check the name; list_snapshots returns all snapshots'),
      stream: list('Check the camera or the URL; get_streams and get_external_streams return all streams'),
      key: list('Check the id; list_api_keys returns all keys'),
      actor: list('Check the name; get_actors returns all running actors, to administrators'),
      session: list('Check the id; list_sessions returns all sessions'),
      version: list('Check the number; get_config_history returns the versions that are kept'),
      page: { details: 'there is nothing at this address', suggestion: checkAddress },
    },
    fields: ['resource', 'id'],
  },
  invalidState: {
    code: -32020,
    status: 409,
    message: 'Invalid state',
    reason: 'invalid_state',
    details: ({ state = 'another' }) => `the state is: ${state}`,
    suggestion: 'Call a method of data.allowed_methods, or wait for a state of data.allowed_states',
    cases: {
      recording_in_progress: {
        details: 'the file belongs to a recording that has not ended',
        suggestion: 'Stop the recording first',
      },
      recording_protected: {
        details: 'the recording is protected',
        suggestion: 'Call protect_recording with protected: false first',
      },
      protections_lost: {
        suggestion: 'Protect the recordings again, then call cleanup_old_files with accept_lost_protections',
      },
      no_credential: {
        details: 'the session has no credential that could be revoked',
        suggestion: 'End the session without revoke',
      },
      not_simulated: { suggestion: 'Choose another fault, camera or port; get_camera_list returns all cameras' },
      stream_asleep: { suggestion: 'Start the stream first, for example with start_recording' },
    },
    fields: ['state', 'allowed_states', 'allowed_methods', 'since', 'causes', 'evidence', 'until'],
  },
  unsupported: {
    code: -32030,
    status: 501,
    message: 'Unsupported',
    reason: 'unsupported',
    details: ({ feature = 'the feature' }) => `${feature} is not available`,
    suggestion: 'Ask the administrator to enable the feature, or do without it',
    fields: ['feature'],
  },
  rateLimited: {
    code: -32040,
    status: 429,
    message: 'Rate limited',
    reason: 'rate_limited',
    details: () => 'too many requests were sent',
    suggestion: 'Send the request again after retry_after_ms',
    cases: {
      too_many_failed_authentications: {
        details: 'too many wrong credentials came from this address lately',
        suggestion:
          'Show a valid credential, which is accepted at once; wait for retry_after_ms before another attempt',
      },
      too_many_requests_in_flight: {
        details: 'too many requests of this connection have no reply yet',
        suggestion: 'Wait for their replies first',
      },
    },
    fields: ['retry_after_ms'],
  },
  dependencyFailed: {
    code: -32050,
    status: 503,
    message: 'Dependency failed',
    reason: 'dependency_failed',
    details: ({ detail, dependency = 'a dependency' }) => detail ?? `${dependency} failed`,
    suggestion: 'Try again later',
    cases: {
      service_initializing: { suggestion: 'Try again in a few seconds; get_system_status returns the progress' },
      camera: { suggestion: 'Check the camera; get_camera_status returns its state and the reason for it' },
      mediamtx: { suggestion: 'Check the media server; get_status returns its state and the reason for it' },
      storage: { suggestion: 'Check the disk of the data directory; get_storage_info returns its state' },
    },
    fields: ['dependency', 'detail', 'since', 'causes', 'evidence', 'until'],
  },
} as const satisfies Record<string, ErrorKind>

type Table = typeof table
export type ErrorKey = keyof Table

/** A place of suggestions in the table: `notFound`, `notFound.camera`. */
export type SuggestionKey =
  | ErrorKey
  | {
      [Key in ErrorKey]: Table[Key] extends { cases: infer Cases } ? `${Key}.${keyof Cases & string}` : never
    }[ErrorKey]

/** Every kind of error by its key. */
export const errorKinds: Readonly<Record<ErrorKey, ErrorKind>> = table

/** An expected failure, ready for a client. */
export class ServiceError extends Error {
  readonly code: number
  readonly status: number
  constructor(
    readonly key: ErrorKey,
    readonly data: ErrorData = {},
    message?: string,
  ) {
    // A refusal is an answer: nobody reads its stack, which costs more than the rest of the reply.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message ?? table[key].message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ServiceError'
    this.code = table[key].code
    this.status = table[key].status
  }
}

/** The name of the case that an error is. */
const caseOf = ({ cases = {} }: ErrorKind, { reason, resource, dependency }: ErrorData): string | undefined =>
  [reason, resource, dependency].find((name) => name !== undefined && Object.hasOwn(cases, name))

const wordsOf = ({ cases, suggestion }: ErrorKind, name: string | undefined): Words =>
  (name === undefined ? undefined : cases?.[name]?.suggestion) ?? suggestion

/** Returns where the table has the suggestion of a reply; `undefined` if the suggestion is of this error alone. */
export function suggestionKeyOf(code: number, data: ErrorData): SuggestionKey | undefined {
  for (const [key, kind] of Object.entries(errorKinds)) {
    const name = caseOf(kind, data)
    const words = wordsOf(kind, name)
    const all = typeof words === 'string' ? [words] : Object.values(words)
    if (kind.code === code && all.some((each) => each === data.suggestion))
      return (name === undefined ? key : `${key}.${name}`) as SuggestionKey
  }
  return undefined
}

/** The members of `error` in a reply. `data` always holds `reason`, `details` and `suggestion`. */
export const errorBody = ({ key, code, message, data }: ServiceError, transport: Transport = 'rpc') => {
  const kind = errorKinds[key]
  const name = caseOf(kind, data)
  const suggestion = wordsOf(kind, name)
  const { hint, ...own } = data
  const exact = name === undefined ? undefined : kind.cases?.[name]?.details
  const details = data.details ?? hint ?? exact ?? kind.details(data)
  return {
    code,
    message,
    data: {
      reason: kind.reason,
      suggestion: typeof suggestion === 'string' ? suggestion : suggestion[transport],
      ...own,
      details,
      ...(kind.fields.includes('hint') && { hint: details }),
    },
  }
}

/** `Camera not found`, `Recording not found` … */
export const notFound = (
  resource: 'Camera' | 'Recording' | 'Snapshot' | 'Stream' | 'File' | 'Key' | 'Session' | 'Version' | 'Actor',
  id: string,
): ServiceError => new ServiceError('notFound', { resource: resource.toLowerCase(), id }, `${resource} not found`)

/** `rule` completes a sentence that begins with the name of the parameter: `must be …`. */
export const invalidParam = (param: string, rule: string, suggestion?: string): ServiceError =>
  new ServiceError('invalidParams', {
    reason: 'invalid_params',
    param,
    rule,
    ...(suggestion !== undefined && { suggestion }),
  })

/** `cause`: one sentence, or a reason, whose code becomes `data.reason`. */
export const dependencyFailed = (dependency: string, cause: string | Reason): ServiceError => {
  const { code, details } = typeof cause === 'string' ? { code: 'dependency_failed', details: cause } : cause
  return new ServiceError('dependencyFailed', { reason: code, dependency, detail: details })
}

/** `reason`: auth_required, auth_failed, token_expired, revoked … `details`: safe for the holder of the credential. */
export const authFailed = (reason: string, details?: string): ServiceError =>
  new ServiceError(
    'authFailed',
    { reason, ...(details !== undefined && { details }) },
    `Authentication failed or token expired (${reason})`,
  )

/** `wait` in ms. */
export const rateLimited = (wait: number, reason = 'rate_limited'): ServiceError =>
  new ServiceError('rateLimited', { reason, retry_after_ms: wait })

/** The message of any thrown value, for a log line or a reason. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
