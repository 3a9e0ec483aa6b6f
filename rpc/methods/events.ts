import Type from 'typebox'
import { method } from '../method.js'
import { topics } from '../topics.js'

const FilterValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.String(), { maxItems: 100 })])
const Filters = Type.Record(Type.String(), FilterValue, { maxProperties: 16, description: '`device`: a camera id or a list of them' })

export const eventMethods = [
  method({
    name: 'subscribe_events',
    summary: 'Adds topics to what this connection is told of.',
    role: 'viewer',
    since: '1.0',
    params: Type.Object({
      topics: Type.Array(Type.Enum([...topics]), { minItems: 1, maxItems: 100, description: 'Names as listed under Notifications' }),
      filters: Type.Optional(Type.Union([Filters, Type.Null()])),
    }),
    result: Type.Object({
      subscribed: Type.Boolean(),
      topics: Type.Array(Type.String()),
      filters: Type.Optional(Filters),
      seq: Type.Integer({ minimum: 0, description: 'Number of the newest event so far' }),
    }),
    handler: ({ topics, filters }, { services: { notifications }, session }) => {
      const wanted = [...new Set(topics)]
      notifications.subscribe(session, wanted, filters ?? undefined)
      return { subscribed: true, topics: wanted, ...(filters ? { filters } : {}), seq: notifications.lastSeq() }
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
]
