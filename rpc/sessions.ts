import { type Caller, isSameCredential } from '../machines/domain/access.js'
import { isFirstSetting } from '../machines/domain/clockJump.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Place } from './admission.js'
import type { Connection } from './connection.js'
import type { RpcOptions } from './options.js'
import { iso } from './present.js'
import type { Session, SessionEnd } from './session.js'

/** The sessions of all connections: their callers, and how long those may stay. */
export interface Sessions {
  all(): Session[]
  find(id: string): Session | undefined
  /** Makes the caller that of the session. Holds of an earlier caller with other rights are released. */
  admit(session: Session, caller: Caller): void
  /**
   * Takes the caller away: notifies the client, releases its holds, ends the media sessions of its credential (resolves
   * with their number; never rejects), and closes the connection after the grace unless it authenticates again.
   */
  expire(session: Session, reason: SessionEnd): Promise<number>
  /** Closes a connection. */
  close(session: Session, code: number, reason: string): void
}

/** The part that only the server uses. */
interface Keeping {
  opened(connection: Connection, place: Place): void
  left(session: Session): void
  /** Closes every connection (1001). */
  stop(reason: string): void
}

interface Entry {
  connection: Connection
  place: Place
  /** Monotonic; when the grace of an ended caller is over. */
  closeAt?: number
}

/** Longest time between two checks, in ms. */
const longestWait = 1_000

const hasSameRights = (one: Caller, other: Caller) =>
  one.user === other.user &&
  one.role === other.role &&
  (one.cameras ?? ['*']).join() === (other.cameras ?? ['*']).join()

/** Sent without a subscription. */
const expiredNotification = (params: object) => JSON.stringify({ jsonrpc: '2.0', method: 'session.expired', params })

/** Keeps all sessions, with one timer for all that ends by time: callers, grace, silent connections. */
export const createSessions = ({
  services: { clock, log, ask, streamAccess, credentials, facts, limits },
}: {
  services: Pick<RpcOptions, 'clock' | 'log' | 'ask' | 'streamAccess' | 'credentials' | 'facts' | 'limits'>
}) => {
  const { expiryGrace = 30_000, pingInterval, pongWait, authenticationTimeout = 60_000 } = limits
  const beat = Math.max(10, Math.min(longestWait, pingInterval / 4, pongWait / 4, authenticationTimeout / 4))
  const entries = new Map<Session, Entry>()
  let next: { timer: NodeJS.Timeout; at: number } | undefined

  const release = (session: Session) => {
    try {
      ask.releaseAll(session.id)
    } catch (error) {
      log.error('the holds of a session could not be released', { session: session.id, error })
    }
  }

  const endMedia = async ({ credential }: Caller, reason: SessionEnd): Promise<number> => {
    if (credential === undefined) return 0
    try {
      return await streamAccess.end((media) => isSameCredential(media.credential, credential), reason)
    } catch (error) {
      log.error('the media sessions of a credential could not be ended', { reason: reasonOf(error) })
      return 0
    }
  }

  /** Checks all sessions after `due` ms, or earlier. */
  const checkWithin = (due: number) => {
    const wait = Math.ceil(Math.min(beat, Math.max(0, due)))
    const at = performance.now() + wait
    if (next !== undefined && next.at <= at) return
    clearTimeout(next?.timer)
    next = { at, timer: setTimeout(check, wait) }
  }

  /** Ends what is due; returns the ms until the next end. */
  const checkSession = (session: Session, { connection, closeAt }: Entry, now: number): number => {
    connection.tick(now)
    const { caller, ended } = session
    if (caller !== undefined) {
      const left = session.endsAt - clock.monotonic()
      if (left <= 0) expire(session, 'token_expired')
      return left > 0 ? left : expiryGrace
    }
    if (closeAt === undefined) return beat
    if (closeAt > now) return closeAt - now
    connection.close(4401, `the session is over: ${ended?.reason ?? 'ended'}`)
    return beat
  }

  function check() {
    next = undefined
    const now = performance.now()
    const waits = [...entries].map(([session, entry]) => checkSession(session, entry, now))
    if (entries.size > 0) checkWithin(Math.min(...waits))
  }

  const expire = (session: Session, reason: SessionEnd): Promise<number> => {
    const { caller } = session
    const entry = entries.get(session)
    if (caller === undefined || entry === undefined) return Promise.resolve(0)
    session.caller = undefined
    session.endsAt = Number.POSITIVE_INFINITY
    session.ended = { reason, user: caller.user, ...(caller.cameras && { cameras: caller.cameras }) }
    entry.closeAt = performance.now() + expiryGrace
    checkWithin(expiryGrace)
    const now = clock.now()
    session.send(
      expiredNotification({ reason, session_id: session.id, closes_at: iso(now + expiryGrace), at: iso(now) }),
    )
    log.info('a session has ended', { session: session.id, user: caller.user, address: session.address, reason })
    release(session)
    return endMedia(caller, reason)
  }

  /** From now on, the credential expires by elapsed time: see docs/decisions/0014-clock-jumps.md. */
  const anchor = (session: Session, { expiresAt }: Caller) => {
    const left = expiresAt - clock.now()
    session.endsAt = clock.monotonic() + left
    checkWithin(left)
  }

  const unlisten = [
    credentials.onRevoked((credential) => {
      for (const session of entries.keys())
        if (isSameCredential(session.caller?.credential, credential)) expire(session, 'revoked')
    }),
    facts.subscribe((fact) => {
      if (!isFirstSetting(fact)) return
      for (const session of entries.keys()) if (session.caller) anchor(session, session.caller)
    }),
  ]

  const sessions: Sessions & Keeping = {
    all: () => [...entries.keys()],
    find: (id) => sessions.all().find((session) => session.id === id),
    admit: (session, caller) => {
      const entry = entries.get(session)
      if (entry === undefined) return
      if (session.caller !== undefined && !hasSameRights(session.caller, caller)) release(session)
      session.caller = caller
      session.ended = undefined
      entry.place.authenticated()
      anchor(session, caller)
    },
    expire,
    close: (session, code, reason) => entries.get(session)?.connection.close(code, reason),
    opened: (connection, place) => {
      entries.set(connection.session, { connection, place })
      checkWithin(beat)
    },
    left: (session) => {
      entries.get(session)?.place.leave()
      entries.delete(session)
      release(session)
    },
    stop: (reason) => {
      clearTimeout(next?.timer)
      for (const end of unlisten) end()
      for (const { connection } of entries.values()) connection.close(1001, reason)
    },
  }
  return sessions
}
