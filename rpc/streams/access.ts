import {
  type AuditLog,
  type Caller,
  type Credential,
  type Credentials,
  credentialName,
  isAtLeast,
  isSameCredential,
  type Links,
  type MediaQuestion,
  mayUse,
  type StreamAccess,
} from '../../machines/domain/access.js'
import { allowList, hostInUrl } from '../../machines/domain/address.js'
import { isCameraId } from '../../machines/domain/camera.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Log, MediaServer, Metrics } from '../../machines/domain/ports.js'
import type { RateLimits } from '../rateLimits.js'
import { isOwnAddress, type OwnCredential, shows } from './own.js'
import { createMediaSessions } from './sessions.js'

export interface StreamAccessOptions {
  credentials: Pick<Credentials, 'verify' | 'isRevoked' | 'onRevoked'>
  links: Pick<Links, 'verify'>
  mediaServer: Pick<MediaServer, 'kick' | 'sessions'>
  clock: Clock
  log: Log
  audit: Pick<AuditLog, 'write'>
  metrics?: Pick<Metrics, 'refused'>
  own: OwnCredential
  /** Addresses and networks that may come at all, as in RpcOptions; the service itself always may. Empty: all. */
  allowedIps?: readonly string[]
  /** Those of the API: what is guessed here counts there, and in a pause is refused without a word for each. */
  rateLimits?: Pick<RateLimits, 'pause' | 'failed'>
  /** Everybody reads; publishing and the API are ours all the same. */
  open: boolean
  /** How long a stream may take to start, in ms; 30 s by default. */
  startLimit?: number
}

/** The subject of a grant that opens a camera's stream. */
export const streamSubject = (camera: string): string => `stream:${camera}`

/** Reasons of what may have been tried out, unlike of what has ended. */
const guesses = ['auth_failed', 'only cameras publish', 'only the service uses the API']

type Reader = { user: string; expiresAt: number; credential?: Credential; query?: string }
/** `shown`: the client has shown something, which was no good. `reader`: who is to be ended when its time is over. */
type Verdict =
  | { passes: true; reader?: Reader }
  | { passes: false; shown: boolean; reason: string; user?: string; credential?: Credential }

const refused = (reason: string, also: { shown?: boolean; user?: string; credential?: Credential } = {}): Verdict => ({
  passes: false,
  shown: true,
  reason,
  ...also,
})

/**
 * Decides for the media server who may read, publish and use its API. A signed URL opens the one camera that it was made for; an API
 * key or a token, as Basic password, every camera of its rights. Publishing and the API are for ourselves alone. What does not
 * fit is refused.
 */
export const createStreamAccess = (options: StreamAccessOptions): StreamAccess & { close(): void } => {
  const { credentials, links, clock, log, audit, metrics, own, open, rateLimits, startLimit = 30_000 } = options
  const sessions = createMediaSessions({ mediaServer: options.mediaServer, clock, log, startLimit })
  const unlisten = credentials.onRevoked((credential) => {
    void sessions.end((session) => isSameCredential(session.credential, credential), 'its credential was revoked')
  })
  const isAllowed = allowList(options.allowedIps ?? [])
  if (open) log.warn('security.streams is open: whoever reaches the ports of the media server can watch every camera')

  const reasonOf = (error: unknown): string => {
    if (error instanceof ServiceError) return error.data.reason ?? error.key
    log.error('a credential could not be checked, so it was refused', { error })
    return 'internal'
  }

  const bySignature = ({ path, ip, query }: MediaQuestion, sigs: string[]): Verdict => {
    const [sig = '', ...more] = sigs
    if (more.length > 0) return refused('more than one sig')
    try {
      const { user, expiresAt, credential } = links.verify(sig, {
        subject: streamSubject(path),
        address: hostInUrl(ip),
      })
      return { passes: true, reader: { user, expiresAt, query, ...(credential && { credential }) } }
    } catch (error) {
      return refused(reasonOf(error))
    }
  }

  const byCredential = async ({ path }: MediaQuestion, text: string): Promise<Verdict> => {
    let caller: Caller
    try {
      caller = await credentials.verify(text, { offline: true })
    } catch (error) {
      return refused(reasonOf(error))
    }
    const { user, role, expiresAt, credential } = caller
    const who = { user, ...(credential && { credential }) }
    if (!isAtLeast(role, 'viewer') || !mayUse(caller, path)) return refused('permission_denied', who)
    // While it was checked it may have been revoked, and whom that was told to did not know of this reader.
    if (credential && credentials.isRevoked(credential)) return refused('revoked', who)
    return { passes: true, reader: { ...who, expiresAt } }
  }

  const read = async (question: MediaQuestion): Promise<Verdict> => {
    const { path, ip, user, password, token, query, userAgent } = question
    const isOurs = shows(question, own.reader) && isOwnAddress(ip)
    if (!isOurs && !isAllowed(ip))
      return refused('foreign_address', { shown: query !== '' || password !== '' || token !== '' || user !== '' })
    if (open) return { passes: true }
    if (shows(question, own.reader))
      return isOwnAddress(ip) && isCameraId(path) ? { passes: true } : refused('not from here')
    const sigs = new URLSearchParams(query).getAll('sig')
    const text = password || token
    const shown = sigs.length > 0 || text !== '' || user !== ''
    if (!isCameraId(path)) return refused('no camera', { shown })
    // A source that it pulls from may send our own media server here, with a URL that was signed for somebody. DESCRIBE names no agent, SETUP does.
    if (sigs.length > 0 && userAgent.startsWith('gortsplib') && isOwnAddress(ip)) return refused('loop')
    if (sigs.length > 0) return bySignature(question, sigs)
    return text === '' ? refused('auth_required', { shown }) : byCredential(question, text)
  }

  const publish = (question: MediaQuestion): Verdict => {
    const { path, protocol, ip, user, password } = question
    if (!shows(question, own.publisher))
      return refused('only cameras publish', { shown: user !== '' || password !== '' })
    return isOwnAddress(ip) && protocol.startsWith('rtsp') && isCameraId(path)
      ? { passes: true }
      : refused('not from here')
  }

  const useApi = (question: MediaQuestion): Verdict => {
    if (!shows(question, own.api))
      return refused('only the service uses the API', { shown: question.user !== '' || question.password !== '' })
    return isOwnAddress(question.ip) ? { passes: true } : refused('not from here')
  }

  const judge = async (question: MediaQuestion): Promise<Verdict> => {
    if (question.action === 'read') return read(question)
    if (question.action === 'publish') return publish(question)
    if (question.action === 'api') return useApi(question)
    return refused('not offered', { shown: question.user !== '' || question.password !== '' })
  }

  /** From now on it is known who reads, so that it can be ended. */
  const remember = ({ id, protocol, path, ip }: MediaQuestion, { query, ...reader }: Reader): boolean =>
    id === null ||
    !isCameraId(path) ||
    sessions.add({ id, protocol, camera: path, address: hostInUrl(ip), since: clock.now(), ...reader }, query)

  const isKnown = ({ id, path }: MediaQuestion) =>
    sessions.all().some((session) => session.id === id && session.camera === path)

  const actionOf = ({ action, protocol }: MediaQuestion) =>
    action === 'api' ? 'media server API' : `${protocol.toUpperCase()} ${action}`.trim().slice(0, 64)
  const whoOf = ({ ip }: MediaQuestion, { user = '', credential }: { user?: string; credential?: Credential }) => ({
    user,
    ...(credential && { credential: credentialName(credential) }),
    address: hostInUrl(ip),
  })

  /** A session asks several times: HLS with each request. */
  const tellAdmission = (question: MediaQuestion, reader: Reader) =>
    audit.write({
      event: 'authentication',
      action: actionOf(question),
      result: 'ok',
      ...whoOf(question, reader),
      subject: question.path,
    })

  const tell = (question: MediaQuestion, refusal: { reason: string; user?: string; credential?: Credential }) => {
    const { path, ip } = question
    const { reason, user = '' } = refusal
    const what = actionOf(question)
    const subject = path.slice(0, 64)
    log.warn('a stream was refused', { action: what, path: subject, address: ip, reason, ...(user !== '' && { user }) })
    audit.write({
      event: 'refusal',
      action: what,
      result: 'refused',
      ...whoOf(question, refusal),
      reason,
      ...(subject !== '' && { subject }),
    })
    metrics?.refused('authentication')
  }

  /** Counts a guess; true: one that comes during a pause, when single ones are not told of any more. */
  const isOneOfMany = ({ ip }: MediaQuestion, reason: string): boolean => {
    if (rateLimits === undefined || !guesses.includes(reason)) return false
    const address = hostInUrl(ip)
    if (rateLimits.pause(address) > 0) {
      metrics?.refused('rate')
      return true
    }
    rateLimits.failed(address)
    return false
  }

  return {
    mayPass: async (question) => {
      const verdict = await judge(question)
      if (verdict.passes) {
        const { reader } = verdict
        if (reader === undefined) return true
        const isNew = !isKnown(question)
        if (remember(question, reader)) {
          if (isNew) tellAdmission(question, reader)
          return true
        }
        tell(question, { ...reader, reason: 'too many sessions' })
        return false
      }
      // Clients ask without a credential first, to be asked for one.
      if (verdict.shown && !isOneOfMany(question, verdict.reason)) tell(question, verdict)
      return false
    },
    sessions: () => sessions.all(),
    end: (isIt, reason) => sessions.end(isIt, reason),
    close: () => {
      unlisten()
      sessions.close()
    },
  }
}
