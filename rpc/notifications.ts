import { randomUUID } from 'node:crypto'
import { NotificationObject } from 'jsonrpc-lite'
import { isAtLeast, mayUse } from '../machines/domain/access.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Told } from '../machines/domain/facts.js'
import type { Dispose } from '../machines/domain/ports.js'
import { createFactBuffer } from './factBuffer.js'
import { type Filters, passes, type Severity } from './filters.js'
import type { RpcOptions } from './options.js'
import type { StatusSources } from './present.js'
import { iso } from './present.js'
import { presentFacts } from './presentFacts.js'
import type { StreamUrls } from './schemas.js'
import type { Session } from './session.js'
import { urlsFor } from './signedUrls.js'
import { textFrame } from './textFrame.js'
import { type TopicName, topics as table, topicsOf } from './topics/index.js'
import type { Topic } from './topics/topic.js'

/** The last fact that a client knows: its number, and the life of the service that it belongs to. */
export interface Since {
  seq: number
  epoch?: string
}

/** Why missed facts cannot be sent: too many, from another life of the service, or a number that does not exist yet. */
export type Gap = 'buffer_exceeded' | 'other_epoch' | 'in_the_future'

export interface Notification {
  method: TopicName
  params: { severity: Severity; seq: number; at: string; timestamp: string }
}

export interface Subscribed {
  /** `state` includes all facts up to this number; later ones have higher numbers. */
  seq: number
  epoch: string
  /** Empty if the client resumes. */
  state: Notification[]
  resumed?: boolean
  reason?: Gap
  /** Sends what the client missed; to be called right after the reply. */
  replay?(): void
}

/** The subscriptions of all sessions. */
export interface Notifications {
  /**
   * Adds topics to those of the session; `filters` apply to these topics and replace earlier ones. With `since` the
   * client gets the facts after that one instead of the present state, if they are still known.
   */
  subscribe(session: Session, topics: readonly TopicName[], also?: { filters?: Filters; since?: Since }): Subscribed
  /** Without topics: all of them. */
  unsubscribe(session: Session, topics?: readonly string[]): void
  stats(): { subscriptions: number; clients: number; topics: Record<string, number>; seq: number; epoch: string }
  dispose: Dispose
}

type Sources = Pick<RpcOptions, 'publicHost' | 'offers' | 'facts' | 'log' | 'limits' | 'metrics' | 'links' | 'urls'> &
  StatusSources

/** A notification before it is addressed to a session. */
interface Draft {
  topic: Topic<TopicName>
  camera: string | undefined
  payload: { status?: unknown }
  params: Notification['params']
}

/** Share of a client's send buffer that a replay of missed facts may fill at once. */
const replayShare = 1 / 2

const textOf = ({ method, params }: Notification): string => JSON.stringify(new NotificationObject(method, params))

/** The text with one more member at the end of its params: the text of a camera is made once for all subscribers. */
const withStreams = (text: string, streams: Partial<StreamUrls>): string =>
  `${text.slice(0, -2)},"streams":${JSON.stringify(streams)}}}`

/** Turns facts into notifications: one text for each fact and topic, shared by all sessions with the same URLs. */
export const createNotifications = (sources: Sources): Notifications => {
  const { facts, clock, log, limits, metrics, directory } = sources
  const { eventBuffer = 1_000, maxBuffered = 4 * 1024 * 1024 } = limits
  const epoch = randomUUID()
  const buffer = createFactBuffer(eventBuffer)
  const subscribers = new Map<string, Set<Session>>()
  /** Camera → the whole camera as it was sent last. Several facts report one change, which is sent once. */
  const lastCameras = new Map<string, string>()

  const draftOf = (topic: Topic<TopicName>, fact: Told): Draft | undefined => {
    const notice = topic.from[fact.type]?.(fact as never, sources)
    if (notice === undefined) return undefined
    const camera = 'camera' in fact ? fact.camera : undefined
    const at = iso(fact.at)
    const { severity, payload } = notice
    const device = camera !== undefined && { device: camera }
    return { topic, camera, payload, params: { ...device, ...payload, severity, seq: fact.seq, at, timestamp: at } }
  }

  const mayGet = (
    { caller, endsAt }: Session,
    filters: Filters | undefined,
    { topic, camera, params }: Draft,
    now: number,
  ) => {
    if (caller === undefined || endsAt <= now) return false
    if (topic.role && !isAtLeast(caller.role, topic.role)) return false
    if (topic.needsAllCameras && caller.cameras !== undefined) return false
    return (camera === undefined || mayUse(caller, camera)) && passes(filters, params.severity, camera)
  }

  const streamsFor = ({ topic, camera, payload }: Draft, session: Session): Partial<StreamUrls> | undefined => {
    if (!topic.withStreams || camera === undefined) return undefined
    return payload.status === 'CONNECTED' ? urlsFor(sources, camera, session) : {}
  }

  const isRepeated = ({ topic, camera, payload }: Draft): boolean => {
    if (!topic.withStreams || camera === undefined) return false
    const text = JSON.stringify(payload)
    if (lastCameras.get(camera) === text) return true
    lastCameras.set(camera, text)
    return false
  }

  const publish = (topic: Topic<TopicName>, fact: Told): void => {
    const sessions = subscribers.get(topic.name)
    if (sessions === undefined) {
      if (topic.withStreams && 'camera' in fact) lastCameras.delete(fact.camera)
      return
    }
    const draft = draftOf(topic, fact)
    if (draft === undefined || isRepeated(draft)) return
    const now = clock.monotonic()
    const text = textOf({ method: topic.name, params: draft.params })
    const frames = new Map<string, Buffer>()
    const frameWith = (streams: Partial<StreamUrls> | undefined): Buffer => {
      const key = streams?.rtsp ?? ''
      const known = frames.get(key)
      if (known !== undefined) return known
      const made = textFrame(streams === undefined ? text : withStreams(text, streams))
      frames.set(key, made)
      return made
    }
    for (const session of sessions) {
      if (!mayGet(session, session.subscriptions.get(topic.name), draft, now)) continue
      session.sendFrame(frameWith(streamsFor(draft, session)))
      if (session.closed) metrics.dropped()
    }
  }

  const unlisten = facts.subscribe((fact) => {
    buffer.add(fact)
    try {
      for (const topic of topicsOf(fact.type)) publish(topic, fact)
      if (fact.type === 'camera.retired') lastCameras.delete(fact.camera)
    } catch (error) {
      // A payload that cannot be made must not harm the publisher of the fact.
      log.error('a fact could not be sent to subscribers', { type: fact.type, reason: reasonOf(error) })
    }
  })

  /** What facts say to one session; of the topics that `keepsLast` only the newest of each camera. */
  const notificationsFor = (
    session: Session,
    names: readonly TopicName[],
    filters: Filters | undefined,
    facts: readonly Told[],
    keepsLast: (topic: Topic) => boolean,
  ): Notification[] => {
    const now = clock.monotonic()
    const drafts = facts
      .flatMap((fact) => topicsOf(fact.type).map((topic) => ({ topic, fact })))
      .filter(({ topic }) => names.includes(topic.name))
      .flatMap(({ topic, fact }) => draftOf(topic, fact) ?? [])
      .filter((draft) => mayGet(session, filters, draft, now))
    const keyOf = ({ topic, camera = '' }: Draft) => `${topic.name} ${camera}`
    const newest = new Map(drafts.map((draft) => [keyOf(draft), draft]))
    return drafts
      .filter((draft) => !keepsLast(draft.topic) || newest.get(keyOf(draft)) === draft)
      .map((draft) => {
        const streams = streamsFor(draft, session)
        return { method: draft.topic.name, params: { ...draft.params, ...(streams && { streams }) } }
      })
  }

  const join = (session: Session, name: TopicName, filters: Filters | undefined) => {
    session.subscriptions.set(name, filters)
    const sessions = subscribers.get(name)
    if (sessions === undefined) subscribers.set(name, new Set([session]))
    else sessions.add(session)
  }

  const leave = (session: Session, name: string) => {
    session.subscriptions.delete(name)
    const sessions = subscribers.get(name)
    sessions?.delete(session)
    if (sessions?.size === 0) subscribers.delete(name)
  }

  /** The texts that a client missed, or why they cannot be sent. */
  const missedSince = (
    { seq, epoch: theirs = epoch }: Since,
    textsOf: (missed: readonly Told[]) => string[],
  ): string[] | Gap => {
    if (theirs !== epoch) return 'other_epoch'
    if (seq > buffer.newest()) return 'in_the_future'
    const missed = buffer.after(seq)
    if (missed === undefined) return 'buffer_exceeded'
    const texts = textsOf(missed)
    // More at once would only get the client dropped for not reading.
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    return bytes > maxBuffered * replayShare ? 'buffer_exceeded' : texts
  }

  return {
    subscribe: (session, names, { filters, since } = {}) => {
      for (const name of names) join(session, name, filters)
      const now = { seq: buffer.newest(), epoch }
      const state = () => notificationsFor(session, names, filters, presentFacts(directory, now.seq), () => true)
      if (since === undefined) return { ...now, state: state() }
      const missed = missedSince(since, (facts) =>
        notificationsFor(session, names, filters, facts, ({ isState }) => isState === true).map(textOf),
      )
      if (typeof missed === 'string') return { ...now, state: state(), resumed: false, reason: missed }
      const replay = () => {
        for (const text of missed) session.send(text)
      }
      return { ...now, state: [], resumed: true, replay }
    },
    unsubscribe: (session, names = [...session.subscriptions.keys()]) => {
      for (const name of names) leave(session, name)
    },
    stats: () => {
      const counts = table.flatMap(({ name }) => {
        const count = subscribers.get(name)?.size
        return count === undefined ? [] : [[name, count] as const]
      })
      return {
        subscriptions: counts.reduce((sum, [, count]) => sum + count, 0),
        clients: new Set([...subscribers.values()].flatMap((sessions) => [...sessions])).size,
        topics: Object.fromEntries(counts),
        seq: buffer.newest(),
        epoch,
      }
    },
    dispose: unlisten,
  }
}
