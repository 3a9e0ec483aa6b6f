import { CallTimedOut } from './errors.js'

export interface Limits {
  /** Stops waiting; a call that was sent may be carried out all the same. */
  signal?: AbortSignal
  /** ms. */
  timeout: number
}

/** Settles like `promise`, or rejects with CallTimedOut or the signal's reason if that comes first. */
export const inTime = <T>(promise: Promise<T>, method: string, { signal, timeout }: Limits): Promise<T> => {
  let release = () => {}
  const limit = new Promise<never>((_, reject) => {
    const abort = () => reject(signal?.reason)
    const timer = setTimeout(() => reject(new CallTimedOut(method, timeout)), timeout)
    signal?.addEventListener('abort', abort)
    release = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  })
  return Promise.race([promise, limit]).finally(release)
}
