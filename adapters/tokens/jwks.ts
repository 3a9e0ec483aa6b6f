import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { type Algorithm, keysOfJwks, type TrustedKey } from './publicKeys.js'

export interface JwksOptions {
  /** https, or http of the loopback. */
  url: string
  algorithms: readonly Algorithm[]
  clock: Clock
  log: Log
  /** For tests: ms. */
  limits?: Partial<typeof standard>
}

const standard = {
  /** The whole answer must be there by then. */
  timeout: 5_000,
  /** No two questions follow each other faster, whatever tokens come. */
  pause: 30_000,
  /** How old the keys may get before they are asked for again. */
  maxAge: 10 * 60_000,
  /** How long they stay good while the server cannot be asked. */
  keptFor: 24 * 3_600_000,
  bytes: 256 * 1024,
}

/** The keys of one JWKS URL, as last fetched. */
export interface Jwks {
  /** `offline`: of those that are in memory. Else a missing key is asked for, within the limits; never rejects. */
  find(isIt: (key: TrustedKey) => boolean, offline: boolean): Promise<TrustedKey[]>
  close(): void
}

export function createJwks({ url, algorithms, clock, log, limits: changed }: JwksOptions): Jwks {
  const limits = { ...standard, ...changed }
  const ending = new AbortController()
  let keys: TrustedKey[] = []
  let fetchedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  const fetchKeys = async () => {
    try {
      const found = keysOfJwks(JSON.parse(await download(url, limits, ending.signal)))
      if (found === undefined) throw new Error('the answer is no JWKS')
      keys = found.filter(({ algorithm }) => algorithms.includes(algorithm))
      fetchedAt = clock.now()
      if (keys.length === 0) log.warn('a JWKS holds no key that may be used', { server: new URL(url).host })
    } catch (error) {
      if (!ending.signal.aborted)
        log.warn('a JWKS could not be fetched; the keys of before stay in force for a day', {
          server: new URL(url).host,
          reason: reasonOf(error),
        })
    }
  }
  /** What is under way, a new question, or nothing when the last one is too fresh. */
  const ask = (): Promise<void> | undefined => {
    const now = clock.now()
    if (underWay !== undefined || ending.signal.aborted || Math.abs(now - triedAt) < limits.pause) return underWay
    triedAt = now
    underWay = fetchKeys().finally(() => {
      underWay = undefined
    })
    return underWay
  }
  const fitting = (isIt: (key: TrustedKey) => boolean) =>
    clock.now() - fetchedAt <= limits.keptFor ? keys.filter(isIt) : []

  // Streams are checked from memory alone, so that must not wait for somebody to call a method.
  const timer = setInterval(() => void ask(), limits.maxAge).unref()
  void ask()
  return {
    async find(isIt, offline) {
      const found = fitting(isIt)
      if (offline) return found
      if (found.length > 0) {
        if (clock.now() - fetchedAt > limits.maxAge) void ask()
        return found
      }
      await ask()
      return fitting(isIt)
    },
    close() {
      clearInterval(timer)
      ending.abort()
    },
  }
}

/** No redirect is followed: it could lead anywhere. */
async function download(
  url: string,
  { timeout, bytes }: { timeout: number; bytes: number },
  ending: AbortSignal,
): Promise<string> {
  const given = new AbortController()
  const stop = () => given.abort()
  ending.addEventListener('abort', stop)
  const timer = setTimeout(stop, timeout).unref()
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: given.signal,
      headers: { accept: 'application/json' },
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`the server answered ${response.status}`)
    }
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of response.body ?? []) {
      size += part.length
      // Leaving the loop cancels the rest.
      if (size > bytes) throw new Error(`the answer is larger than ${bytes} bytes`)
      parts.push(part)
    }
    return Buffer.concat(parts).toString('utf8')
  } catch (error) {
    if (given.signal.aborted && !ending.aborted) throw new Error(`no whole answer within ${timeout} ms`)
    // undici words every failure of the network as "fetch failed".
    throw error instanceof TypeError && error.cause instanceof Error
      ? new Error(`the server cannot be reached (${codeOf(error.cause)})`)
      : error
  } finally {
    clearTimeout(timer)
    ending.removeEventListener('abort', stop)
  }
}

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : 'network error')
