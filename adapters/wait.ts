import { setTimeout } from 'node:timers/promises'

/** Resolves after `ms`; rejects with the signal's reason if it aborts first. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { ...(signal && { signal }) }).catch(() => signal?.throwIfAborted())

/** Settles like the promise; rejects with the signal's reason if it aborts first. The operation itself continues. */
export const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
