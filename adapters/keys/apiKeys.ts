import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  type ApiKey,
  type ApiKeys,
  type Caller,
  type Credential,
  isCameraList,
  isName,
  isRole,
  limitOf,
  neverExpires,
  type OutsideChange,
  roles,
} from '../../machines/domain/access.js'
import { authFailed, invalidParam, notFound, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { Dispose, Log, WallClock } from '../../machines/domain/ports.js'
import { createListeners } from '../data/listeners.js'
import { openSharedFile } from '../data/sharedFile.js'
import { changesOf, endOf, isActive, isSoundBook, KeyBook, pruned, type StoredKey } from './keyBook.js'

export interface ApiKeysOptions {
  /** The data directory's `state`. */
  stateDir: string
  clock: WallClock
  log: Log
  /** `expiry` in ms: the life of a key that is created without one. `maxKeys`: how many keys may be valid at a time. */
  defaults: { expiry: number; maxKeys: number }
}

export interface KeyKeeper extends ApiKeys {
  /** Checks a key (`csk_…`); never waits. Rejects with ServiceError `authFailed`. */
  verify(text: string): Promise<Caller>
  /** Also true for an unknown id: that key ended long ago. */
  isRevoked(id: string): boolean
  /** Calls `listener` with each key that ends before it expires. */
  onRevoked(listener: (credential: Credential) => void): Dispose
  /** Calls `listener` with each change that another process makes. */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

const mark = 'csk_'
/** Clients see the mark and 8 characters: 48 of the key's 256 bits. */
const prefixLength = mark.length + 8
const shape = /^csk_[\w-]{43}$/
/** How long the last uses may stay unwritten, in ms. */
const useInterval = 60_000

export const looksLikeKey = (text: string): boolean => text.startsWith(mark)

/** Opens the API keys in `api_keys.json`, which the command line changes too. */
export async function createApiKeys({ stateDir, clock, log, defaults }: ApiKeysOptions): Promise<KeyKeeper> {
  // A damaged file is no reason not to start: without it and its copy no key is valid.
  const file = await openSharedFile({
    dir: stateDir,
    name: 'api_keys.json',
    what: 'the list of API keys',
    schema: KeyBook,
    isValid: isSoundBook,
    empty: { keys: [] },
    consequence: 'no API key is valid: create the keys again',
    keepsCopy: true,
    clock,
    log,
  })
  const revoked = createListeners<Credential>()
  const outside = createListeners<OutsideChange>()
  /** The last uses that are not written yet. */
  const uses = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  const find = (id: string, { keys } = file.value()): StoredKey | undefined => keys.find((key) => key.id === id)
  const demand = (id: string, book = file.value()): StoredKey => {
    const found = find(id, book)
    if (found === undefined) throw notFound('Key', id)
    return found
  }

  file.onChange(({ value, before, by }) => {
    for (const { id, what, hasEnded } of changesOf(before.keys, value.keys, clock.now())) {
      if (by === 'another process')
        outside.notify({ action: 'keys', subject: id, reason: `${what} by the command line` })
      if (hasEnded) revoked.notify({ kind: 'key', id })
    }
  })

  const writeUses = async () => {
    const written = new Map(uses)
    const usedAt = ({ id, lastUsedAt = 0 }: StoredKey) => Math.max(written.get(id) ?? 0, lastUsedAt)
    const isNews = (key: StoredKey) => usedAt(key) > (key.lastUsedAt ?? 0)
    await file.change((book) =>
      book.keys.some(isNews)
        ? { keys: book.keys.map((key) => (isNews(key) ? { ...key, lastUsedAt: usedAt(key) } : key)) }
        : book,
    )
    for (const [id, at] of written) if (uses.get(id) === at) uses.delete(id)
  }
  const flushUses = async () => {
    clearTimeout(timer)
    timer = undefined
    if (uses.size === 0) return
    await writeUses().catch((error: unknown) =>
      log.warn('the last uses of API keys cannot be written', { reason: reasonOf(error) }),
    )
  }
  const noteUse = (id: string) => {
    uses.set(id, clock.now())
    timer ??= setTimeout(() => void flushUses(), useInterval).unref()
  }

  /** What clients may see of a key. */
  const visible = ({ hash: _, ...key }: StoredKey): ApiKey => {
    const used = uses.get(key.id)
    return used === undefined ? key : { ...key, lastUsedAt: used }
  }

  const make = ({ user, role, cameras }: Pick<ApiKey, 'user' | 'role' | 'cameras'>, life: number) => {
    const secret = `${mark}${randomBytes(32).toString('base64url')}`
    const now = clock.now()
    const key: StoredKey = {
      id: randomBytes(6).toString('hex'),
      prefix: secret.slice(0, prefixLength),
      hash: hashOf(secret),
      user,
      role,
      ...(cameras && { cameras: [...cameras] }),
      createdAt: now,
      expiresAt: life === 0 ? neverExpires : Math.min(neverExpires, now + life),
    }
    return { key, secret }
  }

  return {
    async create({ user, role, cameras, expiresIn = defaults.expiry }) {
      if (!isName(user)) throw invalidParam('user', 'must be text of 1 to 256 characters without control characters')
      if (!isRole(role)) throw invalidParam('role', `must be one of ${roles.join(', ')}`)
      if (cameras !== undefined && !isCameraList(cameras))
        throw invalidParam('cameras', 'must be camera ids or patterns such as camera0, camera1*')
      if (!(expiresIn === 0 || (Number.isFinite(expiresIn) && expiresIn >= 1000)))
        throw invalidParam('expires_in', 'must be 0 (never) or at least a second')
      const { key, secret } = make({ user, role, ...(cameras && { cameras }) }, expiresIn)
      await file.change(({ keys }) => {
        const now = clock.now()
        if (keys.filter((each) => isActive(each, now)).length >= defaults.maxKeys) throw tooMany(defaults.maxKeys)
        return { keys: [...pruned(keys, now), key] }
      })
      return { key: visible(key), secret }
    },
    async list() {
      return pruned(file.value().keys, clock.now())
        .map(visible)
        .sort((one, other) => other.createdAt - one.createdAt)
    },
    async rotate(id) {
      let made: ReturnType<typeof make> | undefined
      await file.change((book) => {
        const now = clock.now()
        const old = demand(id, book)
        if (!isActive(old, now)) throw alreadyEnded(old, now)
        // The new key has its own id, so that the sessions and links of the old one end with it.
        made ??= make(old, old.expiresAt === neverExpires ? 0 : old.expiresAt - old.createdAt)
        const keys = pruned(book.keys, now).map((each) => (each.id === id ? { ...each, revokedAt: now } : each))
        return { keys: [...keys, made.key] }
      })
      if (made === undefined) throw notFound('Key', id)
      return { key: visible(made.key), secret: made.secret }
    },
    async revoke(id) {
      const old = demand(id)
      const now = clock.now()
      const isIt = (key: StoredKey) => key.id === id && key.revokedAt === undefined
      await file.change(
        (book) =>
          book.keys.some(isIt)
            ? { keys: book.keys.map((key) => (isIt(key) ? { ...key, revokedAt: now } : key)) }
            : book,
        { atOnce: true },
      )
      return visible(find(id) ?? { ...old, revokedAt: now })
    },
    async verify(text) {
      if (typeof text !== 'string' || !shape.test(text)) throw authFailed('auth_failed')
      const hash = Buffer.from(hashOf(text))
      const prefix = text.slice(0, prefixLength)
      const isIt = (key: StoredKey) =>
        key.prefix === prefix && key.hash.length === hash.length && timingSafeEqual(Buffer.from(key.hash), hash)
      const found = file.value().keys.find(isIt)
      if (found === undefined) throw authFailed('auth_failed')
      if (found.revokedAt !== undefined) throw authFailed('revoked')
      if (endOf(found) <= clock.now()) throw authFailed('token_expired')
      const { id, user, role, expiresAt, cameras } = found
      noteUse(id)
      return { user, role, expiresAt, ...limitOf(cameras), credential: { kind: 'key', id } }
    },
    isRevoked(id) {
      const found = find(id)
      return found === undefined || found.revokedAt !== undefined
    },
    onRevoked: revoked.add,
    onOutsideChange: outside.add,
    async close() {
      await flushUses()
      await file.close()
    },
  }
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

const tooMany = (limit: number) =>
  new ServiceError('invalidState', {
    reason: 'too_many_keys',
    state: `${limit} keys are valid`,
    allowed_methods: ['list_api_keys', 'revoke_api_key'],
    suggestion: 'revoke keys that are no longer used, or raise api_key_management.max_keys',
  })

const alreadyEnded = (key: ApiKey, now: number) =>
  new ServiceError('invalidState', {
    reason: 'key_ended',
    state: key.revokedAt !== undefined && key.revokedAt <= now ? 'revoked' : 'expired',
    allowed_states: ['active'],
    allowed_methods: ['create_api_key'],
    suggestion: 'create a new key',
  })
