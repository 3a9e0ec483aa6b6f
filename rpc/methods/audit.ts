import * as Type from 'typebox'
import { method } from '../method.js'
import { given, iso } from '../present.js'
import { demandAllCameras } from '../rights.js'
import { Role, Time } from '../schemas.js'

const Seq = Type.Integer({ minimum: 1 })
const Word = Type.String({ minLength: 1, maxLength: 256 })

const Entry = Type.Object({
  seq: Seq,
  at: Time,
  event: Type.Enum(['authentication', 'refusal', 'change', 'deletion']),
  action: Type.String({ description: 'The method, or another action such as `GET /files`' }),
  result: Type.Enum(['ok', 'refused', 'failed']),
  user: Type.String({ description: 'Empty: not authenticated' }),
  role: Type.Optional(Role),
  credential: Type.Optional(
    Type.String({
      description: 'The credential: `token:<jti or hash>`, `key:<id>` or `certificate:<fingerprint>`',
    }),
  ),
  address: Type.String({ description: 'Empty: several addresses, or this host' }),
  session: Type.Optional(Type.String()),
  request: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String({ description: 'What the action was about: a camera, a file, the id of a key' })),
  reason: Type.Optional(Type.String()),
  count: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Number of similar entries suppressed since the last one written; the other members are those of the last one',
    }),
  ),
})

const getAuditLog = method({
  name: 'get_audit_log',
  summary: 'Lists authentications, refusals and changes, newest first.',
  role: 'admin',
  cost: 10,
  since: '1.1',
  params: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only entries with a lower seq: `next_before` of the previous page' }),
    ),
    user: Type.Optional(Word),
    action: Type.Optional(Word),
  }),
  numeric: ['limit', 'before'],
  result: Type.Object({
    entries: Type.Array(Entry),
    total: Type.Integer({ minimum: 0, description: 'Number of all entries, whatever the filters' }),
    next_before: Type.Optional(Type.Integer({ minimum: 1, description: 'Absent: there are no older entries' })),
  }),
  handler: async ({ limit = 100, before, user, action }, { services: { audit }, caller }) => {
    demandAllCameras(caller, 'the audit log is about all cameras')
    const { records, total, next } = await audit.read({ limit, ...given({ before, user, action }) })
    const entries = records.map((record) => given({ ...record, at: iso(record.at) }))
    return { entries, total, ...given({ next_before: next }) }
  },
})

export const auditMethods = [getAuditLog]
