/** Returns the result of `work`, or `undefined` if it throws: for work whose errors all mean the same. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
