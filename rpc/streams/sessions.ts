import type { MediaSession } from '../../machines/domain/access.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log, MediaServer } from '../../machines/domain/ports.js'

export interface MediaSessionsOptions {
  mediaServer: Pick<MediaServer, 'kick' | 'sessions'>
  clock: Clock
  log: Log
  /** How long after its question a session may still come into being, in ms: a sleeping camera has to start. */
  startLimit: number
}

/** Those who were let in, until they are gone. */
export interface MediaSessions {
  /** False: there are too many. `query`: of the URL, when it is what let the session in. */
  add(session: MediaSession, query?: string): boolean
  all(): MediaSession[]
  /** Kicks what matches, now, and again until it is gone; resolves with how many were there. */
  end(isIt: (session: MediaSession) => boolean, reason: string): Promise<number>
  close(): void
}

interface Entry {
  session: MediaSession
  query?: string
  /** When it is to be kicked. */
  due: number
  reason: string
  /** Kicks that did not end it. */
  tries: number
  /** The media server was asked for its sessions and has none of this id. */
  absent: boolean
  /** It was kicked; what follows only makes sure that it does not come yet. */
  over: boolean
  kicking: boolean
}

/** What a session costs is small, but each must be kept in mind until it is known to be gone. */
const most = { all: 4_000, ofOne: 1_000 }
const kickLimit = 5_000
/** At the same time. */
const kicks = 16
const lookEvery = 30_000
/** The same while some are not known to have begun. */
const lookSoon = 3_000
/** For so long every question that was answered with yes counts as a session: clients ask more than once, and not all then come. */
const young = 5_000
/** Longer ones fire at once; and a wall clock that was set is noticed soon. */
const longestWait = 60_000
const pause = { first: 250, longest: 5_000 }

/**
 * Media servers check credentials when a session begins and never again: it is us who end one when its credential ends. A kick that
 * finds nothing is repeated for as long as the session may still be about to begin.
 */
export const createMediaSessions = ({ mediaServer, clock, log, startLimit }: MediaSessionsOptions): MediaSessions => {
  const entries = new Map<string, Entry>()
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let wakesAt = Number.POSITIVE_INFINITY
  let looking = false
  let closed = false

  /** One id may stand for several: DESCRIBE names the connection, and so do servers before 1.19.3 at SETUP. */
  const keyOf = ({ id, camera }: MediaSession, query = ''): string => `${id} ${camera} ${query}`

  const schedule = () => {
    clearTimeout(timer)
    wakesAt = Number.POSITIVE_INFINITY
    for (const { due, kicking } of entries.values()) if (!kicking && due < wakesAt) wakesAt = due
    if (closed || wakesAt === Number.POSITIVE_INFINITY) return
    timer = setTimeout(
      () => {
        const now = clock.now()
        void kickAll([...entries].filter(([, { due, kicking }]) => !kicking && due <= now))
      },
      Math.min(longestWait, Math.max(0, wakesAt - clock.now())),
    )
    timer.unref()
  }

  const again = (entry: Entry) => {
    entry.due = clock.now() + Math.min(pause.longest, pause.first * 2 ** entry.tries)
    entry.tries += 1
  }

  /** True: it was there, and is no more. */
  const kick = async ([key, entry]: [string, Entry]): Promise<boolean> => {
    const { session, query, reason } = entry
    const { id, protocol, camera, user, address, since } = session
    entry.kicking = true
    try {
      const ended = await mediaServer.kick(
        { protocol, id, ...(query !== undefined && { query }) },
        AbortSignal.timeout(kickLimit),
      )
      entry.over = true
      if (ended) log.info('a viewer was ended', { camera, protocol, user, address, reason })
      if (!ended && clock.now() < since + startLimit) again(entry)
      else if (entries.get(key) === entry) entries.delete(key)
      return ended
    } catch (error) {
      log.warn('a viewer could not be ended yet', { camera, protocol, user, address, reason: reasonOf(error) })
      again(entry)
      return false
    } finally {
      entry.kicking = false
    }
  }

  const kickAll = async (due: [string, Entry][]): Promise<number> => {
    let ended = 0
    for (let at = 0; at < due.length && !closed; at += kicks) {
      const outcomes = await Promise.all(due.slice(at, at + kicks).map(kick))
      ended += outcomes.filter(Boolean).length
    }
    schedule()
    return ended
  }

  /** Forgets those who left by themselves. */
  const look = async () => {
    if (looking || entries.size === 0) return
    looking = true
    const began = clock.now()
    try {
      const present = await mediaServer.sessions(AbortSignal.timeout(2 * kickLimit))
      const known = new Set([...entries.values()].map(({ session }) => session.id))
      const ids = new Set<string>()
      for (const { id, connections } of present) {
        ids.add(id)
        // A server that names the connection at SETUP does not tell us the session's own id.
        if (!known.has(id)) for (const connection of connections) ids.add(connection)
      }
      for (const [key, entry] of entries) {
        const { id, since } = entry.session
        entry.absent = since <= began && !ids.has(id)
        if (entry.absent && since < began - startLimit) entries.delete(key)
      }
    } catch (error) {
      log.debug('the media server cannot tell who is connected', { reason: reasonOf(error) })
    } finally {
      looking = false
      if ([...entries.values()].some(({ absent, over }) => absent && !over)) lookAgain()
    }
  }
  const lookAgain = () => {
    if (closed) return
    soon ??= setTimeout(() => {
      soon = undefined
      void look()
    }, lookSoon).unref()
  }
  const looks = setInterval(() => void look(), lookEvery)
  looks.unref()

  const isShown = ({ session, absent, over }: Entry): boolean =>
    !over && (!absent || clock.now() - session.since < young)

  const isFull = ({ user }: MediaSession): boolean => {
    if (entries.size >= most.all) return true
    if (entries.size < most.ofOne) return false
    let count = 0
    for (const { session } of entries.values()) if (session.user === user) count++
    return count >= most.ofOne
  }

  return {
    add: (session, query) => {
      const key = keyOf(session, query)
      const present = entries.get(key)
      if (present === undefined && isFull(session)) {
        void look()
        return false
      }
      // What was asked for twice ends when the first of the two does.
      const due = Math.min(session.expiresAt, present?.due ?? Number.POSITIVE_INFINITY)
      entries.set(key, {
        session,
        due,
        reason: 'its credential has expired',
        tries: 0,
        absent: false,
        over: false,
        kicking: false,
        ...(query !== undefined && { query }),
      })
      if (due < wakesAt) schedule()
      lookAgain()
      return true
    },
    all: () => [...entries.values()].filter(isShown).map(({ session }) => session),
    end: (isIt, reason) => {
      const found = [...entries].filter(([, { session }]) => isIt(session))
      for (const [, entry] of found) Object.assign(entry, { due: clock.now(), reason })
      return kickAll(found.filter(([, { kicking }]) => !kicking))
    },
    close: () => {
      closed = true
      clearTimeout(timer)
      clearInterval(looks)
      clearTimeout(soon)
      entries.clear()
    },
  }
}
