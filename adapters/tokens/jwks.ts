import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWKSCacheInput, jwksCache } from 'jose'
import { bytesText, spanText } from '../../machines/domain/amounts.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { JwtAlgorithm } from '../../machines/domain/jwt.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { bytesOf } from '../bytesOf.js'
import { codeOf } from '../errorCode.js'
import { type KeyHeader, mostKeys, mostTried, type VerifyKey } from './publicKeys.js'

export interface JwksOptions {
  /** https, or http to a loopback address. */
  url: string
  algorithms: readonly JwtAlgorithm[]
  clock: Clock
  log: Log
  /** For tests. */
  limits?: Partial<typeof standard>
}

/** Times in ms. */
const standard = {
  /** For the whole answer. */
  timeout: 5_000,
  /** The least time between two requests. */
  pause: 30_000,
  /** The time between two refreshes. */
  refresh: 10 * 60_000,
  /** How long the keys stay valid while the server does not answer. */
  keptFor: 24 * 3_600_000,
  bytes: 256 * 1024,
}

/**
 * The keys behind one JWKS URL. jose fetches, checks and caches them. What it lacks is added here: answers from memory
 * alone, a pause also after a failed request, a limit on the size. See docs/decisions/0009-jwks.md.
 */
export function createJwks({ url, algorithms, clock, log, limits: changed }: JwksOptions) {
  const { timeout, pause, refresh, keptFor, bytes } = { ...standard, ...changed }
  const server = new URL(url).host
  const ending = new AbortController()
  const cache: JWKSCacheInput = {}
  let requestedAt = Number.NEGATIVE_INFINITY
  let answeredAt = Number.NEGATIVE_INFINITY
  const isFresh = () => clock.monotonic() - answeredAt < keptFor

  const request = async (href: string, options: RequestInit) => {
    if (clock.monotonic() - requestedAt < pause) throw new Error('the last request was a moment ago')
    requestedAt = clock.monotonic()
    try {
      const answer = await download(href, options, bytes)
      answeredAt = clock.monotonic()
      return answer
    } catch (error) {
      const reason = options.signal?.aborted ? `no whole answer within ${spanText(timeout)}` : reasonOf(error)
      if (!ending.signal.aborted)
        log.warn('a JWKS could not be fetched; its last keys stay valid for a day', { server, reason })
      throw error
    }
  }
  const set = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeout,
    // jose measures both with the wall clock, which may jump: `request` and `isFresh` take their place.
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [jwksCache]: cache,
    [customFetch]: request,
  })
  let kept: { jwks: object; find: ReturnType<typeof createLocalJWKSet> } | undefined
  const inMemory = () => {
    if (!isFresh() || !('jwks' in cache)) return undefined
    if (kept?.jwks !== cache.jwks) kept = { jwks: cache.jwks, find: createLocalJWKSet(cache.jwks) }
    return kept.find
  }
  /** Fetches the keys if they are too old, or if none has this header. */
  const fetched = async (header: { alg: string; kid?: string }) => {
    const update = () => set.reload().catch(() => {})
    if (!isFresh()) await update()
    try {
      return await inMemory()?.(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await update()
      return inMemory()?.(header)
    }
  }

  // Offline look-ups must find the latest keys, although they never fetch them.
  const reload = () => void set.reload().catch(() => {})
  const timer = setInterval(reload, refresh).unref()
  reload()
  return {
    /** Never rejects. `offline`: answers from memory; else a missing key is fetched, within the limits. */
    async find({ algorithm: alg, kid }: KeyHeader, offline: boolean): Promise<VerifyKey[]> {
      const keys: VerifyKey[] = []
      if (!algorithms.some((each) => each === alg)) return keys
      try {
        const header = { alg, ...(kid === undefined ? {} : { kid }) }
        const key = await (offline ? inMemory()?.(header) : fetched(header))
        if (key) keys.push(key)
      } catch (error) {
        if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return keys
        for await (const key of error) if (keys.push(key) >= mostTried) break
      }
      return keys
    },
    close() {
      clearInterval(timer)
      ending.abort()
    },
  }
}

/** Rejects with one sentence without the URL. */
async function download(url: string, options: RequestInit, bytes: number): Promise<Response> {
  const response = await fetch(url, options).catch((error: unknown) => {
    // undici words every network failure as "fetch failed".
    throw new Error(`the server cannot be reached (${codeOf(error instanceof Error ? error.cause : error)})`)
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the server answered ${response.status}`)
  }
  const body = await bytesOf(response.body ?? [], bytes, `the answer is larger than ${bytesText(bytes)}`)
  const keys = keysIn(body.toString('utf8'))
  if (keys === undefined) throw new Error('the answer is no JWKS')
  return Response.json({ keys })
}

/** The members of a JWKS that are objects: jose refuses the whole set for the others. `undefined`: this is no JWKS. */
function keysIn(json: string): object[] | undefined {
  const keys = attempt(() => JSON.parse(json).keys)
  if (!Array.isArray(keys) || keys.length > mostKeys) return undefined
  return keys.filter((key) => typeof key === 'object' && key !== null && !Array.isArray(key))
}
