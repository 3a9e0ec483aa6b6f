import * as Type from 'typebox'
import { severities } from '../filters.js'
import { method } from '../method.js'
import { CameraName, CameraParam, Count, None, recordOf } from '../schemas.js'
import { topicNames } from '../topics/index.js'

const TopicName = Type.Enum([...topicNames])
const Filters = Type.Object(
  {
    device: Type.Optional(
      Type.Union([CameraParam, Type.Array(CameraParam, { minItems: 1, maxItems: 1000 })], {
        description: 'A camera id or a list of them',
      }),
    ),
    severity: Type.Optional(Type.Enum([...severities], { description: 'The lowest severity to send' })),
  },
  { additionalProperties: false },
)
const Epoch = Type.String({
  maxLength: 64,
  description: 'Identifies this life of the service: numbers from another one mean nothing',
})
const Notification = Type.Object({
  method: TopicName,
  params: Type.Object({
    device: Type.Optional(CameraName),
    severity: Type.Enum([...severities]),
    seq: Count,
    at: Type.String(),
    timestamp: Type.String(),
  }),
})

const subscribeEvents = method({
  name: 'subscribe_events',
  summary: 'Subscribes this connection to topics; returns the present state, or sends what the client missed.',
  role: 'viewer',
  cost: 3,
  params: Type.Object({
    topics: Type.Array(TopicName, { minItems: 1, maxItems: 100, description: 'Names as listed under Notifications' }),
    filters: Type.Optional(Type.Union([Filters, Type.Null()])),
    since: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Number of the last fact that the client knows: later ones are sent' }),
    ),
    epoch: Type.Optional(Type.String({ maxLength: 64, description: 'The `epoch` that `since` belongs to' })),
  }),
  result: Type.Object({
    subscribed: Type.Boolean(),
    topics: Type.Array(Type.String()),
    filters: Type.Optional(Filters),
    seq: Type.Integer({
      minimum: 0,
      description: 'Number of the newest fact: `state` includes it, later notifications have higher numbers',
    }),
    epoch: Epoch,
    state: Type.Array(Notification, { description: 'The present state as notifications; empty if resumed' }),
    resumed: Type.Optional(
      Type.Boolean({ description: 'With `since`: whether all facts after it follow right after this reply' }),
    ),
    reason: Type.Optional(
      Type.Enum(['buffer_exceeded', 'other_epoch', 'in_the_future'], { description: 'Why it was not resumed' }),
    ),
  }),
  handler: ({ topics, filters, since, epoch }, { services: { notifications }, session, afterReply }) => {
    const wanted = [...new Set(topics)]
    const { replay, ...now } = notifications.subscribe(session, wanted, {
      ...(filters && { filters }),
      ...(since !== undefined && { since: { seq: since, ...(epoch !== undefined && { epoch }) } }),
    })
    if (replay) afterReply(replay)
    return { subscribed: true, topics: wanted, ...(filters && { filters }), ...now }
  },
})

const unsubscribeEvents = method({
  name: 'unsubscribe_events',
  summary: 'Unsubscribes this connection from topics; without topics, from all of them.',
  role: 'viewer',
  params: Type.Object({ topics: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })) }),
  result: Type.Object({ unsubscribed: Type.Boolean(), topics: Type.Array(Type.String()) }),
  handler: ({ topics }, { services: { notifications }, session }) => {
    notifications.unsubscribe(session, topics)
    return { unsubscribed: true, topics: topics ?? [] }
  },
})

const getSubscriptionStats = method({
  name: 'get_subscription_stats',
  summary: 'Returns the number of subscriptions to each topic, and the topics of this connection.',
  role: 'viewer',
  params: None,
  result: Type.Object({
    global_stats: Type.Object({
      total_subscriptions: Count,
      active_clients: Type.Integer({ minimum: 0, description: 'Number of connections with a subscription' }),
      topic_counts: recordOf(Count, { description: 'Topic → number of connections' }),
    }),
    client_topics: Type.Array(Type.String()),
    client_id: Type.String(),
    seq: Type.Integer({ minimum: 0, description: 'Number of the newest fact' }),
    epoch: Epoch,
  }),
  handler: (_, { services: { notifications }, session }) => {
    const { subscriptions, clients, topics, seq, epoch } = notifications.stats()
    return {
      global_stats: { total_subscriptions: subscriptions, active_clients: clients, topic_counts: topics },
      client_topics: [...session.subscriptions.keys()],
      client_id: session.id,
      seq,
      epoch,
    }
  },
})

export const eventMethods = [subscribeEvents, unsubscribeEvents, getSubscriptionStats]
