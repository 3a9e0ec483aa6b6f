import { NotificationObject } from 'jsonrpc-lite'
import { reasonOf } from '../machines/domain/errors.js'
import type { Dispose } from '../machines/domain/ports.js'
import { createNotices, type Notice } from './notices.js'
import type { RpcOptions } from './options.js'
import { iso } from './present.js'
import type { Session } from './session.js'
import { type Filters, passes, type Topic } from './topics.js'

/** Who wants to be told of what. */
export interface Notifications {
  /** Adds to what the session has subscribed to; `filters` hold for these topics and replace earlier ones. */
  subscribe(session: Session, topics: readonly Topic[], filters?: Filters): void
  /** Without topics: all of them. */
  unsubscribe(session: Session, topics?: readonly string[]): void
  /** Number of the newest fact, 0 before the first. */
  lastSeq(): number
  dispose: Dispose
}

type Sources = Pick<RpcOptions, 'directory' | 'clock' | 'about' | 'publicHost' | 'offers' | 'facts' | 'log'>

/** Turns facts into notifications: one text a fact and topic, shared by all who have subscribed. */
export const createNotifications = (sources: Sources): Notifications => {
  const { facts, clock, log } = sources
  const noticesOf = createNotices(sources)
  const subscribers = new Map<Topic, Set<Session>>()
  let seq = 0
  // The legacy payload is the whole camera, and several facts tell of one change of it: the same text is not sent twice.
  const lastCameras = new Map<string, string>()

  const isRepeated = (camera: string, body: object) => {
    const text = JSON.stringify(body)
    if (lastCameras.get(camera) === text) return true
    lastCameras.set(camera, text)
    return false
  }

  const tell = ({ topic, payload, byHost }: Notice, camera: string | undefined, seq: number, at: string) => {
    const sessions = subscribers.get(topic)
    if (sessions === undefined) {
      if (byHost && camera !== undefined) lastCameras.delete(camera)
      return
    }
    const texts = new Map<string, Buffer>()
    const textFor = (host: string) => {
      const known = texts.get(host)
      if (known !== undefined) return known
      const params = { ...payload(host), seq, at, timestamp: at }
      const made = Buffer.from(JSON.stringify(new NotificationObject(topic, params)))
      texts.set(host, made)
      return made
    }
    if (byHost && camera !== undefined && isRepeated(camera, payload(''))) return
    const now = clock.now()
    for (const session of sessions) {
      // An expired caller hears nothing until it has authenticated again.
      if ((session.caller?.expiresAt ?? 0) <= now) continue
      if (passes(session.subscriptions.get(topic), camera)) session.send(textFor(byHost ? session.host : ''))
    }
  }

  const unlisten = facts.subscribe((fact) => {
    seq = fact.seq
    try {
      const at = iso(fact.at)
      const camera = 'camera' in fact ? fact.camera : undefined
      for (const notice of noticesOf(fact)) tell(notice, camera, fact.seq, at)
      if (fact.type === 'camera.retired') lastCameras.delete(fact.camera)
    } catch (error) {
      // A view that cannot be told must not harm whoever told the fact.
      log.error('a fact could not be told to subscribers', { type: fact.type, reason: reasonOf(error) })
    }
  })

  const leave = (session: Session, topic: Topic) => {
    session.subscriptions.delete(topic)
    const sessions = subscribers.get(topic)
    sessions?.delete(session)
    if (sessions?.size === 0) subscribers.delete(topic)
  }

  return {
    subscribe: (session, topics, filters) => {
      for (const topic of topics) {
        session.subscriptions.set(topic, filters)
        const sessions = subscribers.get(topic)
        if (sessions === undefined) subscribers.set(topic, new Set([session]))
        else sessions.add(session)
      }
    },
    unsubscribe: (session, topics) => {
      for (const topic of [...session.subscriptions.keys()]) if (topics === undefined || topics.includes(topic)) leave(session, topic)
    },
    lastSeq: () => seq,
    dispose: unlisten,
  }
}
