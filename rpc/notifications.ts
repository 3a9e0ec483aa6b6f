import { randomUUID } from 'node:crypto'
import { NotificationObject } from 'jsonrpc-lite'
import { mayUse } from '../machines/domain/access.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Told } from '../machines/domain/facts.js'
import type { Dispose } from '../machines/domain/ports.js'
import { createFactBuffer } from './factBuffer.js'
import { createNotices, type Notice } from './notices.js'
import type { RpcOptions } from './options.js'
import { iso, urlsFor } from './present.js'
import { presentFacts } from './presentFacts.js'
import type { Session } from './session.js'
import { textFrame } from './textFrame.js'
import { type Filters, passes, type Severity, type Topic } from './topics.js'
import type { StreamUrls } from './urls.js'

/** What a client was last told of: the number of the fact, and in which life of the service. */
export interface Since {
  seq: number
  epoch?: string
}

/** Why facts cannot be told again: too many since then, another life of the service, a number that was not given yet. */
export type Gap = 'buffer_exceeded' | 'other_epoch' | 'in_the_future'

export interface Notification {
  method: Topic
  params: { severity: Severity; seq: number; at: string; timestamp: string }
}

export interface Subscribed {
  /** How things are up to this fact; what follows has a higher number. */
  seq: number
  epoch: string
  /** Empty when the facts since then are told again. */
  state: Notification[]
  resumed?: boolean
  gap?: Gap
}

export interface SubscriptionStats {
  subscriptions: number
  clients: number
  topics: Record<string, number>
  seq: number
  epoch: string
}

/** Who wants to be told of what. */
export interface Notifications {
  /**
   * Adds to what the session has subscribed to; `filters` hold for these topics and replace earlier ones. With `since`,
   * facts after that one are told again behind the reply, before newer ones; where that cannot be, the state is told.
   */
  subscribe(session: Session, topics: readonly Topic[], also?: { filters?: Filters; since?: Since }): Subscribed
  /** Without topics: all of them. */
  unsubscribe(session: Session, topics?: readonly string[]): void
  stats(): SubscriptionStats
  dispose: Dispose
}

type Sources = Pick<
  RpcOptions,
  'directory' | 'clock' | 'about' | 'publicHost' | 'offers' | 'facts' | 'log' | 'limits' | 'metrics' | 'links' | 'urls'
>

/** Stands for the URLs in a text that is made once, until each subscriber's own take its place. */
const anyUrls: StreamUrls = { rtsp: randomUUID() }
const anyUrlsText = JSON.stringify(anyUrls)
/** Of what may wait for a client, the share that is filled at once by facts told again. */
const replayShare = 1 / 2

/** Turns facts into notifications: one text a fact and topic, shared by all to whom it says the same. */
export const createNotifications = (sources: Sources): Notifications => {
  const { facts, clock, log, limits, metrics, directory } = sources
  const { eventBuffer = 1_000, maxBuffered = 4 * 1024 * 1024 } = limits
  const epoch = randomUUID()
  const buffer = createFactBuffer(eventBuffer)
  const noticesOf = createNotices(sources)
  const subscribers = new Map<Topic, Set<Session>>()
  const listening = new Set<Session>()
  /** What waits behind a reply that is on its way: facts told again, then those that came meanwhile. */
  const held = new Map<Session, Buffer[]>()
  let seq = 0
  // The legacy payload is the whole camera, and several facts tell of one change of it: the same text is not sent twice.
  const lastCameras = new Map<string, string>()

  const isRepeated = (camera: string, body: object) => {
    const text = JSON.stringify(body)
    if (lastCameras.get(camera) === text) return true
    lastCameras.set(camera, text)
    return false
  }

  const mayHear = ({ caller }: Session, filters: Filters | undefined, notice: Notice, now: number) => {
    // An expired caller hears nothing until it has authenticated again.
    if (caller === undefined || caller.expiresAt <= now) return false
    if (notice.unlimited && caller.cameras !== undefined) return false
    return (notice.camera === undefined || mayUse(caller, notice.camera)) && passes(filters, notice)
  }

  const urlsOf = ({ camera, hasUrls }: Notice, session: Session) =>
    hasUrls === undefined || camera === undefined ? anyUrls : urlsFor(sources, camera, session)

  const notificationOf = (
    { topic, severity, payload }: Notice,
    urls: StreamUrls,
    { seq, at }: { seq: number; at: number },
  ): Notification => {
    const time = iso(at)
    return { method: topic, params: { ...payload(urls), severity, seq, at: time, timestamp: time } }
  }
  const textOf = ({ method, params }: Notification) => JSON.stringify(new NotificationObject(method, params))

  const send = (session: Session, frame: Buffer) => {
    const waiting = held.size === 0 ? undefined : held.get(session)
    if (waiting !== undefined) {
      waiting.push(frame)
      return
    }
    session.sendFrame(frame)
    if (session.closed) metrics.dropped()
  }

  const tell = (notice: Notice, fact: Told) => {
    const { topic, camera, hasUrls, payload } = notice
    const sessions = subscribers.get(topic)
    if (sessions === undefined) {
      if (hasUrls && camera !== undefined) lastCameras.delete(camera)
      return
    }
    if (hasUrls && camera !== undefined && isRepeated(camera, payload(anyUrls))) return
    const now = clock.now()
    const [before = '', after] = textOf(notificationOf(notice, anyUrls, fact)).split(anyUrlsText)
    const frames = new Map<string, Buffer>()
    const frameFor = (urls: StreamUrls) => {
      const known = frames.get(urls.rtsp)
      if (known !== undefined) return known
      const made = textFrame(after === undefined ? before : before + JSON.stringify(urls) + after)
      frames.set(urls.rtsp, made)
      return made
    }
    for (const session of sessions) {
      if (!mayHear(session, session.subscriptions.get(topic), notice, now)) continue
      send(session, frameFor(after === undefined ? anyUrls : urlsOf(notice, session)))
    }
  }

  const unlisten = facts.subscribe((fact) => {
    seq = fact.seq
    buffer.add(fact)
    try {
      for (const notice of noticesOf(fact)) tell(notice, fact)
      if (fact.type === 'camera.retired') lastCameras.delete(fact.camera)
    } catch (error) {
      // A view that cannot be told must not harm whoever told the fact.
      log.error('a fact could not be told to subscribers', { type: fact.type, reason: reasonOf(error) })
    }
  })

  /** What some facts say to one session; of what only tells how things are, the last. */
  const noticesFor = (
    session: Session,
    topics: readonly Topic[],
    filters: Filters | undefined,
    facts: readonly Told[],
    isState: (notice: Notice) => boolean,
  ) => {
    const now = clock.now()
    const seen = new Set<string>()
    return facts
      .flatMap((fact) => noticesOf(fact).map((notice) => ({ notice, fact })))
      .filter(({ notice }) => topics.includes(notice.topic) && mayHear(session, filters, notice, now))
      .reverse()
      .filter(({ notice }) => {
        if (!isState(notice)) return true
        const key = `${notice.topic} ${notice.camera ?? ''}`
        return !seen.has(key) && seen.add(key)
      })
      .reverse()
      .map(({ notice, fact }) => notificationOf(notice, urlsOf(notice, session), fact))
  }

  const stateFor = (session: Session, topics: readonly Topic[], filters: Filters | undefined) =>
    noticesFor(session, topics, filters, presentFacts(directory, seq), () => true)

  const release = (session: Session) => {
    const waiting = held.get(session) ?? []
    held.delete(session)
    for (const frame of waiting) send(session, frame)
  }

  /** Holds what is to be told again until the reply has left; tells why it cannot be done instead. */
  const resume = (
    session: Session,
    topics: readonly Topic[],
    filters: Filters | undefined,
    since: Since,
  ): Gap | undefined => {
    if (since.epoch !== undefined && since.epoch !== epoch) return 'other_epoch'
    if (since.seq > seq) return 'in_the_future'
    const missed = buffer.after(since.seq)
    if (missed === undefined) return 'buffer_exceeded'
    const frames = noticesFor(session, topics, filters, missed, ({ isState }) => isState === true).map((notification) =>
      textFrame(textOf(notification)),
    )
    // Told in one go, more would only get the client dropped for not reading.
    if (frames.reduce((sum, { length }) => sum + length, 0) > maxBuffered * replayShare) return 'buffer_exceeded'
    const waiting = held.get(session)
    if (waiting === undefined) {
      held.set(session, frames)
      setImmediate(release, session)
    } else waiting.push(...frames)
    return undefined
  }

  const join = (session: Session, topic: Topic, filters: Filters | undefined) => {
    session.subscriptions.set(topic, filters)
    listening.add(session)
    const sessions = subscribers.get(topic)
    if (sessions === undefined) subscribers.set(topic, new Set([session]))
    else sessions.add(session)
  }

  const leave = (session: Session, topic: Topic) => {
    session.subscriptions.delete(topic)
    if (session.subscriptions.size === 0) listening.delete(session)
    const sessions = subscribers.get(topic)
    sessions?.delete(session)
    if (sessions?.size === 0) subscribers.delete(topic)
  }

  return {
    subscribe: (session, topics, { filters, since } = {}) => {
      for (const topic of topics) join(session, topic, filters)
      const now = { seq, epoch }
      if (since === undefined) return { ...now, state: stateFor(session, topics, filters) }
      const gap = resume(session, topics, filters, since)
      if (gap === undefined) return { ...now, state: [], resumed: true }
      return { ...now, state: stateFor(session, topics, filters), resumed: false, gap }
    },
    unsubscribe: (session, topics) => {
      for (const topic of [...session.subscriptions.keys()])
        if (topics === undefined || topics.includes(topic)) leave(session, topic)
    },
    stats: () => {
      const counts = [...subscribers].map(([topic, { size }]) => [topic, size] as const)
      return {
        subscriptions: counts.reduce((sum, [, count]) => sum + count, 0),
        clients: listening.size,
        topics: Object.fromEntries(counts),
        seq,
        epoch,
      }
    },
    dispose: unlisten,
  }
}
