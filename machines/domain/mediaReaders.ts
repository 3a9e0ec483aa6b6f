/** The readers of the media server, and when each is kicked. Times are monotonic ms, except those of a session. */
import { credentialName, type MediaSession } from './access.js'

/** `query`: the query of the URL, if the reader used a signed URL. `endsAt`: when its credential expires. */
export interface Admission {
  session: MediaSession
  at: number
  endsAt: number
  query?: string
}

/** A request to the media server to end a session. Its outcome repeats `key` and `request`. */
export interface Kick {
  key: string
  session: MediaSession
  query: string | undefined
  reason: string
  request: string | undefined
}

/** `absent`: the media server has no such reader. `failed`: the media server did not answer. */
export type KickOutcome = 'ended' | 'absent' | 'failed'

/** `request`: unique for each call. */
export interface ReadersEnd {
  keys: readonly string[]
  reason: string
  request: string
  at: number
}

/** The sessions of the media server at the time `at`. `connections`: the ids of the connections of a session. */
export interface Listing {
  at: number
  sessions: { id: string; connections: string[] }[]
}

interface Reader {
  key: string
  session: MediaSession
  query: string | undefined
  askedAt: number
  /** When the credential expires. */
  endsAt: number
  /** Time of the next kick. Undefined while a kick is in progress. */
  kickAt: number | undefined
  reason: string
  /** The id of the call that ends the reader, until its first kick is done. */
  request: string | undefined
  /** Number of kicks that must be repeated. */
  tries: number
  /** `absent`: not in the list of the media server. `kicked`: kicked. In both states the reader may still start. */
  status: 'expected' | 'present' | 'absent' | 'kicked'
}

/** In the order of their first question. Each question copies them: 4,000 in an array take 5 µs, in a Map 300 µs. */
export type Readers = readonly Reader[]

/** Every reader needs a kick in the end, so their number is limited. */
const most = { all: 4_000, ofOneUser: 1_000 }
/**
 * Age until which a reader counts as present, in ms. Clients send several questions; some ids never become a session.
 */
const young = 5_000
/** Pause before a kick is repeated, in ms. It doubles each time. */
const pause = { first: 250, longest: 5_000 }

/** Readers may share an id: DESCRIBE, and SETUP before MediaMTX 1.19.3, report the id of the connection. */
const keyOf = ({ session: { id, camera }, query = '' }: Pick<Admission, 'session' | 'query'>): string =>
  `${id} ${camera} ${query}`

const readerOf = (readers: Readers, key: string): Reader | undefined => readers.find((reader) => reader.key === key)

const withChange = (readers: Readers, known: Reader, change: Partial<Reader>): Readers =>
  readers.with(readers.indexOf(known), { ...known, ...change })

/** True if the media server has the reader, or may have it soon. */
export const isShown = ({ status }: Reader): boolean => status === 'expected' || status === 'present'

/** True until it is known whether the reader starts. */
export const isExpected = ({ status }: Reader): boolean => status === 'expected' || status === 'absent'

const isSameCaller = (one: MediaSession, other: MediaSession): boolean =>
  one.user === other.user && nameOf(one) === nameOf(other)

const nameOf = ({ credential }: MediaSession): string | undefined => credential && credentialName(credential)

export function hasRoomFor(admission: Admission, readers: Readers): boolean {
  if (readers.length < most.ofOneUser || readerOf(readers, keyOf(admission)) !== undefined) return true
  const { user } = admission.session
  return readers.length < most.all && readers.filter(({ session }) => session.user === user).length < most.ofOneUser
}

/**
 * Returns the readers after a question; the same object if nothing changes, because HLS clients cause many questions.
 */
export function afterQuestion(readers: Readers, admission: Admission): Readers {
  const { session, query, at: askedAt } = admission
  const key = keyOf(admission)
  const known = readerOf(readers, key)
  const isSame = known?.session.expiresAt === session.expiresAt && isSameCaller(known.session, session)
  // The same credential ends when it would have ended anyway, even if the wall clock was set meanwhile.
  const endsAt = isSame ? known.endsAt : admission.endsAt
  if (isSame && known.status === 'present' && known.kickAt === endsAt) return readers
  // Without a spread, because V8 reads objects that begin with one 50 times slower.
  const reader: Reader = {
    key,
    session,
    query,
    askedAt,
    endsAt,
    kickAt: endsAt,
    reason: 'token_expired',
    request: undefined,
    tries: 0,
    status: 'expected',
  }
  if (known === undefined) return [...readers, reader]
  if (known.status !== 'kicked') reader.session = { ...session, since: known.session.since }
  // A kick in progress may run before the reader starts, so it is repeated.
  const { kickAt = askedAt, reason, request } = known
  const earlier = kickAt < endsAt ? { kickAt, reason } : {}
  return readers.with(readers.indexOf(known), { ...reader, ...earlier, request })
}

/** Returns the reader of a signed URL if it may stay at the time `at`. */
export const admittedReader = (
  readers: Readers,
  { id, camera, query }: { id: string; camera: string; query: string },
  at: number,
): MediaSession | undefined =>
  readers.find(
    (reader) =>
      reader.session.id === id &&
      reader.session.camera === camera &&
      reader.query === query &&
      reader.kickAt !== undefined &&
      reader.kickAt > at &&
      isShown(reader),
  )?.session

/** Returns the readers after the first setting of the wall clock, which shows when their credentials end. */
export const afterSetting = (readers: Readers, { at, wall }: { at: number; wall: number }): Readers =>
  readers.map((reader) => {
    const endsAt = at + reader.session.expiresAt - wall
    return { ...reader, endsAt, kickAt: reader.kickAt === reader.endsAt ? endsAt : reader.kickAt }
  })

/** Returns the time of the next kick; Infinity if there is none. */
export function nextKick(readers: Readers): number {
  let next = Number.POSITIVE_INFINITY
  for (const { kickAt } of readers) if (kickAt !== undefined && kickAt < next) next = kickAt
  return next
}

/** Returns the readers for a restarted actor: kicks that were in progress are due at once. */
export const afterRestart = (readers: Readers): Readers =>
  readers.map((reader) => ({ ...reader, kickAt: reader.kickAt ?? 0, request: undefined }))

/**
 * Returns up to `limit` readers that are due at the time `at`, and all readers, with the due ones marked as in
 * progress.
 */
export function withKicks(readers: Readers, at: number, limit: number): { due: Reader[]; readers: Readers } {
  const due = readers.filter(({ kickAt }) => kickAt !== undefined && kickAt <= at).slice(0, limit)
  return { due, readers: due.reduce((all, reader) => withChange(all, reader, { kickAt: undefined }), readers) }
}

/** Schedules kicks for now. Does not change a reader that is being kicked, or that another call ends. */
export function withEnd(readers: Readers, { keys, reason, request, at }: ReadersEnd): Readers {
  const wanted = new Set(keys)
  return readers.map((reader) =>
    wanted.has(reader.key) && reader.kickAt !== undefined && reader.request === undefined
      ? { ...reader, kickAt: at, reason, request }
      : reader,
  )
}

/** Repeats a kick until it succeeds. If it found no reader, repeats it while the reader may still start. */
export function afterKick(
  readers: Readers,
  { key, outcome, at, startLimit }: { key: string; outcome: KickOutcome; at: number; startLimit: number },
): Readers {
  const reader = readerOf(readers, key)
  if (reader === undefined) return readers
  const { kickAt, askedAt, tries, status } = reader
  // There was another question during the kick, so the next kick is already scheduled.
  if (kickAt !== undefined) return withChange(readers, reader, { request: undefined })
  if (outcome === 'ended' || (outcome === 'absent' && at >= askedAt + startLimit))
    return readers.filter((other) => other !== reader)
  return withChange(readers, reader, {
    request: undefined,
    kickAt: at + Math.min(pause.longest, pause.first * 2 ** tries),
    tries: tries + 1,
    status: outcome === 'failed' ? status : 'kicked',
  })
}

/** Compares the readers with those of the media server, and removes those that left. */
export function afterListing(readers: Readers, { at, sessions }: Listing, startLimit: number): Readers {
  const known = new Set(readers.map(({ session }) => session.id))
  // A server that shows the connection's id at SETUP never shows the id of the session.
  const ids = new Set(sessions.flatMap(({ id, connections }) => (known.has(id) ? [id] : [id, ...connections])))
  return readers.flatMap((reader): Reader[] => {
    const { askedAt, status, request, session } = reader
    if (askedAt > at) return [reader]
    if (ids.has(session.id)) return [status === 'kicked' ? reader : { ...reader, status: 'present' }]
    if (askedAt < at - startLimit && request === undefined) return []
    return [status !== 'kicked' && askedAt <= at - young ? { ...reader, status: 'absent' } : reader]
  })
}
