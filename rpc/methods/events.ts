import Type from 'typebox'
import { method } from '../method.js'
import { CameraName, CameraParam, Count, None } from '../schemas.js'
import { severities, topics } from '../topics.js'

const Filters = Type.Object(
  {
    device: Type.Optional(
      Type.Union([CameraParam, Type.Array(CameraParam, { minItems: 1, maxItems: 1000 })], {
        description: 'A camera id or a list of them',
      }),
    ),
    severity: Type.Optional(Type.Enum([...severities], { description: 'The least that is told' })),
  },
  { additionalProperties: false },
)
const Epoch = Type.String({
  maxLength: 64,
  description: 'Names this life of the service: numbers of another one mean nothing',
})
const Notification = Type.Object({
  method: Type.Enum([...topics]),
  params: Type.Object({
    device: Type.Optional(CameraName),
    severity: Type.Enum([...severities]),
    seq: Count,
    at: Type.String(),
    timestamp: Type.String(),
  }),
})

export const eventMethods = [
  method({
    name: 'subscribe_events',
    summary: 'Adds topics to what this connection is told of; answers how things are, or tells again what it missed.',
    role: 'viewer',
    cost: 3,
    since: '1.0',
    params: Type.Object({
      topics: Type.Array(Type.Enum([...topics]), {
        minItems: 1,
        maxItems: 100,
        description: 'Names as listed under Notifications',
      }),
      filters: Type.Optional(Type.Union([Filters, Type.Null()])),
      since: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'Number of the last fact that the client knows: later ones are told again',
        }),
      ),
      epoch: Type.Optional(Type.String({ maxLength: 64, description: 'The `epoch` that goes with `since`' })),
    }),
    result: Type.Object({
      subscribed: Type.Boolean(),
      topics: Type.Array(Type.String()),
      filters: Type.Optional(Filters),
      seq: Type.Integer({
        minimum: 0,
        description: 'Number of the newest fact: `state` is true up to it, what follows has higher ones',
      }),
      epoch: Epoch,
      state: Type.Array(Notification, {
        description: 'Notifications as they would tell the present state; none when resumed',
      }),
      resumed: Type.Optional(
        Type.Boolean({
          description: 'With `since`: whether every fact after it is told again, right behind this reply',
        }),
      ),
      reason: Type.Optional(
        Type.Enum(['buffer_exceeded', 'other_epoch', 'in_the_future'], { description: 'Why it was not resumed' }),
      ),
    }),
    handler: ({ topics, filters, since, epoch }, { services: { notifications }, session }) => {
      const wanted = [...new Set(topics)]
      const { gap, resumed, state, ...now } = notifications.subscribe(session, wanted, {
        ...(filters && { filters }),
        ...(since !== undefined && { since: { seq: since, ...(epoch !== undefined && { epoch }) } }),
      })
      return {
        subscribed: true,
        topics: wanted,
        ...(filters && { filters }),
        ...now,
        state,
        ...(resumed !== undefined && { resumed }),
        ...(gap !== undefined && { reason: gap }),
      }
    },
  }),
  method({
    name: 'unsubscribe_events',
    summary: 'Takes topics away again; without topics, all of them.',
    role: 'viewer',
    since: '1.0',
    params: Type.Object({ topics: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })) }),
    result: Type.Object({ unsubscribed: Type.Boolean(), topics: Type.Array(Type.String()) }),
    handler: ({ topics }, { services: { notifications }, session }) => {
      notifications.unsubscribe(session, topics)
      return { unsubscribed: true, topics: topics ?? [] }
    },
  }),
  method({
    name: 'get_subscription_stats',
    summary: 'Tells how many connections have subscribed to what, and what this one has.',
    role: 'viewer',
    since: '1.0',
    params: None,
    result: Type.Object({
      global_stats: Type.Object({
        total_subscriptions: Count,
        active_clients: Type.Integer({ minimum: 0, description: 'Connections that have subscribed to anything' }),
        topic_counts: Type.Record(Type.String(), Count, { description: 'Topic → connections' }),
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
  }),
]
