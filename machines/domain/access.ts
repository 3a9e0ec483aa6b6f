/** Who may do what: callers, what they show, what they may be given. Times are epoch milliseconds. */
import type { CameraId } from './camera.js'
import type { Dispose } from './ports.js'

export type Role = 'viewer' | 'operator' | 'admin'
export const roles = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[]
export const isRole = (value: unknown): value is Role =>
  typeof value === 'string' && (roles as readonly string[]).includes(value)

/** Whether who has one role may do what asks for the other. */
export const isAtLeast = (have: Role, required: Role): boolean => roles.indexOf(have) >= roles.indexOf(required)

/** What somebody has shown, as it can be named without telling it: a token's `jti` (or the hash of one that has none), a key's id, a certificate's fingerprint. */
export interface Credential {
  kind: 'token' | 'key' | 'certificate'
  id: string
}

export const isSameCredential = (one: Credential | undefined, other: Credential): boolean =>
  one?.kind === other.kind && one.id === other.id

/** `token:<id>`, `key:<id>`, `certificate:<id>`. */
export const credentialName = ({ kind, id }: Credential): string => `${kind}:${id}`

/** Somebody whose credential was good. */
export interface Caller {
  user: string
  role: Role
  /** `neverExpires`: not by itself. */
  expiresAt: number
  /** Ids or patterns (`camera1`, `camera1*`); absent: every camera. */
  cameras?: readonly string[]
  credential?: Credential
}

/** The last instant that a Date can hold. */
export const neverExpires = 8.64e15

/**
 * A caller's `cameras` from what a token, a key or the configuration lists: a list that admits every camera is no limit. Callers are made with it,
 * so that `cameras === undefined` is all that need be asked.
 */
export const limitOf = (cameras?: readonly string[]): Pick<Caller, 'cameras'> =>
  cameras === undefined || cameras.some((pattern) => /^\*+$/.test(pattern)) ? {} : { cameras }

/** A camera id in which `*` may stand for any characters. */
export const isCameraPattern = (text: string): boolean => /^[a-z0-9*]{1,64}$/.test(text)

/** For everything that a caller may see, do, be told of or be given: a camera one may not use does not exist. */
export const mayUse = ({ cameras }: Pick<Caller, 'cameras'>, camera: string): boolean =>
  cameras === undefined ||
  cameras.some((pattern) => pattern === camera || (pattern.includes('*') && matches(pattern, camera)))

/** Linear in time whatever the pattern: no regular expression is made of what a token says. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
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

// ---------------------------------------------------------------- what is shown

export interface Tokens {
  /** `expiresIn` in ms. `id`: the `jti`; default: a new one. */
  issue(claims: {
    user: string
    role: Role
    expiresIn: number
    cameras?: readonly string[]
    id?: string
  }): Promise<string>
}

/** Everything that can be shown: JWTs and API keys. */
export interface Credentials {
  /**
   * Rejects with ServiceError `authFailed`, its `data.reason` one of auth_required, auth_failed, token_expired, revoked.
   * `offline`: from memory alone; what only a network could tell (a JWKS not fetched yet) is refused.
   */
  verify(text: string, also?: { offline?: boolean }): Promise<Caller>
  /** Bars a credential for good, in this life and later ones; `until`: when it would have expired anyway. */
  revoke(credential: Credential, until: number): Promise<void>
  isRevoked(credential: Credential): boolean
  /** Told of each credential that ends before its time, by a method or by the command line. */
  onRevoked(listener: (credential: Credential) => void): Dispose
}

/** An API key as it may be shown: never the key. */
export interface ApiKey {
  id: string
  /** The beginning of the key, by which people know it again: `csk_1a2b3c4d`. */
  prefix: string
  user: string
  role: Role
  cameras?: readonly string[]
  createdAt: number
  /** `neverExpires`: not by itself. */
  expiresAt: number
  lastUsedAt?: number
  revokedAt?: number
}

export interface ApiKeys {
  /** `secret` is told this once. `expiresIn` in ms; 0: never; absent: the configured life. Rejects with ServiceError `invalidState` when there are too many. */
  create(wish: {
    user: string
    role: Role
    cameras?: readonly string[]
    expiresIn?: number
  }): Promise<{ key: ApiKey; secret: string }>
  /** Newest first; revoked and expired ones too, for 30 days. */
  list(): Promise<ApiKey[]>
  /** A new secret for the same rights; the old one ends at once. Rejects with ServiceError `notFound`. */
  rotate(id: string): Promise<{ key: ApiKey; secret: string }>
  /** Rejects with ServiceError `notFound`. */
  revoke(id: string): Promise<ApiKey>
}

// ---------------------------------------------------------------- signed URLs

/** What the bearer of a signed URL may have: one thing, for a time. */
export interface Grant {
  /** `stream:camera0`, `recordings/<file>`, `snapshots/<file>`, `still:camera0`. */
  subject: string
  user: string
  expiresAt: number
  /** Of whom it was given to: with that one's end it ends too. */
  credential?: Credential
  /** The only address that it is good for. */
  address?: string
}

export interface Links {
  /** The value of the query's `sig`. */
  sign(grant: Grant): string
  /** Throws ServiceError `authFailed` unless `sig` is ours, of this subject, for this address, neither expired nor revoked. */
  verify(sig: string, asked: { subject: string; address: string }): Grant
}

// ---------------------------------------------------------------- media sessions

/** The question of the media server before a client may read, publish or use its API. Members as it names them. */
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

/** A reader of a stream, under the id that the media server gives it. */
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

/** Decides who may use the media server, and ends the media sessions whose credential has ended. */
export interface StreamAccess {
  /** Resolves with the answer to the media server. Uses memory alone, no network. */
  mayPass(question: MediaQuestion): Promise<boolean>
  /** Lists the media sessions. */
  sessions(): MediaSession[]
  /** Ends the media sessions that match. Resolves with the number of those that the media server had. */
  end(isIt: (session: MediaSession) => boolean, reason: string): Promise<number>
}

/** The subject of a grant that opens a camera's stream. */
export const streamSubject = (camera: string): string => `stream:${camera}`

/** Recognises the service itself among the clients of the media server. */
export interface OwnAccess {
  /** The purpose of the service's own credential that is shown; undefined for any other credential. */
  purposeOf(shown: Pick<MediaQuestion, 'user' | 'password'>): 'reader' | 'publisher' | 'api' | undefined
  /** True for an address of this host. */
  isOwnAddress(address: string): boolean
}

/** Counts failed authentications by address. */
export interface AuthFailures {
  /** How long failed authentications of the address are not reported, in ms; 0 if they are. */
  pause(address: string): number
  failed(address: string): void
}

// ---------------------------------------------------------------- audit

export interface AuditEntry {
  event: 'authentication' | 'refusal' | 'change' | 'deletion'
  /** The method, or `GET /files`, `RTSP read` … */
  action: string
  result: 'ok' | 'refused' | 'failed'
  /** Empty: nobody has said who it is. */
  user: string
  role?: Role
  /** What they had shown, as `credentialName` writes it. */
  credential?: string
  address: string
  session?: string
  request?: string
  /** What it was about: a camera, a file, a key's id. */
  subject?: string
  reason?: string
  /** So many more of its kind came from the same network after the last one that was written; `address`, `subject` and `reason` are those of the last. */
  count?: number
}

/** What another process, such as the command line, did to what the service keeps too; as an audit entry tells it. */
export interface OutsideChange {
  action: 'keys' | 'revocations'
  /** The key's id; of other credentials their name. */
  subject: string
  reason: string
}

/** An entry as it was written. */
export interface AuditRecord extends AuditEntry {
  /** Without gaps, over all files. */
  seq: number
  at: number
}

export type AuditVerdict = { good: true; entries: number } | { good: false; entries: number; fault: string }

export interface AuditLog {
  /** Never throws, never waits; entries stand in the order of their writing. */
  write(entry: AuditEntry): void
  /**
   * Newest first, from before `before` (a seq) on, with `user` and `action` those of theirs. `total`: all that are kept.
   * `next`: the `before` of the rest; a page may hold fewer than `limit`, or none, and still have one, since it looks at so many entries only.
   */
  read(page: {
    limit: number
    before?: number
    user?: string
    action?: string
  }): Promise<{ records: AuditRecord[]; total: number; next?: number }>
  /** Writes what is waiting. Never rejects. */
  close(): Promise<void>
}
