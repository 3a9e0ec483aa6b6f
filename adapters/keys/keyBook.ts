import type { Static } from 'typebox'
import * as Type from 'typebox'
import { type ApiKey, isCameraList, isName, roles } from '../../machines/domain/access.js'

const Text = Type.String({ minLength: 1, maxLength: 128 })
const Time = Type.Number()

/** A key as `api_keys.json` holds it. */
const StoredKey = Type.Object({
  id: Text,
  prefix: Text,
  /** SHA-256 of the key in hexadecimal. A slow hash adds nothing: a key is 256 random bits. */
  hash: Text,
  user: Type.String(),
  role: Type.Enum(roles),
  cameras: Type.Optional(Type.Array(Type.String())),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Type.Optional(Time),
  revokedAt: Type.Optional(Time),
})
export type StoredKey = Static<typeof StoredKey>

export const KeyBook = Type.Object({ keys: Type.Array(StoredKey) })
export type KeyBook = Static<typeof KeyBook>

/** A malformed list of cameras is never read as a missing one, which would mean every camera. */
const isSound = ({ user, cameras }: StoredKey): boolean =>
  isName(user) && (cameras === undefined || isCameraList(cameras))

/** What the shape does not say. */
export const isSoundBook = ({ keys }: KeyBook): boolean =>
  keys.every(isSound) && new Set(keys.map(({ id }) => id)).size === keys.length

/** How long ended keys stay in the list. */
const remembered = 30 * 86_400_000
/** How many ended keys stay in the list; the oldest go first. */
const mostEnded = 1000

export const endOf = ({ expiresAt, revokedAt }: ApiKey): number =>
  Math.min(expiresAt, revokedAt ?? Number.POSITIVE_INFINITY)
export const isActive = (key: ApiKey, now: number): boolean => endOf(key) > now

/** The keys without those that ended long ago. */
export function pruned(keys: readonly StoredKey[], now: number): StoredKey[] {
  const ended = keys
    .filter((key) => !isActive(key, now) && endOf(key) > now - remembered)
    .sort((one, other) => endOf(other) - endOf(one))
  const kept = new Set(ended.slice(0, mostEnded))
  return keys.filter((key) => isActive(key, now) || kept.has(key))
}

export interface KeyChange {
  id: string
  what: 'created' | 'revoked' | 'altered'
  /** The key was valid before and is not any more, or has other rights: its sessions end. */
  hasEnded: boolean
}

/** The differences between two lists, except last uses and the removal of ended keys. */
export function changesOf(before: readonly StoredKey[], after: readonly StoredKey[], now: number): KeyChange[] {
  const old = new Map(before.map((key) => [key.id, key]))
  const present = new Map(after.map((key) => [key.id, key]))
  return [...new Set([...old.keys(), ...present.keys()])].flatMap((id): KeyChange[] => {
    const [known, key] = [old.get(id), present.get(id)]
    const wasActive = known !== undefined && isActive(known, now)
    if (known === undefined) return [{ id, what: 'created', hasEnded: false }]
    if (key === undefined || !isActive(key, now)) return wasActive ? [{ id, what: 'revoked', hasEnded: true }] : []
    const isSame = rightsOf(known) === rightsOf(key)
    return isSame ? [] : [{ id, what: 'altered', hasEnded: wasActive }]
  })
}

const rightsOf = ({ hash, user, role, cameras, expiresAt, revokedAt }: StoredKey) =>
  JSON.stringify([hash, user, role, cameras, expiresAt, revokedAt])
