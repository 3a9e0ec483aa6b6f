import type { AnyActorRef } from 'xstate'

/**
 * Returns the name of an actor in the journal, log lines and replays: its system id (`camera:camera0`, `storage`), or
 * that of the nearest ancestor that has one, with the ids in between (`camera:camera0/recording`).
 */
export function actorName(actor: AnyActorRef): string {
  const { systemId, id, _parent } = actor as AnyActorRef & { systemId?: string }
  if (systemId !== undefined) return systemId
  return _parent === undefined ? id : `${actorName(_parent)}/${id}`
}
