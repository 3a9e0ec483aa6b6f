import * as Type from 'typebox'
import { type ApiKey, neverExpires } from '../../machines/domain/access.js'
import { notFound, ServiceError } from '../../machines/domain/errors.js'
import { type Call, method } from '../method.js'
import { given, iso, isoOf } from '../present.js'
import { covers, demandAllCameras } from '../rights.js'
import { CameraPatterns, MaybeExpires, None, nameParam, Role, Time, timeOf } from '../schemas.js'

const OneKey = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'Id of an API key, from list_api_keys' }),
})

const Key = Type.Object({
  id: Type.String(),
  prefix: Type.String({ description: 'The beginning of the key, to recognise it by' }),
  user: Type.String(),
  role: Role,
  cameras: Type.Optional(CameraPatterns),
  status: Type.Enum(['active', 'expired', 'revoked']),
  created_at: Time,
  expires_at: MaybeExpires,
  last_used_at: Type.Optional(timeOf('Written once a minute; a kill -9 loses the last minute')),
  revoked_at: Type.Optional(Time),
})
const NewKey = Type.Object({
  ...Key.properties,
  api_key: Type.String({ description: 'The key itself: returned only once, and not stored' }),
})

const statusOf = ({ revokedAt, expiresAt }: ApiKey, now: number): 'active' | 'expired' | 'revoked' => {
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt <= now ? 'expired' : 'active'
}

const keyOf = (key: ApiKey, now: number) =>
  given({
    id: key.id,
    prefix: key.prefix,
    user: key.user,
    role: key.role,
    cameras: key.cameras && [...key.cameras],
    status: statusOf(key, now),
    created_at: iso(key.createdAt),
    expires_at: isoOf(key.expiresAt),
    last_used_at: isoOf(key.lastUsedAt),
    revoked_at: isoOf(key.revokedAt),
  })

/** A key with rights to more cameras than the caller's own does not exist for the caller. */
const demandKey = async (id: string, { services, caller }: Call): Promise<void> => {
  const key = (await services.keys.list()).find((each) => each.id === id)
  if (key === undefined || !covers(caller, key.cameras)) throw notFound('Key', id)
}

const createApiKey = method({
  name: 'create_api_key',
  summary: 'Creates an API key; the key itself is returned only once.',
  role: 'admin',
  cost: 5,
  audit: { event: 'change', subject: 'user' },
  since: '1.1',
  errors: ['invalidState'],
  params: Type.Object({
    role: Role,
    user: nameParam('Any characters except control characters'),
    cameras: Type.Optional(CameraPatterns),
    expires_in: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3650 * 86_400,
        description: 'Life in seconds; 0: never expires; default api_key_management.default_expiry',
      }),
    ),
  }),
  numeric: ['expires_in'],
  result: NewKey,
  handler: async ({ role, user, cameras, expires_in: life }, { services, caller }) => {
    // A caller limited to some cameras can only create keys for (a subset of) those.
    const wanted = cameras ?? (caller?.cameras && [...caller.cameras])
    if (!covers(caller, wanted)) {
      throw new ServiceError('permissionDenied', {
        details: 'cameras may only name cameras that the caller may use',
        suggestion: 'Leave cameras out, or name only your own',
      })
    }
    const { key, secret } = await services.keys.create(
      given({ role, user, cameras: wanted, expiresIn: life === undefined ? undefined : life * 1000 }),
    )
    return { ...keyOf(key, services.clock.now()), api_key: secret }
  },
})

const listApiKeys = method({
  name: 'list_api_keys',
  summary: 'Lists the API keys, newest first; ended ones stay in the list for 30 days.',
  role: 'admin',
  cost: 2,
  since: '1.1',
  params: None,
  result: Type.Object({ keys: Type.Array(Key), total: Type.Integer({ minimum: 0 }) }),
  handler: async (_params, { services, caller }) => {
    const now = services.clock.now()
    const all = await services.keys.list()
    const keys = all.filter((key) => covers(caller, key.cameras)).map((key) => keyOf(key, now))
    return { keys, total: keys.length }
  },
})

const rotateApiKey = method({
  name: 'rotate_api_key',
  summary: 'Replaces an API key with a new one with the same rights and life; the old one ends at once.',
  role: 'admin',
  cost: 5,
  audit: { event: 'change', subject: 'id' },
  since: '1.1',
  errors: ['notFound'],
  params: OneKey,
  result: NewKey,
  handler: async ({ id }, call) => {
    await demandKey(id, call)
    const { key, secret } = await call.services.keys.rotate(id)
    return { ...keyOf(key, call.services.clock.now()), api_key: secret }
  },
})

const revokeApiKey = method({
  name: 'revoke_api_key',
  summary: 'Revokes an API key for good, and ends its sessions, streams and links.',
  role: 'admin',
  cost: 2,
  audit: { event: 'change', subject: 'id' },
  since: '1.1',
  errors: ['notFound'],
  params: OneKey,
  result: Key,
  handler: async ({ id }, call) => {
    await demandKey(id, call)
    return keyOf(await call.services.keys.revoke(id), call.services.clock.now())
  },
})

const revokeToken = method({
  name: 'revoke_token',
  summary: 'Revokes a token for good, also one that was never used, and ends its sessions, streams and links.',
  role: 'admin',
  cost: 2,
  audit: { event: 'change', subject: 'jti' },
  since: '1.1',
  params: Type.Object({
    jti: nameParam("The token's jti; for a token without it the credential_id of list_sessions (sha256:…)"),
  }),
  result: Type.Object({ jti: Type.String(), revoked: Type.Literal(true) }),
  handler: async ({ jti }, { services, caller }) => {
    demandAllCameras(caller, 'a token may be for any camera')
    // Its expiry is unknown until it is used, so it is revoked for good.
    await services.credentials.revoke({ kind: 'token', id: jti }, neverExpires)
    return { jti, revoked: true as const }
  },
})

export const keyMethods = [createApiKey, listApiKeys, rotateApiKey, revokeApiKey, revokeToken]
