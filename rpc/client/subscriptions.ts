import type { Methods, Notifications, Severity } from './contract.js'
import { CallTimedOut, ConnectionLost, RpcError } from './errors.js'
import type { Link } from './link.js'

export type Topic = keyof Notifications
export interface Filters {
  /** A camera id or a list of them; facts that concern no camera are told all the same. */
  device?: string | string[]
  /** The least that is told. */
  severity?: Severity
}

type Reply = Methods['subscribe_events']['result']
export type GapReason = NonNullable<Reply['reason']>

/** What a listener is told of its topic. */
export type TopicEvent<T extends Topic> =
  /** How things are at the beginning. */
  | { type: 'state'; topic: T; state: Notifications[T][] }
  | { type: 'fact'; topic: T; params: Notifications[T] }
  /** Facts were missed while the connection was away; how things are now. */
  | { type: 'gap'; topic: T; reason: GapReason; state: Notifications[T][] }
  /** A new connection does not tell of it any more; nothing else will come. */
  | { type: 'refused'; topic: T; error: RpcError }

interface Wish {
  topic: Topic
  filters: Filters
  hear(event: TopicEvent<Topic>): void
  accepted(): void
  refused(error: RpcError): void
  /** It cannot be asked for (any more). */
  failed(error: Error): void
}

interface Since {
  seq: number
  epoch: string
}

interface TopicState {
  wishes: Set<Wish>
  /** Number of the last fact that was told. */
  last: number
  /** The connection tells of it. */
  live: boolean
  /** From where to go on, of one that was live on an earlier connection. */
  since?: Since
}

const severities: readonly Severity[] = ['info', 'warning', 'error', 'critical']
const listOf = (device: string | string[]) => (Array.isArray(device) ? device : [device])

const passes = ({ device, severity }: Filters, params: { device?: unknown; severity: Severity }) =>
  (severity === undefined || severities.indexOf(params.severity) >= severities.indexOf(severity)) &&
  (device === undefined || params.device === undefined || listOf(device).includes(String(params.device)))

/** What lets through whatever one of them lets through. */
const union = (wishes: Iterable<Wish>): Filters => {
  const all = [...wishes].map(({ filters }) => filters)
  const devices = all.map(({ device }) => device)
  const least = all.map(({ severity }) => severity)
  return {
    ...(devices.every((device) => device !== undefined) && { device: [...new Set(devices.flatMap(listOf))].sort() }),
    ...(least.every((severity) => severity !== undefined) && {
      severity: severities[Math.min(...least.map((severity) => severities.indexOf(severity)))] ?? 'info',
    }),
  }
}

/** A listener's own failure is its own, as with any event. */
const safely = (hear: () => void) => {
  try {
    hear()
  } catch (error) {
    setTimeout(() => {
      throw error
    })
  }
}

/** Who wants to hear of what, over all connections of a client. `timeout`: ms for one request. */
export const createSubscriptions = ({ timeout }: { timeout: number }) => {
  const topics = new Map<Topic, TopicState>()
  let link: Link | undefined
  let epoch = ''
  /** Every fact up to this number has been told, of what the connection tells of. */
  let complete = 0
  let asking = 0

  const take = (reply: Reply, wanted: readonly Topic[], since: Since | undefined, only: Wish | undefined) => {
    if (reply.epoch !== epoch) {
      epoch = reply.epoch
      complete = 0
      for (const state of topics.values()) state.last = 0
    }
    // Facts told again are on their way: until they are here, a lost connection begins anew from the same place.
    if (reply.resumed === true && since !== undefined) complete = Math.min(complete, since.seq)
    else if (asking === 0) complete = Math.max(complete, reply.seq)
    for (const topic of wanted) {
      const known = topics.get(topic)
      if (known === undefined) continue
      known.live = true
      delete known.since
      const told = reply.state
        .filter(({ method }) => method === topic)
        .map(({ params }) => params as Notifications[Topic])
      for (const wish of only === undefined ? known.wishes : [only]) {
        wish.accepted()
        if (reply.resumed === true) continue
        const state = told.filter((params) => passes(wish.filters, params))
        safely(() =>
          wish.hear(
            reply.reason === undefined
              ? { type: 'state', topic, state }
              : { type: 'gap', topic, reason: reply.reason, state },
          ),
        )
      }
    }
  }

  const ask = async (
    on: Link,
    wanted: readonly Topic[],
    { since, only }: { since?: Since | undefined; only?: Wish | undefined },
  ) => {
    const filters = union(wanted.flatMap((topic) => [...(topics.get(topic)?.wishes ?? [])]))
    const params = {
      topics: wanted,
      ...(Object.keys(filters).length > 0 && { filters }),
      ...(since && { since: since.seq, epoch: since.epoch }),
    }
    asking += 1
    let open = true
    const over = () => {
      if (open) asking -= 1
      open = false
    }
    try {
      await on.call('subscribe_events', params, {
        timeout,
        answered: (reply) => {
          over()
          take(reply as Reply, wanted, since, only)
        },
      })
    } finally {
      over()
    }
  }

  const forget = (wish: Wish) => {
    const state = topics.get(wish.topic)
    state?.wishes.delete(wish)
    if (state?.wishes.size !== 0) return false
    topics.delete(wish.topic)
    return true
  }

  /** Topics that may be asked for in one request. */
  const groups = () => {
    const found = new Map<string, { wanted: Topic[]; since: Since | undefined }>()
    for (const [topic, { wishes, since }] of topics) {
      const key = JSON.stringify([union(wishes), since])
      const group = found.get(key) ?? { wanted: [], since }
      group.wanted.push(topic)
      found.set(key, group)
    }
    return found.values()
  }

  return {
    /** Asks for everything on a connection that has just been authenticated, going on from where it was. Rejects when the connection does not last. */
    resume: async (on: Link): Promise<void> => {
      link = on
      for (const { wanted, since } of groups()) {
        try {
          await ask(on, wanted, { since })
        } catch (error) {
          if (!(error instanceof RpcError) || error.code === -32040 || error.code === -32001) throw error
          for (const topic of wanted) for (const wish of topics.get(topic)?.wishes ?? []) wish.refused(error)
        }
      }
    },
    /** The connection tells nothing (any more). */
    pause: () => {
      link = undefined
      for (const state of topics.values()) {
        if (state.live) state.since = { seq: complete, epoch }
        state.live = false
      }
    },
    /** There will be no other connection: whoever still waits is told so. */
    end: (error: ConnectionLost) => {
      link = undefined
      for (const { wishes } of topics.values()) for (const wish of wishes) wish.failed(error)
    },
    told: (topic: string, params: Notifications[Topic]) => {
      const state = topics.get(topic as Topic)
      if (state === undefined || params.seq <= state.last) return
      state.last = params.seq
      // Another topic may still tell of the same fact.
      complete = Math.max(complete, params.seq - 1)
      for (const { filters, hear } of state.wishes)
        if (passes(filters, params)) safely(() => hear({ type: 'fact', topic: topic as Topic, params }))
    },
    /** The service's newest fact has this number, and all before it has come in. */
    reached: (seq: number) => {
      if (asking === 0 && link !== undefined) complete = Math.max(complete, seq)
    },
    any: () => topics.size > 0,
    /** Resolves, once the service has accepted it, with what ends it; rejects when the service refuses. */
    on: <T extends Topic>(topic: T, filters: Filters, listener: (event: TopicEvent<T>) => void): Promise<() => void> =>
      new Promise((resolve, reject) => {
        const stop = () => {
          if (forget(wish)) link?.call('unsubscribe_events', { topics: [topic] }, { timeout }).catch(() => {})
        }
        let isAccepted = false
        const wish: Wish = {
          topic,
          filters,
          hear: listener as (event: TopicEvent<Topic>) => void,
          accepted: () => {
            isAccepted = true
            resolve(stop)
          },
          failed: (error) => {
            forget(wish)
            reject(error)
          },
          refused: (error) => {
            wish.failed(error)
            if (isAccepted) safely(() => listener({ type: 'refused', topic, error }))
          },
        }
        const state = topics.get(topic) ?? { wishes: new Set(), last: 0, live: false }
        state.wishes.add(wish)
        topics.set(topic, state)
        const on = link
        if (on === undefined) return
        ask(on, [topic], { only: wish }).catch((error) => {
          // Nobody knows what it would tell from now on: another connection begins anew.
          if (error instanceof CallTimedOut) on.close(error.message)
          // Whoever loses the connection asks again on the next one.
          else if (!(error instanceof ConnectionLost)) wish.failed(error)
        })
      }),
  }
}
