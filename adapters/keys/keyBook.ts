import { type ApiKey, isRole } from '../../machines/domain/access.js'
import { isCameraList, isUser } from '../tokens/claims.js'

/** A key as it is kept: of the key itself only this hash. */
export interface StoredKey extends ApiKey {
  /** SHA-256 in hexadecimal. No slow hash: a key is 256 random bits, which nobody guesses at any speed. */
  hash: string
}

export interface KeyBook {
  keys: readonly StoredKey[]
}

export const emptyBook: KeyBook = { keys: [] }

/** How long a key is told of after its end. */
const remembered = 30 * 86_400_000
/** Of those that have ended; the oldest go first. */
const mostEnded = 1000

export const endOf = ({ expiresAt, revokedAt }: ApiKey): number =>
  Math.min(expiresAt, revokedAt ?? Number.POSITIVE_INFINITY)
export const isActive = (key: ApiKey, now: number): boolean => endOf(key) > now

/** Without those that ended long ago. */
export function pruned(keys: readonly StoredKey[], now: number): StoredKey[] {
  const ended = keys
    .filter((key) => !isActive(key, now) && endOf(key) > now - remembered)
    .sort((one, other) => endOf(other) - endOf(one))
  const kept = new Set(ended.slice(0, mostEnded))
  return keys.filter((key) => isActive(key, now) || kept.has(key))
}

/** What became of keys. When they were used is no change, nor that one is forgotten after its end. */
export function changesOf(
  before: readonly StoredKey[],
  after: readonly StoredKey[],
  now: number,
): { id: string; what: 'created' | 'revoked' | 'altered' }[] {
  const old = new Map(before.map((key) => [key.id, key]))
  const present = new Set(after.map(({ id }) => id))
  const removed = before
    .filter((key) => !present.has(key.id) && isActive(key, now))
    .map(({ id }) => ({ id, what: 'revoked' as const }))
  const changed = after.flatMap((key) => {
    const known = old.get(key.id)
    if (known === undefined) return { id: key.id, what: 'created' as const }
    if (isActive(known, now) && !isActive(key, now)) return { id: key.id, what: 'revoked' as const }
    return rightsOf(known) === rightsOf(key) ? [] : { id: key.id, what: 'altered' as const }
  })
  return [...removed, ...changed]
}

const rightsOf = ({ hash, user, role, cameras, expiresAt, revokedAt }: StoredKey) =>
  JSON.stringify([hash, user, role, cameras, expiresAt, revokedAt])

export function parseBook({ keys }: Record<string, unknown>): KeyBook | undefined {
  if (!Array.isArray(keys)) return undefined
  const found = keys.map(parseKey)
  const ids = new Set(found.map((key) => key?.id))
  return found.includes(undefined) || ids.size < found.length
    ? undefined
    : { keys: found.filter((key) => key !== undefined) }
}

function parseKey(value: unknown): StoredKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, prefix, hash, user, role, cameras, createdAt, expiresAt, lastUsedAt, revokedAt } = value as Record<
    string,
    unknown
  >
  if (
    !isText(id) ||
    !isText(prefix) ||
    !isText(hash) ||
    !isUser(user) ||
    !isRole(role) ||
    !isTime(createdAt) ||
    !isTime(expiresAt)
  )
    return undefined
  // One that is malformed never becomes one that is absent: that would mean every camera.
  if (cameras !== undefined && !isCameraList(cameras)) return undefined
  if ((lastUsedAt !== undefined && !isTime(lastUsedAt)) || (revokedAt !== undefined && !isTime(revokedAt)))
    return undefined
  const optional = {
    ...(cameras && { cameras }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  }
  return { id, prefix, hash, user, role, createdAt, expiresAt, ...optional }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 128
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
