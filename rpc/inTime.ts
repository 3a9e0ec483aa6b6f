/** `undefined` if it fails or takes longer than `patience` ms; `signal` is aborted then. */
export const inTime = async <T>(
  patience: number,
  begin: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> => {
  const limit = new AbortController()
  const late = new Promise<undefined>((resolve) => limit.signal.addEventListener('abort', () => resolve(undefined)))
  const timer = setTimeout(() => limit.abort(new Error('too late for this scrape')), patience)
  try {
    return await Promise.race([begin(limit.signal), late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
