import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  type ApiKey,
  type ApiKeys,
  type Caller,
  type Credential,
  isRole,
  limitOf,
  neverExpires,
  type OutsideChange,
} from '../../machines/domain/access.js'
import { invalidParam, notFound, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Dispose, Log } from '../../machines/domain/ports.js'
import { openSharedFile } from '../data/sharedFile.js'
import { isCameraList, isUser } from '../tokens/claims.js'
import { refusal } from '../tokens/refusal.js'
import { changesOf, emptyBook, endOf, isActive, type KeyBook, parseBook, pruned, type StoredKey } from './keyBook.js'

export interface ApiKeysOptions {
  /** The data directory's `state`. */
  stateDir: string
  clock: Clock
  log: Log
  /** `expiry` in ms: life of a key whose wish names none. `maxKeys`: valid ones at a time. */
  defaults: { expiry: number; maxKeys: number }
}

export interface KeyKeeper extends ApiKeys {
  /** Of a whole key (`csk_…`), from memory. Rejects with ServiceError `authFailed`. */
  verify(text: string): Promise<Caller>
  /** Also for a key that nobody knows: it has ended long ago. */
  isRevoked(id: string): boolean
  /** Told of each key that ends before its time, here or by the command line. */
  onRevoked(listener: (credential: Credential) => void): Dispose
  /** Told of what another process did to the keys, such as the command line. */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

const mark = 'csk_'
/** As shown: the mark and 8 characters, 48 of the key's 256 bits. */
const shownLength = mark.length + 8
const shape = /^csk_[\w-]{43}$/
/** How long a use may go unwritten. */
const useInterval = 60_000

export const looksLikeKey = (text: string): boolean => text.startsWith(mark)

/** The API keys in `api_keys.json`, which the command line changes too. */
export async function createApiKeys({ stateDir, clock, log, defaults }: ApiKeysOptions): Promise<KeyKeeper> {
  const file = await openSharedFile<KeyBook>({
    dir: stateDir,
    name: 'api_keys.json',
    what: 'list of API keys',
    parse: parseBook,
    empty: emptyBook,
    // No key is then good: nobody gets in who should not.
    damaged: 'empty',
    clock,
    log,
  })
  const listeners = new Set<(credential: Credential) => void>()
  const outsideListeners = new Set<(change: OutsideChange) => void>()
  /** Uses that are not written yet. */
  const uses = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  const find = (id: string): StoredKey | undefined => file.value().keys.find((key) => key.id === id)
  const demand = (id: string, { keys }: KeyBook): StoredKey => {
    const found = keys.find((key) => key.id === id)
    if (found === undefined) throw notFound('Key', id)
    return found
  }

  file.onChange(({ keys }, before, from) => {
    const now = clock.now()
    if (from === 'outside') {
      for (const { id, what } of changesOf(before.keys, keys, now))
        for (const listener of outsideListeners)
          listener({ action: 'keys', subject: id, reason: `${what} by the command line` })
    }
    const ended = before.keys.filter((old) => {
      if (!isActive(old, now)) return false
      const present = keys.find((key) => key.id === old.id)
      return present === undefined || present.hash !== old.hash || !isActive(present, now)
    })
    for (const { id } of ended) for (const listener of listeners) listener({ kind: 'key', id })
  })

  const writeUses = async () => {
    timer = undefined
    const written = new Map(uses)
    await file.change((book) => {
      const isNews = ({ id, lastUsedAt = 0 }: StoredKey) => (written.get(id) ?? 0) > lastUsedAt
      if (!book.keys.some(isNews)) return book
      return { keys: book.keys.map((key) => (isNews(key) ? { ...key, lastUsedAt: written.get(key.id) ?? 0 } : key)) }
    })
    for (const [id, at] of written) if (uses.get(id) === at) uses.delete(id)
  }
  const writeUsesQuietly = () =>
    writeUses().catch((error: unknown) =>
      log.warn('the last uses of API keys cannot be kept', { reason: reasonOf(error) }),
    )
  const noteUse = (id: string) => {
    uses.set(id, clock.now())
    timer ??= setTimeout(() => void writeUsesQuietly(), useInterval).unref()
  }

  const shown = ({ hash: _, ...key }: StoredKey): ApiKey => {
    const used = uses.get(key.id)
    return used === undefined ? key : { ...key, lastUsedAt: used }
  }

  const make = (rights: Pick<ApiKey, 'user' | 'role' | 'cameras'>, life: number) => {
    const secret = `${mark}${randomBytes(32).toString('base64url')}`
    const now = clock.now()
    const key: StoredKey = {
      id: randomBytes(6).toString('hex'),
      prefix: secret.slice(0, shownLength),
      hash: hashOf(secret),
      user: rights.user,
      role: rights.role,
      ...(rights.cameras && { cameras: [...rights.cameras] }),
      createdAt: now,
      expiresAt: life === 0 ? neverExpires : Math.min(neverExpires, now + life),
    }
    return { key, secret }
  }

  return {
    async create({ user, role, cameras, expiresIn = defaults.expiry }) {
      if (!isUser(user)) throw invalidParam('user', 'must be text of 1 to 256 characters without control characters')
      if (!isRole(role)) throw invalidParam('role', 'must be one of viewer, operator, admin')
      if (cameras !== undefined && !isCameraList(cameras))
        throw invalidParam('cameras', 'must be camera ids or patterns such as camera0, camera1*')
      if (!(expiresIn === 0 || (Number.isFinite(expiresIn) && expiresIn >= 1000)))
        throw invalidParam('expires_in', 'must be 0 (never) or at least a second')
      const made = make({ user, role, ...(cameras && { cameras }) }, expiresIn)
      await file.change(({ keys }) => {
        const now = clock.now()
        if (keys.filter((key) => isActive(key, now)).length >= defaults.maxKeys) throw tooMany(defaults.maxKeys)
        return { keys: [...pruned(keys, now), made.key] }
      })
      return { key: shown(made.key), secret: made.secret }
    },
    async list() {
      const { keys } = file.value()
      return pruned(keys, clock.now())
        .map(shown)
        .sort((one, other) => other.createdAt - one.createdAt)
    },
    async rotate(id) {
      let made: ReturnType<typeof make> | undefined
      await file.change((book) => {
        const old = demand(id, book)
        const now = clock.now()
        if (!isActive(old, now)) throw ended(old, now)
        // A key of its own, so that what the old one was given (sessions, links) ends with the old one.
        made ??= make(old, old.expiresAt === neverExpires ? 0 : old.expiresAt - old.createdAt)
        const { key } = made
        return {
          keys: [...pruned(book.keys, now).map((each) => (each.id === id ? { ...each, revokedAt: now } : each)), key],
        }
      })
      if (made === undefined) throw notFound('Key', id)
      return { key: shown(made.key), secret: made.secret }
    },
    async revoke(id) {
      const old = demand(id, file.value())
      const now = clock.now()
      const isIt = (key: StoredKey) => key.id === id && key.revokedAt === undefined
      const how = ({ keys }: KeyBook) => ({ keys: keys.map((key) => (isIt(key) ? { ...key, revokedAt: now } : key)) })
      await file.change((book) => (book.keys.some(isIt) ? how(book) : book), { atOnce: true })
      return shown(find(id) ?? { ...old, revokedAt: now })
    },
    async verify(text) {
      if (typeof text !== 'string' || !shape.test(text)) throw refusal('auth_failed')
      const hash = Buffer.from(hashOf(text))
      const prefix = text.slice(0, shownLength)
      const found = file
        .value()
        .keys.find(
          (key) =>
            key.prefix === prefix && key.hash.length === hash.length && timingSafeEqual(Buffer.from(key.hash), hash),
        )
      if (found === undefined) throw refusal('auth_failed')
      if (found.revokedAt !== undefined) throw refusal('revoked')
      if (endOf(found) <= clock.now()) throw refusal('token_expired')
      const { id, user, role, expiresAt, cameras } = found
      noteUse(id)
      return { user, role, expiresAt, ...limitOf(cameras), credential: { kind: 'key', id } }
    },
    isRevoked(id) {
      const found = find(id)
      return found === undefined || found.revokedAt !== undefined
    },
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onOutsideChange(listener) {
      outsideListeners.add(listener)
      return () => outsideListeners.delete(listener)
    },
    async close() {
      clearTimeout(timer)
      if (uses.size > 0) await writeUsesQuietly()
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

const ended = (key: ApiKey, now: number) =>
  new ServiceError('invalidState', {
    reason: 'key_ended',
    state: key.revokedAt !== undefined && key.revokedAt <= now ? 'revoked' : 'expired',
    allowed_states: ['active'],
    allowed_methods: ['create_api_key'],
    suggestion: 'create a new key',
  })
