import type { AnyActorRef } from 'xstate'
import type { Fact, Told } from '../machines/domain/facts.js'
import { within } from './effects/time.js'
import type { Facts } from './facts.js'

/** `gone`: the errors if the actor ends (`complete`) or crashes (`error`) before its fact. */
interface Request {
  actor: Pick<AnyActorRef, 'subscribe'>
  send(): void
  gone: { complete: Error; error: Error }
}

/** Sends a request to an actor; resolves with the fact for which `isIt` returns true. Rejects after `limit` ms. */
export async function outcomeOf<F extends Fact>(
  facts: Facts,
  { actor, send, gone }: Request,
  isIt: (fact: Fact) => fact is F,
  limit: number,
): Promise<Told<F>> {
  const over = new AbortController()
  const subscription = actor.subscribe({
    complete: () => over.abort(gone.complete),
    error: () => over.abort(gone.error),
  })
  // Subscribes before it sends, because the fact may come at once.
  const outcome = within(limit, over.signal, (limited) => facts.next(isIt, limited))
  outcome.catch(() => {})
  try {
    send()
    return await outcome
  } finally {
    subscription.unsubscribe()
    over.abort()
  }
}
