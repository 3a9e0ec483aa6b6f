import type { AnyActorRef, AnyMachineSnapshot } from 'xstate'

/** Resolves as soon as the actor has the tag. The failure says which state it was in instead. */
export function until(actor: AnyActorRef, tag: string, limit = 2_000): Promise<void> {
  return untilIt(actor, (snapshot) => snapshot.hasTag(tag as never), `tag '${tag}'`, limit)
}

export function untilIt(actor: AnyActorRef, isIt: (snapshot: AnyMachineSnapshot) => boolean, what: string, limit = 2_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const snapshot = () => actor.getSnapshot() as AnyMachineSnapshot
    if (isIt(snapshot())) return resolve()
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no ${what} within ${limit} ms; the actor was in ${JSON.stringify(snapshot().value)}`))),
      limit,
    )
    const subscription = actor.subscribe({
      next: (next: AnyMachineSnapshot) => isIt(next) && settle(resolve),
      error: (error) => settle(() => reject(error)),
      complete: () =>
        isIt(snapshot()) ? settle(resolve) : settle(() => reject(new Error(`the actor ended in ${JSON.stringify(snapshot().value)} without ${what}`))),
    })
    const settle = (how: () => void) => {
      clearTimeout(timer)
      queueMicrotask(() => subscription.unsubscribe())
      how()
    }
  })
}

/** Lets promises that are already settled run their course. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A promise that the test settles. */
export function later<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => {})
  return { promise, resolve: (value: T) => resolve(value), reject: (reason: string) => reject(new Error(reason)) }
}
