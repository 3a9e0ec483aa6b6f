/** Waits until the handlers of settled promises have run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Creates a promise that the test settles. */
export function later<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => {})
  return {
    promise,
    resolve: (value: T) => resolve(value),
    reject: (reason: string | Error) => reject(typeof reason === 'string' ? new Error(reason) : reason),
  }
}
