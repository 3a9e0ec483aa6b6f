import Type from 'typebox'
import { type ApiKey, neverExpires } from '../../machines/domain/access.js'
import { notFound, ServiceError } from '../../machines/domain/errors.js'
import { type Call, method } from '../method.js'
import { given, iso } from '../present.js'
import { covers, demandAllCameras } from '../rights.js'
import { CameraPatterns, None, nameParam, Role, Time } from '../schemas.js'

const KeyId = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  description: 'Id of an API key, as list_api_keys tells it',
})
const OneKey = Type.Object({ id: KeyId })

const keyProperties = {
  id: Type.String(),
  prefix: Type.String({ description: 'The beginning of the key, by which people know it again' }),
  user: Type.String(),
  role: Role,
  cameras: Type.Optional(CameraPatterns),
  status: Type.Enum(['active', 'expired', 'revoked']),
  created_at: Time,
  expires_at: Type.Optional(Type.String({ format: 'date-time', description: 'Absent: never' })),
  last_used_at: Type.Optional(Time),
  revoked_at: Type.Optional(Time),
}
const Key = Type.Object(keyProperties)
const NewKey = Type.Object({
  ...keyProperties,
  api_key: Type.String({ description: 'The key itself: told this once, kept nowhere' }),
})

const timeOf = (time: number | undefined) => (time === undefined || time >= neverExpires ? undefined : iso(time))

const keyOf = ({ id, prefix, user, role, cameras, createdAt, expiresAt, lastUsedAt, revokedAt }: ApiKey, now: number) =>
  given({
    id,
    prefix,
    user,
    role,
    cameras: cameras && [...cameras],
    status:
      revokedAt !== undefined ? ('revoked' as const) : expiresAt <= now ? ('expired' as const) : ('active' as const),
    created_at: iso(createdAt),
    expires_at: timeOf(expiresAt),
    last_used_at: timeOf(lastUsedAt),
    revoked_at: timeOf(revokedAt),
  })

/** A key with rights to more cameras than the caller's own does not exist for them. */
const demandKey = async (id: string, { services, caller }: Call): Promise<void> => {
  const key = (await services.keys.list()).find((each) => each.id === id)
  if (key === undefined || !covers(caller, key.cameras)) throw notFound('Key', id)
}

export const keyMethods = [
  method({
    name: 'create_api_key',
    summary: 'Makes an API key; the key itself is told this once.',
    role: 'admin',
    cost: 5,
    audited: true,
    since: '1.1',
    errors: ['invalidState'],
    params: Type.Object({
      role: Role,
      user: nameParam('Any characters but control characters'),
      cameras: Type.Optional(CameraPatterns),
      expires_in: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 3650 * 86_400,
          description: 'Seconds; 0: never; default api_key_management.default_expiry',
        }),
      ),
    }),
    numeric: ['expires_in'],
    result: NewKey,
    handler: async ({ role, user, cameras, expires_in: life }, { services, caller }) => {
      // Of one who is limited to some cameras a key is for those, unless it names fewer.
      const wanted = cameras ?? (caller?.cameras && [...caller.cameras])
      if (!covers(caller, wanted)) {
        throw new ServiceError('permissionDenied', {
          reason: 'permission_denied',
          hint: 'cameras may name only those that you may use yourself',
        })
      }
      const { key, secret } = await services.keys.create(
        given({ role, user, cameras: wanted, expiresIn: life === undefined ? undefined : life * 1000 }),
      )
      return { ...keyOf(key, services.clock.now()), api_key: secret }
    },
  }),
  method({
    name: 'list_api_keys',
    summary: 'Lists the API keys, newest first; those that have ended for 30 days more.',
    role: 'admin',
    cost: 2,
    since: '1.1',
    params: None,
    result: Type.Object({ keys: Type.Array(Key), total: Type.Integer({ minimum: 0 }) }),
    handler: async (_params, { services, caller }) => {
      const now = services.clock.now()
      const keys = (await services.keys.list())
        .filter((key) => covers(caller, key.cameras))
        .map((key) => keyOf(key, now))
      return { keys, total: keys.length }
    },
  }),
  method({
    name: 'rotate_api_key',
    summary:
      'Replaces an API key by a new one with the same rights and the same length of life; the old one ends at once.',
    role: 'admin',
    cost: 5,
    audited: true,
    since: '1.1',
    errors: ['notFound'],
    params: OneKey,
    result: NewKey,
    handler: async ({ id }, call) => {
      await demandKey(id, call)
      const { key, secret } = await call.services.keys.rotate(id)
      return { ...keyOf(key, call.services.clock.now()), api_key: secret }
    },
  }),
  method({
    name: 'revoke_api_key',
    summary: 'Ends an API key for good, with its sessions, streams and links.',
    role: 'admin',
    cost: 2,
    audited: true,
    since: '1.1',
    errors: ['notFound'],
    params: OneKey,
    result: Key,
    handler: async ({ id }, call) => {
      await demandKey(id, call)
      return keyOf(await call.services.keys.revoke(id), call.services.clock.now())
    },
  }),
  method({
    name: 'revoke_token',
    summary: 'Ends a token for good, with its sessions, streams and links; also one that has not been seen yet.',
    role: 'admin',
    cost: 2,
    audited: true,
    since: '1.1',
    params: Type.Object({
      jti: nameParam("The token's jti; of one without it the credential_id that list_sessions tells (sha256:…)"),
    }),
    result: Type.Object({ jti: Type.String(), revoked: Type.Literal(true) }),
    handler: async ({ jti }, { services, caller }) => {
      // Whose it is, nobody can tell before it has been seen.
      demandAllCameras(caller, 'a token may be for any camera')
      // When it would expire nobody knows who has not seen it, so it is barred for good.
      await services.credentials.revoke({ kind: 'token', id: jti }, neverExpires)
      return { jti, revoked: true as const }
    },
  }),
]
