import { type Caller, isSameCredential } from '../machines/domain/access.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Place } from './admission.js'
import type { Connection } from './connection.js'
import type { RpcOptions } from './options.js'
import { iso } from './present.js'
import type { Session, SessionEnd } from './session.js'

/** Who is connected, for whom, and until when. */
export interface Sessions {
  all(): Session[]
  find(id: string): Session | undefined
  /** The session speaks for this caller from now on. What an earlier one holds goes when its rights were others. */
  admit(session: Session, caller: Caller): void
  /**
   * Takes the caller away: tells the client, lets go of what it holds, ends the media sessions of its credential
   * (resolves with how many; never rejects) and closes the connection after the grace, unless it authenticates anew.
   */
  expire(session: Session, reason: SessionEnd): Promise<number>
  /** Closes a connection. */
  close(session: Session, code: number, reason: string): void
}

/** What the server tells them. */
interface Keeping {
  opened(connection: Connection, place: Place): void
  left(session: Session): void
  /** Looks after each connection. */
  tick(): void
  /** Closes every connection (1001). */
  stop(reason: string): void
}

/** The time until something falls due is looked at this often at least: the wall clock may have been set. */
const longestLook = 1_000

const sameRights = (one: Caller, other: Caller) =>
  one.user === other.user &&
  one.role === other.role &&
  (one.cameras ?? ['*']).join() === (other.cameras ?? ['*']).join()

/** A notification that needs no subscription. */
const expiredNotice = (params: object) => JSON.stringify({ jsonrpc: '2.0', method: 'session.expired', params })

/** The sessions of all connections. One timer looks after what ends by itself. */
export const createSessions = ({
  services: { clock, log, ask, streamAccess, credentials, limits },
}: {
  services: Pick<RpcOptions, 'clock' | 'log' | 'ask' | 'streamAccess' | 'credentials' | 'limits'>
}) => {
  const { expiryGrace = 30_000 } = limits
  const entries = new Map<Session, { connection: Connection; place: Place; closeAt?: number }>()
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY

  const release = (session: Session) => {
    try {
      ask.releaseAll(session.id)
    } catch (error) {
      log.error('the streams of a session could not be released', { session: session.id, error })
    }
  }

  const endMedia = async ({ credential }: Caller, reason: SessionEnd): Promise<number> => {
    if (credential === undefined) return 0
    try {
      return await streamAccess.end((media) => isSameCredential(media.credential, credential), reason)
    } catch (error) {
      log.error('the streams of a session could not be ended', { reason: reasonOf(error) })
      return 0
    }
  }

  /** Looks again after `wait` ms, or sooner. */
  const lookWithin = (wait: number) => {
    const at = performance.now() + Math.max(0, Math.min(wait, longestLook))
    if (timer !== undefined && dueAt <= at) return
    clearTimeout(timer)
    dueAt = at
    timer = setTimeout(look, Math.ceil(at - performance.now()))
  }

  const expire = (session: Session, reason: SessionEnd): Promise<number> => {
    const { caller } = session
    const entry = entries.get(session)
    if (caller === undefined || entry === undefined) return Promise.resolve(0)
    session.caller = undefined
    session.ended = { reason, user: caller.user, ...(caller.cameras && { cameras: caller.cameras }) }
    entry.closeAt = performance.now() + expiryGrace
    lookWithin(expiryGrace)
    const now = clock.now()
    session.send(expiredNotice({ reason, session_id: session.id, closes_at: iso(now + expiryGrace), at: iso(now) }))
    log.info('a session has ended', { session: session.id, user: caller.user, address: session.address, reason })
    release(session)
    return endMedia(caller, reason)
  }

  /** Ends what is due; resolves nothing, rejects nothing. */
  function look() {
    timer = undefined
    const [now, monotonic] = [clock.now(), performance.now()]
    let wait = Number.POSITIVE_INFINITY
    for (const [session, { connection, closeAt }] of entries) {
      if (session.caller !== undefined) {
        if (session.caller.expiresAt <= now) expire(session, 'token_expired')
        else wait = Math.min(wait, session.caller.expiresAt - now)
      } else if (closeAt !== undefined) {
        if (closeAt <= monotonic) connection.close(4401, `the session is over: ${session.ended?.reason ?? 'ended'}`)
        else wait = Math.min(wait, closeAt - monotonic)
      }
    }
    if (wait < Number.POSITIVE_INFINITY) lookWithin(wait)
  }

  const unlisten = credentials.onRevoked((credential) => {
    for (const session of entries.keys())
      if (isSameCredential(session.caller?.credential, credential)) expire(session, 'revoked')
  })

  const sessions: Sessions & Keeping = {
    all: () => [...entries.keys()],
    find: (id) => sessions.all().find((session) => session.id === id),
    admit: (session, caller) => {
      const entry = entries.get(session)
      if (entry === undefined) return
      if (session.caller !== undefined && !sameRights(session.caller, caller)) release(session)
      session.caller = caller
      session.ended = undefined
      entry.place.authenticated()
      lookWithin(caller.expiresAt - clock.now())
    },
    expire,
    close: (session, code, reason) => entries.get(session)?.connection.close(code, reason),
    opened: (connection, place) => {
      entries.set(connection.session, { connection, place })
    },
    left: (session) => {
      entries.get(session)?.place.leave()
      entries.delete(session)
      release(session)
    },
    tick: () => {
      const now = performance.now()
      for (const { connection } of entries.values()) connection.tick(now)
    },
    stop: (reason) => {
      clearTimeout(timer)
      unlisten()
      for (const { connection } of entries.values()) connection.close(1001, reason)
    },
  }
  return sessions
}
