import type { Methods, Notifications, Severity } from './contract.js'
import { CallTimedOut, ConnectionLost, RpcError } from './errors.js'
import type { Link } from './link.js'

export type Topic = keyof Notifications
export interface Filters {
  /** A camera id or a list of them. Facts that concern no camera pass. */
  device?: string | string[]
  /** The least severity that passes. */
  severity?: Severity
}

type Reply = Methods['subscribe_events']['result']
export type GapReason = NonNullable<Reply['reason']>

/** What a listener gets of its topic. */
export type TopicEvent<T extends Topic> =
  /** The present state, at the beginning. */
  | { type: 'state'; topic: T; state: Notifications[T][] }
  | { type: 'fact'; topic: T; params: Notifications[T] }
  /** Facts were missed while there was no connection; `state` is the present state. */
  | { type: 'gap'; topic: T; reason: GapReason; state: Notifications[T][] }
  /** A new connection refuses the topic; no other event will follow. */
  | { type: 'refused'; topic: T; error: RpcError }

interface Subscription {
  topic: Topic
  filters: Filters
  listener(event: TopicEvent<Topic>): void
  accepted(): void
  refused(error: RpcError): void
  /** It can never be accepted. */
  failed(error: Error): void
}

/** Where a new connection continues. */
interface Position {
  seq: number
  epoch: string
}

interface TopicState {
  subscriptions: Set<Subscription>
  /** Number of the last delivered fact. */
  last: number
  /** True if the present connection delivers the topic. */
  isLive: boolean
  /** Set for a topic that was live on an earlier connection. */
  since?: Position
}

const severities: readonly Severity[] = ['info', 'warning', 'error', 'critical']
const listOf = (device: string | string[]) => (Array.isArray(device) ? device : [device])

const passes = ({ device, severity }: Filters, params: { device?: unknown; severity: Severity }) =>
  (severity === undefined || severities.indexOf(params.severity) >= severities.indexOf(severity)) &&
  (device === undefined || params.device === undefined || listOf(device).includes(String(params.device)))

/** The narrowest filters that let through all that one of the subscriptions lets through. */
const unionOf = (subscriptions: readonly Subscription[]): Filters => {
  const devices = subscriptions.map(({ filters }) => filters.device)
  const least = subscriptions.map(({ filters }) => filters.severity)
  return {
    ...(devices.every((device) => device !== undefined) && { device: [...new Set(devices.flatMap(listOf))].sort() }),
    ...(least.every((severity) => severity !== undefined) && {
      severity: severities[Math.min(...least.map((severity) => severities.indexOf(severity)))] ?? 'info',
    }),
  }
}

/** Calls a listener; what it throws is thrown outside, as for any event. */
const safely = (call: () => void) => {
  try {
    call()
  } catch (error) {
    setTimeout(() => {
      throw error
    })
  }
}

/** The subscriptions of a client over all its connections. `timeout`: ms for one request. */
export const createSubscriptions = ({ timeout }: { timeout: number }) => {
  const topics = new Map<Topic, TopicState>()
  let link: Link | undefined
  let epoch = ''
  /** Every fact up to this number was delivered, of the topics that are live. */
  let complete = 0
  /** Requests without a reply. */
  let open = 0

  const subscriptionsOf = (wanted: readonly Topic[]) =>
    wanted.flatMap((topic) => [...(topics.get(topic)?.subscriptions ?? [])])

  const accept = (reply: Reply, wanted: readonly Topic[], since: Position | undefined, only?: Subscription) => {
    if (reply.epoch !== epoch) {
      epoch = reply.epoch
      complete = 0
      for (const state of topics.values()) state.last = 0
    }
    // Missed facts still follow this reply: until they are here, a new connection must start from the same place.
    if (reply.resumed === true && since !== undefined) complete = Math.min(complete, since.seq)
    else if (open === 0) complete = Math.max(complete, reply.seq)
    for (const topic of wanted) {
      const known = topics.get(topic)
      if (known === undefined) continue
      known.isLive = true
      delete known.since
      for (const { accepted, listener, filters } of only === undefined ? known.subscriptions : [only]) {
        accepted()
        if (reply.resumed === true) continue
        const state = reply.state
          .filter(({ method }) => method === topic)
          .map(({ params }) => params as Notifications[Topic])
          .filter((params) => passes(filters, params))
        const { reason } = reply
        safely(() =>
          listener(reason === undefined ? { type: 'state', topic, state } : { type: 'gap', topic, reason, state }),
        )
      }
    }
  }

  const request = async (on: Link, wanted: readonly Topic[], since?: Position, only?: Subscription) => {
    const filters = unionOf(subscriptionsOf(wanted))
    const params = {
      topics: wanted,
      ...(Object.keys(filters).length > 0 && { filters }),
      ...(since && { since: since.seq, epoch: since.epoch }),
    }
    open += 1
    let isOpen = true
    const settle = () => {
      if (isOpen) open -= 1
      isOpen = false
    }
    try {
      await on.call('subscribe_events', params, {
        timeout,
        answered: (reply) => {
          settle()
          accept(reply as Reply, wanted, since, only)
        },
      })
    } finally {
      settle()
    }
  }

  /** True if it was the last subscription of its topic. */
  const remove = (subscription: Subscription) => {
    const state = topics.get(subscription.topic)
    state?.subscriptions.delete(subscription)
    return state?.subscriptions.size === 0 && topics.delete(subscription.topic)
  }

  /** Topics that one request can subscribe to: those with the same filters and position. */
  const groups = () => {
    const found = new Map<string, { wanted: Topic[]; since: Position | undefined }>()
    for (const [topic, { subscriptions, since }] of topics) {
      const key = JSON.stringify([unionOf([...subscriptions]), since])
      const group = found.get(key) ?? { wanted: [], since }
      group.wanted.push(topic)
      found.set(key, group)
    }
    return found.values()
  }

  return {
    /**
     * Subscribes to everything on an authenticated connection, from where the last one ended. Rejects if the connection
     * does not last.
     */
    resume: async (on: Link): Promise<void> => {
      link = on
      for (const { wanted, since } of groups()) {
        try {
          await request(on, wanted, since)
        } catch (error) {
          if (!(error instanceof RpcError) || error.code === -32040 || error.code === -32001) throw error
          for (const { refused } of subscriptionsOf(wanted)) refused(error)
        }
      }
    },
    /** The connection delivers nothing more. */
    pause: () => {
      link = undefined
      for (const state of topics.values()) {
        if (state.isLive) state.since = { seq: complete, epoch }
        state.isLive = false
      }
    },
    /** There will be no other connection: rejects the subscriptions that still wait. */
    end: (error: ConnectionLost) => {
      link = undefined
      for (const { failed } of subscriptionsOf([...topics.keys()])) failed(error)
    },
    /** Delivers a notification. */
    deliver: (name: string, params: Notifications[Topic]) => {
      const topic = name as Topic
      const state = topics.get(topic)
      if (state === undefined || params.seq <= state.last) return
      state.last = params.seq
      // Another topic may still deliver the same fact.
      complete = Math.max(complete, params.seq - 1)
      for (const { filters, listener } of state.subscriptions)
        if (passes(filters, params)) safely(() => listener({ type: 'fact', topic, params }))
    },
    /** Every fact up to `seq`, the service's newest, has arrived. */
    reached: (seq: number) => {
      if (open === 0 && link !== undefined) complete = Math.max(complete, seq)
    },
    /** True if there is a subscription. */
    any: () => topics.size > 0,
    /** Resolves with a function that unsubscribes, once the service has accepted it. Rejects if it is refused. */
    on: <T extends Topic>(topic: T, filters: Filters, listener: (event: TopicEvent<T>) => void): Promise<() => void> =>
      new Promise((resolve, reject) => {
        const unsubscribe = () => {
          if (remove(subscription)) link?.call('unsubscribe_events', { topics: [topic] }, { timeout }).catch(() => {})
        }
        let isAccepted = false
        const subscription: Subscription = {
          topic,
          filters,
          listener: listener as (event: TopicEvent<Topic>) => void,
          accepted: () => {
            isAccepted = true
            resolve(unsubscribe)
          },
          failed: (error) => {
            remove(subscription)
            reject(error)
          },
          refused: (error) => {
            subscription.failed(error)
            if (isAccepted) safely(() => listener({ type: 'refused', topic, error }))
          },
        }
        const state = topics.get(topic) ?? { subscriptions: new Set(), last: 0, isLive: false }
        state.subscriptions.add(subscription)
        topics.set(topic, state)
        const on = link
        if (on === undefined) return
        request(on, [topic], undefined, subscription).catch((error) => {
          // The state of the subscription is unknown now: a new connection starts afresh.
          if (error instanceof CallTimedOut) on.close(error.message)
          // A lost connection is no failure: the next one subscribes again.
          else if (!(error instanceof ConnectionLost)) subscription.failed(error)
        })
      }),
  }
}
