/** Access: callers, their credentials and their rights. Times are epoch milliseconds. */
import type { CameraId } from './camera.js'
import type { Dispose } from './ports.js'

// ---------------------------------------------------------------- roles

/** Ordered from the fewest rights to the most. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

export const isRole = (value: unknown): value is Role => roles.some((role) => role === value)

/** True if role `have` includes the rights of `required`. */
export const isAtLeast = (have: Role, required: Role): boolean => roles.indexOf(have) >= roles.indexOf(required)

// ---------------------------------------------------------------- names

/** The pattern of users and token ids, for schemas: any text without control characters. */
export const namePattern = '^[^\\u0000-\\u001f\\u007f-\\u009f]+$'
export const longestName = 256
const nameShape = new RegExp(namePattern)

/** A user, or the id of a token: 1 to 256 characters without control characters. */
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= longestName && nameShape.test(value)

// ---------------------------------------------------------------- cameras

/** The pattern of camera patterns, for schemas: a camera id in which `*` stands for any characters. */
export const cameraPattern = '^[a-z0-9*]{1,64}$'
/** How many patterns a list may have: more cameras than any service has. */
export const mostCameraPatterns = 256
const cameraShape = new RegExp(cameraPattern)

/** A camera id in which `*` stands for any characters (`camera0`, `camera1*`). */
export const isCameraPattern = (value: unknown): value is string => typeof value === 'string' && cameraShape.test(value)

/** The `cameras` of a token, an API key or a client certificate. */
export const isCameraList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= mostCameraPatterns && value.every(isCameraPattern)

// ---------------------------------------------------------------- callers

/** Signed URLs store the index of a kind: append, never reorder. */
export const credentialKinds = ['token', 'key', 'certificate'] as const

/** Identifies a credential without revealing it. */
export interface Credential {
  kind: (typeof credentialKinds)[number]
  /** A token's `jti` (or its hash if it has none), a key's id, a certificate's fingerprint. */
  id: string
}

export const isSameCredential = (one: Credential | undefined, other: Credential): boolean =>
  one?.kind === other.kind && one.id === other.id

/** `token:<id>`, `key:<id>`, `certificate:<id>`. */
export const credentialName = ({ kind, id }: Credential): string => `${kind}:${id}`

/** A user, and what the user may do. */
export interface Rights {
  user: string
  role: Role
  /** Ids or patterns (`camera1`, `camera1*`); absent: every camera. */
  cameras?: readonly string[]
}

/** A client with a valid credential. */
export interface Caller extends Rights {
  /** `neverExpires` if it has no end. */
  expiresAt: number
  credential?: Credential
}

/** The last instant that a Date can hold. */
export const neverExpires = 8.64e15

/**
 * The `cameras` of a caller, from the list of a token, a key or the configuration. A list that includes every camera is
 * dropped, so that `cameras === undefined` is the only test for "all cameras".
 */
export const limitOf = (cameras?: readonly string[]): Pick<Caller, 'cameras'> =>
  cameras === undefined || cameras.some((each) => /^\*+$/.test(each)) ? {} : { cameras }

/** True if the caller may use the camera. To other callers the camera does not exist. */
export const mayUse = ({ cameras }: Pick<Caller, 'cameras'>, camera: string): boolean =>
  cameras === undefined || cameras.some((each) => each === camera || (each.includes('*') && matches(each, camera)))

/** Linear in time for every pattern: patterns come from tokens, so they never become regular expressions. */
function matches(wanted: string, text: string): boolean {
  const [first = '', ...rest] = wanted.split('*')
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > text.length - last.length) return false
    at = found + part.length
  }
  return true
}

// ---------------------------------------------------------------- credentials

export interface Tokens {
  /** `expiresIn` in ms. `id`: the `jti`; default: a new one. */
  issue(claims: Rights & { expiresIn: number; id?: string }): Promise<string>
}

/** JWTs and API keys. */
export interface Credentials {
  /**
   * Rejects with ServiceError `authFailed`, its `data.reason` one of auth_required, auth_failed, token_expired,
   * revoked. `offline`: never waits for the network; a token whose key is not in memory (a JWKS not fetched yet) is
   * refused.
   */
  verify(text: string, also?: { offline?: boolean }): Promise<Caller>
  /** Revokes a credential, also for later starts of the service. `until`: when it expires anyway. */
  revoke(credential: Credential, until: number): Promise<void>
  isRevoked(credential: Credential): boolean
  /** Calls `listener` with each credential that a method or the command line ends before it expires. */
  onRevoked(listener: (credential: Credential) => void): Dispose
}

/** The public part of an API key: everything except the secret. */
export interface ApiKey extends Rights {
  id: string
  /** The first characters of the key, so that people can recognise it: `csk_1a2b3c4d`. */
  prefix: string
  createdAt: number
  /** `neverExpires` if it has no end. */
  expiresAt: number
  lastUsedAt?: number
  revokedAt?: number
}

export interface ApiKeys {
  /**
   * Creates a key. `secret` is the key itself and is stored nowhere. `expiresIn` in ms; 0: never; absent: the
   * configured default. Rejects with ServiceError `invalidParams`, or `invalidState` when too many keys are valid.
   */
  create(wish: Rights & { expiresIn?: number }): Promise<{ key: ApiKey; secret: string }>
  /** Newest first; includes revoked and expired keys for 30 days. */
  list(): Promise<ApiKey[]>
  /**
   * Replaces a key with a new one with the same rights, and revokes it. Rejects with ServiceError `notFound` or
   * `invalidState`.
   */
  rotate(id: string): Promise<{ key: ApiKey; secret: string }>
  /** Revokes a key. Rejects with ServiceError `notFound`. */
  revoke(id: string): Promise<ApiKey>
}

// ---------------------------------------------------------------- signed URLs

/** The permission in a signed URL: one stream or file, for a limited time. */
export interface Grant {
  /** `stream:camera0`, `recordings/<file>`, `snapshots/<file>`, `still:camera0`. */
  subject: string
  user: string
  expiresAt: number
  /** The credential it was issued to: the grant ends with it. */
  credential?: Credential
  /** The only address it is valid for; absent: any. */
  address?: string
}

export interface Links {
  /** Returns the value of the query parameter `sig`. */
  sign(grant: Grant): string
  /**
   * Throws ServiceError `authFailed` unless `sig` is valid for this subject and address, not expired and not revoked.
   */
  verify(sig: string, request: { subject: string; address: string }): Grant
}

// ---------------------------------------------------------------- media sessions

/** The authentication request that the media server sends for each reader and publisher, with its member names. */
export interface MediaQuestion {
  action: string
  path: string
  protocol: string
  id: string | null
  /** As `plainAddress` writes it. */
  ip: string
  user: string
  password: string
  token: string
  query: string
  userAgent: string
}

/** A reader of a stream, with the id that the media server gave it. */
export interface MediaSession {
  id: string
  protocol: string
  camera: CameraId
  user: string
  address: string
  since: number
  expiresAt: number
  credential?: Credential
}

/** Authorises the clients of the media server, and ends a media session when its credential ends. */
export interface StreamAccess {
  /** Resolves with true if access is granted. Uses no network. */
  mayPass(question: MediaQuestion): Promise<boolean>
  /** Lists the media sessions. */
  sessions(): MediaSession[]
  /** Ends the media sessions that match. Resolves with the number of sessions that the media server ended. */
  end(isIt: (session: MediaSession) => boolean, reason: string): Promise<number>
}

/** The subject of a grant that opens a camera's stream. */
export const streamSubject = (camera: string): string => `stream:${camera}`

/** Recognises the service itself among the clients of the media server. */
export interface OwnAccess {
  /**
   * Returns the purpose of one of the service's own credentials; undefined for any other credential, and for that of
   * the publisher of another path.
   */
  purposeOf(shown: Pick<MediaQuestion, 'user' | 'password' | 'path'>): 'reader' | 'publisher' | 'api' | undefined
  /** True for an address of this host. */
  isOwnAddress(address: string): boolean
}

/** Counts failed authentications by address. */
export interface AuthFailures {
  /** How long failed authentications of the address are not reported, in ms; 0 if they are reported. */
  pause(address: string): number
  failed(address: string): void
}

// ---------------------------------------------------------------- audit

export interface AuditEntry {
  event: 'authentication' | 'refusal' | 'change' | 'deletion'
  /** The method, or `GET /files`, `RTSP read` … */
  action: string
  result: 'ok' | 'refused' | 'failed'
  /** Empty: the client is not authenticated. */
  user: string
  role?: Role
  /** As `credentialName` writes it. */
  credential?: string
  address: string
  session?: string
  request?: string
  /** The subject of the action: a camera, a file, a key's id. */
  subject?: string
  reason?: string
  /** Number of similar entries suppressed since the last one written. The other members are those of the latest. */
  count?: number
}

/** A change that another process, such as the command line, made to the keys or revocations; for the audit log. */
export interface OutsideChange {
  action: 'keys' | 'revocations'
  /** The id of the key or credential. */
  subject: string
  reason: string
}

/** An entry of the log. */
export interface AuditRecord extends AuditEntry {
  /** Counts all entries, without gaps. */
  seq: number
  at: number
}

export type AuditVerdict = { good: true; entries: number } | { good: false; entries: number; fault: string }

export interface AuditLog {
  /** Adds an entry, in order. Never throws, never waits. */
  write(entry: AuditEntry): void
  /**
   * Returns entries, newest first, with a `seq` below `before`, of `user` and `action` if these are given. `total`: the
   * number of stored entries. `next`: the `before` of the next page. A page reads a limited number of entries, so it
   * may hold fewer than `limit` records, or none, although there are more.
   */
  read(page: {
    limit: number
    before?: number
    user?: string
    action?: string
  }): Promise<{ records: AuditRecord[]; total: number; next?: number }>
  /** Writes the entries that are waiting. Never rejects. */
  close(): Promise<void>
}
