import Type from 'typebox'
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
  action: Type.String({ description: 'The method, or what else was asked for' }),
  result: Type.Enum(['ok', 'refused', 'failed']),
  user: Type.String({ description: 'Empty: nobody had said who it is' }),
  role: Type.Optional(Role),
  credential: Type.Optional(
    Type.String({
      description: 'What they had shown: `token:<jti or hash>`, `key:<id>` or `certificate:<fingerprint>`',
    }),
  ),
  address: Type.String({ description: 'Empty: several, or the machine itself' }),
  session: Type.Optional(Type.String()),
  request: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String({ description: 'What it was about: a camera, a file, the id of a key' })),
  reason: Type.Optional(Type.String()),
  count: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'So many more of its kind since the last one that was told by itself; the other members are those of the last',
    }),
  ),
})

export const auditMethods = [
  method({
    name: 'get_audit_log',
    summary: 'Tells who was let in or refused and who changed what, newest first.',
    role: 'admin',
    cost: 10,
    since: '1.1',
    params: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
      before: Type.Optional(
        Type.Integer({ minimum: 1, description: 'Only entries below this seq: `next_before` of the page before' }),
      ),
      user: Type.Optional(Word),
      action: Type.Optional(Word),
    }),
    numeric: ['limit', 'before'],
    result: Type.Object({
      entries: Type.Array(Entry),
      total: Type.Integer({ minimum: 0, description: 'Entries that are kept, whatever was asked for' }),
      next_before: Type.Optional(Type.Integer({ minimum: 1, description: 'Absent: nothing older is kept' })),
    }),
    handler: async ({ limit = 100, before, user, action }, { services: { audit }, caller }) => {
      // It tells of all who come, of every file and of every key.
      demandAllCameras(caller, 'the audit log is about all cameras')
      const { records, total, next } = await audit.read({ limit, ...given({ before, user, action }) })
      const entries = records.map((record) => given({ ...record, at: iso(record.at) }))
      return { entries, total, ...given({ next_before: next }) }
    },
  }),
]
