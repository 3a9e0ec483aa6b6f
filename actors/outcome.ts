import type { AnyActorRef } from 'xstate'
import type { Fact, Told } from '../machines/domain/facts.js'
import { within } from './effects/time.js'
import type { Facts } from './facts.js'

/**
 * Sends a request to an actor; resolves with the fact for which `isIt` returns true. Rejects after `limit` ms, or with
 * an error of `gone` if the actor ends (`complete`) or crashes (`error`) before its fact.
 */
export async function outcomeOf<F extends Fact>(
  facts: Facts,
  request: { actor: Pick<AnyActorRef, 'subscribe'>; send: () => void; gone: { complete: Error; error: Error } },
  isIt: (fact: Fact) => fact is F,
  limit: number,
): Promise<Told<F>> {
  const { actor, send, gone } = request
  const over = new AbortController()
  const subscription = actor.subscribe({
    complete: () => over.abort(gone.complete),
    error: () => over.abort(gone.error),
  })
  // Subscribes before it sends, because the fact may come at once.
  const outcome = facts.next(isIt, within(limit, over.signal))
  outcome.catch(() => {})
  try {
    send()
    return await outcome
  } finally {
    subscription.unsubscribe()
    over.abort()
  }
}
