import { randomUUID } from 'node:crypto'
import { type ActorRefFrom, waitFor } from 'xstate'
import {
  type AuditEntry,
  type AuditLog,
  type AuthFailures,
  type Caller,
  type Credential,
  type Credentials,
  credentialName,
  isAtLeast,
  isSameCredential,
  type Links,
  type MediaQuestion,
  mayUse,
  type OwnAccess,
  type StreamAccess,
  streamSubject,
} from '../machines/domain/access.js'
import { type AllowList, hostInUrl } from '../machines/domain/address.js'
import { isCameraId } from '../machines/domain/camera.js'
import { ServiceError } from '../machines/domain/errors.js'
import { admittedReader } from '../machines/domain/mediaReaders.js'
import type { Clock, Log, Metrics, Pipelines } from '../machines/domain/ports.js'
import { isEnding, keysWhere, type mediaSessionsMachine, mediaSessionsView } from '../machines/mediaSessions.js'

export interface StreamAccessPorts {
  credentials: Pick<Credentials, 'verify' | 'isRevoked' | 'onRevoked'>
  links: Pick<Links, 'verify'>
  /** Undefined while the actor does not run; then no reader is admitted. */
  mediaSessions: () => ActorRefFrom<typeof mediaSessionsMachine> | undefined
  own: OwnAccess
  pipelines: Pick<Pipelines, 'admit'>
  /** True for addresses that may read. The service itself may always read. */
  isAllowed: AllowList
  /** Counts failed authentications. */
  failures?: AuthFailures
  /** True: every client may read. Only the service may publish and use the API. */
  open: boolean
  clock: Clock
  log: Log
  audit: Pick<AuditLog, 'write'>
  metrics?: Pick<Metrics, 'refused'>
}

type Reader = { user: string; expiresAt: number; credential?: Credential; query?: string }
type Refusal = { passes: false; reason: string; user?: string; credential?: Credential }
/** `reader`: a client whose media session ends with its credential. */
type Verdict = { passes: true; reader?: Reader } | Refusal

const passes: Verdict = { passes: true }
const refused = (reason: string, who: { user?: string; credential?: Credential } = {}): Refusal => ({
  passes: false,
  reason,
  ...who,
})

/** Reasons that count as a failed authentication. An expired credential was valid before, so it does not count. */
const guesses = ['auth_failed', 'publishing_denied', 'no_new_pipeline', 'api_denied']

const notItsPipeline =
  'publisher refused: it has the password of this camera, but is not its ffmpeg that has just been started'

/**
 * Authorises the clients of the media server. A signed URL allows reading one camera. A token or an API key allows
 * reading the cameras of its right. Only the service itself may use the API, and only its pipelines may publish: other
 * users of the host can read their password in `ps`, so each process of a pipeline is admitted once.
 */
export const createStreamAccess = (ports: StreamAccessPorts): StreamAccess & { close(): void } => {
  const { credentials, links, mediaSessions, own, pipelines, isAllowed, failures, open, clock, log, audit, metrics } =
    ports
  if (open) log.warn('security.streams is open: every client that reaches the media server can watch every camera')

  const end: StreamAccess['end'] = async (isIt, reason) => {
    const actor = mediaSessions()
    if (actor === undefined) return 0
    const request = randomUUID()
    let ended = 0
    const { unsubscribe } = actor.on('mediaSession.ended', (fact) => {
      if (fact.request === request) ended += 1
    })
    actor.send({
      type: 'readers.end',
      keys: keysWhere(actor.getSnapshot(), isIt),
      reason,
      request,
      at: clock.monotonic(),
    })
    // Rejects if the actor stops; then no kicks follow.
    await waitFor(actor, (snapshot) => !isEnding(snapshot, request)).catch(() => {})
    unsubscribe()
    return ended
  }

  const unlisten = credentials.onRevoked((credential) => {
    void end((session) => isSameCredential(session.credential, credential), 'revoked')
  })

  const reasonFor = (error: unknown): string => {
    if (error instanceof ServiceError) return error.data.reason ?? error.key
    log.error('a credential could not be checked and is rejected', { error })
    return 'internal'
  }

  /**
   * Returns the reader that was admitted with the same URL and still may stay: HLS clients show it with each request,
   * and the wall clock may have been set meanwhile.
   */
  const admitted = ({ id, path, query }: MediaQuestion): Reader | undefined => {
    const readers = mediaSessions()?.getSnapshot().context.readers ?? []
    const known = id === null ? undefined : admittedReader(readers, { id, camera: path, query }, clock.monotonic())
    if (known === undefined || (known.credential && credentials.isRevoked(known.credential))) return undefined
    const { user, expiresAt, credential } = known
    return { user, expiresAt, query, ...(credential && { credential }) }
  }

  const bySignature = (question: MediaQuestion, sig: string): Verdict => {
    const { path, ip, query } = question
    try {
      const grant = links.verify(sig, { subject: streamSubject(path), address: hostInUrl(ip) })
      const { user, expiresAt, credential } = grant
      return { passes: true, reader: { user, expiresAt, query, ...(credential && { credential }) } }
    } catch (error) {
      const reason = reasonFor(error)
      const reader = reason === 'token_expired' ? admitted(question) : undefined
      return reader ? { passes: true, reader } : refused(reason)
    }
  }

  const byCredential = async ({ path }: MediaQuestion, text: string): Promise<Verdict> => {
    let caller: Caller
    try {
      caller = await credentials.verify(text, { offline: true })
    } catch (error) {
      return refused(reasonFor(error))
    }
    const { user, role, expiresAt, credential } = caller
    const who = { user, ...(credential && { credential }) }
    if (!isAtLeast(role, 'viewer') || !mayUse(caller, path)) return refused('permission_denied', who)
    // The credential may have been revoked during the check, which ends only readers that are known already.
    if (credential && credentials.isRevoked(credential)) return refused('revoked', who)
    return { passes: true, reader: { ...who, expiresAt } }
  }

  const read = (question: MediaQuestion): Verdict | Promise<Verdict> => {
    const { path, ip, userAgent } = question
    const isOwn = own.purposeOf(question) === 'reader'
    const isOwnHere = isOwn && own.isOwnAddress(ip)
    if (!isOwnHere && !isAllowed(ip)) return refused('foreign_address')
    if (open) return passes
    if (!isCameraId(path)) return refused('no_camera')
    if (isOwn) return isOwnHere ? passes : refused('not_this_host')
    const [sig, ...more] = sigsOf(question)
    if (sig === undefined) {
      const text = question.password || question.token
      return text === '' ? refused('auth_required') : byCredential(question, text)
    }
    if (more.length > 0) return refused('sig_repeated')
    // A source may redirect the media server to itself, with a URL that was signed for a client. DESCRIBE has no user
    // agent, but SETUP has one.
    if (userAgent.startsWith('gortsplib') && own.isOwnAddress(ip)) return refused('loop')
    return bySignature(question, sig)
  }

  const judge = (question: MediaQuestion): Verdict | Promise<Verdict> => {
    const { action, path, protocol, ip } = question
    if (action === 'read') return read(question)
    if (action !== 'publish' && action !== 'api') return refused('not_offered')
    const isApi = action === 'api'
    if (own.purposeOf(question) !== (isApi ? 'api' : 'publisher'))
      return refused(isApi ? 'api_denied' : 'publishing_denied')
    if (!own.isOwnAddress(ip)) return refused('not_this_host')
    if (isApi) return passes
    if (!protocol.startsWith('rtsp')) return refused('not_offered')
    if (!isCameraId(path)) return refused('no_camera')
    return pipelines.admit(path) ? passes : refused('no_new_pipeline')
  }

  const writeAudit = (
    { event, result, ...about }: Pick<AuditEntry, 'event' | 'result' | 'reason' | 'subject'>,
    question: MediaQuestion,
    { user = '', credential }: Pick<Refusal, 'user' | 'credential'>,
  ) =>
    audit.write({
      event,
      action: actionOf(question),
      result,
      user,
      ...(credential && { credential: credentialName(credential) }),
      address: hostInUrl(question.ip),
      ...about,
    })

  /** Adds the reader to the media sessions, which kick it when its credential ends. */
  const admit = (question: MediaQuestion, { query, ...reader }: Reader): Verdict => {
    const { id, path, protocol, ip } = question
    if (id === null || !isCameraId(path)) return passes
    const actor = mediaSessions()
    const [since, at] = [clock.now(), clock.monotonic()]
    const session = { id, protocol, camera: path, address: hostInUrl(ip), since, ...reader }
    const endsAt = at + reader.expiresAt - since
    const event = { type: 'reader.admit', session, at, endsAt, ...(query !== undefined && { query }) } as const
    if (!actor?.getSnapshot().can(event)) {
      actor?.send({ type: 'readers.check' })
      return refused('too_many_sessions', reader)
    }
    const isNew = !mediaSessionsView(actor.getSnapshot()).some((known) => known.id === id && known.camera === path)
    actor.send(event)
    if (isNew) writeAudit({ event: 'authentication', result: 'ok', subject: path }, question, reader)
    return passes
  }

  const report = (question: MediaQuestion, refusal: Refusal) => {
    const { path, ip } = question
    const { reason, user = '' } = refusal
    const action = actionOf(question)
    const subject = path.slice(0, 64)
    log.warn(reason === 'no_new_pipeline' ? notItsPipeline : 'stream access refused', {
      action,
      path: subject,
      address: ip,
      reason,
      ...(user !== '' && { user }),
    })
    const about = { reason, ...(subject !== '' && { subject }) }
    writeAudit({ event: 'refusal', result: 'refused', ...about }, question, refusal)
    metrics?.refused('authentication')
  }

  /** Counts a failed authentication. True if the address is throttled, so that this failure is not reported. */
  const isPaused = ({ ip }: MediaQuestion, { reason }: Refusal): boolean => {
    if (failures === undefined || !guesses.includes(reason)) return false
    const address = hostInUrl(ip)
    if (failures.pause(address) > 0) {
      metrics?.refused('rate')
      return true
    }
    failures.failed(address)
    return false
  }

  return {
    mayPass: async (question) => {
      const judged = await judge(question)
      const verdict = judged.passes && judged.reader !== undefined ? admit(question, judged.reader) : judged
      // The first request of a client normally has no credential.
      if (!verdict.passes && showsCredential(question) && !isPaused(question, verdict)) report(question, verdict)
      return verdict.passes
    },
    sessions: () => {
      const actor = mediaSessions()
      // The next answer is without the readers that have left since the last list, which may be 30 s old.
      actor?.send({ type: 'readers.check' })
      return actor === undefined ? [] : mediaSessionsView(actor.getSnapshot())
    },
    end,
    close: unlisten,
  }
}

const sigsOf = ({ query }: MediaQuestion): string[] => new URLSearchParams(query).getAll('sig')

const showsCredential = (question: MediaQuestion): boolean =>
  question.user !== '' || question.password !== '' || question.token !== '' || sigsOf(question).length > 0

/** `RTSP read`, `media server API`. */
const actionOf = ({ action, protocol }: MediaQuestion): string =>
  action === 'api' ? 'media server API' : `${protocol.toUpperCase()} ${action}`.trim().slice(0, 64)
