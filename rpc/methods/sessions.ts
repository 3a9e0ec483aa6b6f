import * as Type from 'typebox'
import { type Caller, credentialKinds, type MediaSession } from '../../machines/domain/access.js'
import { notFound, ServiceError } from '../../machines/domain/errors.js'
import { method } from '../method.js'
import { given, iso, isoOf } from '../present.js'
import { covers, mayReach } from '../rights.js'
import { Count, MaybeExpires, Role, Time } from '../schemas.js'
import type { Session } from '../session.js'

const Kind = Type.Enum(credentialKinds)
const CredentialId = Type.Optional(
  Type.String({
    description: "For revoke_token and revoke_api_key: a token's jti or hash, a key's id, a certificate's fingerprint",
  }),
)

const SessionInfo = Type.Object({
  session_id: Type.String(),
  state: Type.Enum(['unauthenticated', 'authenticated', 'over'], {
    description: "over: the caller's rights have ended and the connection is about to close",
  }),
  user: Type.Optional(Type.String()),
  role: Type.Optional(Role),
  credential: Type.Optional(Kind),
  credential_id: CredentialId,
  cameras: Type.Optional(Type.Array(Type.String(), { description: 'Ids or patterns; absent: every camera' })),
  address: Type.String(),
  since: Time,
  expires_at: MaybeExpires,
  requests: Count,
  subscriptions: Type.Array(Type.String()),
})

const MediaInfo = Type.Object({
  id: Type.String(),
  protocol: Type.String(),
  device: Type.String(),
  user: Type.String(),
  credential: Type.Optional(Kind),
  credential_id: CredentialId,
  address: Type.String(),
  since: Time,
  expires_at: MaybeExpires,
})

const stateOf = ({ caller, ended }: Session): 'authenticated' | 'over' | 'unauthenticated' => {
  if (caller !== undefined) return 'authenticated'
  return ended === undefined ? 'unauthenticated' : 'over'
}

const sessionOf = (session: Session) => {
  const { id, caller, ended, address, since, requests, subscriptions } = session
  return given({
    session_id: id,
    state: stateOf(session),
    user: caller?.user ?? ended?.user,
    role: caller?.role,
    credential: caller?.credential?.kind,
    credential_id: caller?.credential?.id,
    cameras: caller?.cameras && [...caller.cameras],
    address,
    since: iso(since),
    expires_at: isoOf(caller?.expiresAt),
    requests,
    subscriptions: [...subscriptions.keys()],
  })
}

const mediaOf = ({ id, protocol, camera, user, credential, address, since, expiresAt }: MediaSession) =>
  given({
    id,
    protocol,
    device: camera,
    user,
    credential: credential?.kind,
    credential_id: credential?.id,
    address,
    since: iso(since),
    expires_at: isoOf(expiresAt),
  })

/** A session with rights to more cameras than the caller's own does not exist for the caller. */
const maySee = (caller: Caller | undefined, session: Session): boolean => {
  const owner = session.caller ?? session.ended
  return owner === undefined || covers(caller, owner.cameras)
}

const listSessions = method({
  name: 'list_sessions',
  summary: 'Lists the connections of the API, and the readers of streams.',
  role: 'admin',
  cost: 2,
  since: '1.1',
  numeric: ['limit', 'offset'],
  params: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Of each list; default 100' })),
    offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Default 0' })),
  }),
  result: Type.Object({
    sessions: Type.Array(SessionInfo),
    total: Count,
    media: Type.Array(MediaInfo),
    media_total: Count,
    limit: Type.Integer({ minimum: 1 }),
    offset: Count,
  }),
  handler: ({ limit = 100, offset = 0 }, { services: { sessions, streamAccess }, caller }) => {
    const open = sessions.all().filter((session) => maySee(caller, session))
    const media = streamAccess.sessions().filter(({ camera }) => mayReach(caller, camera))
    return {
      sessions: open.slice(offset, offset + limit).map(sessionOf),
      total: open.length,
      media: media.slice(offset, offset + limit).map(mediaOf),
      media_total: media.length,
      limit,
      offset,
    }
  },
})

const endSession = method({
  name: 'end_session',
  summary: 'Ends a session and the media sessions of its credential; with `revoke` also the credential, for good.',
  role: 'admin',
  cost: 5,
  audit: { event: 'change', subject: 'session_id' },
  since: '1.1',
  errors: ['notFound', 'invalidState'],
  params: Type.Object({
    session_id: Type.String({ minLength: 1, maxLength: 64, description: 'From list_sessions' }),
    revoke: Type.Optional(Type.Boolean({ description: 'Default false: the client may authenticate again' })),
  }),
  result: Type.Object({
    session_id: Type.String(),
    ended: Type.Literal(true),
    revoked: Type.Boolean(),
    media_ended: Count,
  }),
  handler: async ({ session_id, revoke = false }, { services: { sessions, credentials }, caller: asking }) => {
    const session = sessions.find(session_id)
    if (session === undefined || !maySee(asking, session)) throw notFound('Session', session_id)
    const { caller } = session
    if (revoke && caller?.credential === undefined)
      throw new ServiceError('invalidState', { reason: 'no_credential', state: 'unauthenticated' })
    if (caller === undefined) {
      sessions.close(session, 4401, 'the session was ended by an administrator')
      return { session_id, ended: true as const, revoked: false, media_ended: 0 }
    }
    // The session first: it counts its media sessions, and revoking ends those of the credential at once.
    const ending = sessions.expire(session, revoke ? 'revoked' : 'ended')
    if (revoke && caller.credential !== undefined) await credentials.revoke(caller.credential, caller.expiresAt)
    return { session_id, ended: true as const, revoked: revoke, media_ended: await ending }
  },
})

export const sessionAdminMethods = [listSessions, endSession]
