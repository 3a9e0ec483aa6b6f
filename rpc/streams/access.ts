import {
  type AuditLog,
  type Caller,
  type Credential,
  type Credentials,
  isAtLeast,
  isSameCredential,
  type Links,
  type MediaQuestion,
  mayUse,
  type StreamAccess,
} from '../../machines/domain/access.js'
import { isCameraId } from '../../machines/domain/camera.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Log, Measures, MediaServer } from '../../machines/domain/ports.js'
import { bracketed } from '../urls.js'
import { isOwnAddress, type OwnCredential, shows } from './own.js'
import { createMediaSessions } from './sessions.js'

export interface StreamAccessOptions {
  credentials: Pick<Credentials, 'verify' | 'isRevoked' | 'onRevoked'>
  links: Pick<Links, 'verify'>
  mediaServer: Pick<MediaServer, 'kick' | 'sessions'>
  clock: Clock
  log: Log
  audit: Pick<AuditLog, 'write'>
  measures?: Pick<Measures, 'refused'>
  own: OwnCredential
  /** Everybody reads; publishing and the API are ours all the same. */
  open: boolean
  /** How long a stream may take to start, in ms; 30 s by default. */
  startLimit?: number
}

/** The subject of a grant that opens a camera's stream. */
export const streamSubject = (camera: string): string => `stream:${camera}`

type Reader = { user: string; expiresAt: number; credential?: Credential; query?: string }
/** `shown`: the client has shown something, which was no good. `reader`: who is to be ended when its time is over. */
type Verdict = { passes: true; reader?: Reader } | { passes: false; shown: boolean; reason: string; user?: string }

const refused = (reason: string, also: { shown?: boolean; user?: string } = {}): Verdict => ({ passes: false, shown: true, reason, ...also })

/**
 * Decides for the media server who may read, publish and use its API. A signed URL opens the one camera that it was made for; an API
 * key or a token, as Basic password, every camera of its rights. Publishing and the API are for ourselves alone. What does not
 * fit is refused.
 */
export const createStreamAccess = (options: StreamAccessOptions): StreamAccess & { close(): void } => {
  const { credentials, links, clock, log, audit, measures, own, open, startLimit = 30_000 } = options
  const sessions = createMediaSessions({ mediaServer: options.mediaServer, clock, log, startLimit })
  const unlisten = credentials.onRevoked((credential) => {
    void sessions.end((session) => isSameCredential(session.credential, credential), 'its credential was revoked')
  })
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
      const { user, expiresAt, credential } = links.verify(sig, { subject: streamSubject(path), address: bracketed(ip) })
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
    if (!isAtLeast(role, 'viewer') || !mayUse(caller, path)) return refused('permission_denied', { user })
    // While it was checked it may have been revoked, and whom that was told to did not know of this reader.
    if (credential && credentials.isRevoked(credential)) return refused('revoked', { user })
    return { passes: true, reader: { user, expiresAt, ...(credential && { credential }) } }
  }

  const read = async (question: MediaQuestion): Promise<Verdict> => {
    if (open) return { passes: true }
    const { path, ip, user, password, token, query } = question
    if (shows(question, own.reader)) return isOwnAddress(ip) && isCameraId(path) ? { passes: true } : refused('not from here')
    const sigs = new URLSearchParams(query).getAll('sig')
    const text = password || token
    const shown = sigs.length > 0 || text !== '' || user !== ''
    if (!isCameraId(path)) return refused('no camera', { shown })
    if (sigs.length > 0) return bySignature(question, sigs)
    return text === '' ? refused('auth_required', { shown }) : byCredential(question, text)
  }

  const publish = (question: MediaQuestion): Verdict => {
    const { path, protocol, ip, user, password } = question
    if (!shows(question, own.publisher)) return refused('only cameras publish', { shown: user !== '' || password !== '' })
    return isOwnAddress(ip) && protocol.startsWith('rtsp') && isCameraId(path) ? { passes: true } : refused('not from here')
  }

  const useApi = (question: MediaQuestion): Verdict => {
    if (!shows(question, own.api)) return refused('only the service uses the API', { shown: question.user !== '' || question.password !== '' })
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
    id === null || !isCameraId(path) || sessions.add({ id, protocol, camera: path, address: bracketed(ip), since: clock.now(), ...reader }, query)

  const tell = ({ action, protocol, path, ip }: MediaQuestion, { reason, user = '' }: { reason: string; user?: string }) => {
    const what = action === 'api' ? 'media server API' : `${protocol.toUpperCase()} ${action}`.trim()
    const subject = path.slice(0, 64)
    log.warn('a stream was refused', { action: what, path: subject, address: ip, reason, ...(user !== '' && { user }) })
    audit.write({ event: 'refusal', action: what.slice(0, 64), result: 'refused', user, address: bracketed(ip), reason, ...(subject !== '' && { subject }) })
    measures?.refused('authentication')
  }

  return {
    mayPass: async (question) => {
      const verdict = await judge(question)
      if (verdict.passes) {
        if (verdict.reader === undefined || remember(question, verdict.reader)) return true
        tell(question, { reason: 'too many sessions', user: verdict.reader.user })
        return false
      }
      // Clients ask without a credential first, to be asked for one.
      if (verdict.shown) tell(question, verdict)
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
