import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Below mocha's own limit, so that a test fails with the message of what did not happen. */
const patience = 30_000

/** Resolves with the first of the events. `once` of Node would reject for an error, which a cut connection may have. */
export const emitted = (source: EventEmitter, ...events: string[]): Promise<void> =>
  new Promise((resolve) => {
    for (const event of events) source.once(event, () => resolve())
  })

/** The outcome of the promise. Rejects after `limit` ms with what was waited for. */
export async function within<T>(what: string, promise: Promise<T>, limit = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limit} ms`)), limit)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves once the condition holds. Rejects after `limit` ms with what was waited for. */
export async function until(what: string, holds: () => unknown, limit = patience): Promise<void> {
  const end = performance.now() + limit
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limit} ms`)
    await sleep(5)
  }
}
