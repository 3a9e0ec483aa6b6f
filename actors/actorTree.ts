import type { AnyActorRef, StateValue } from 'xstate'
import type { ActorView } from '../machines/domain/views.js'
import { actorName } from './actorName.js'
import { leavesOf } from './actorSystem.js'

/**
 * Lists an actor and the machines below it, parents first. Effects have no states and are left out. `entered`: when a
 * machine entered its present state, epoch ms.
 */
export function actorTree(actor: AnyActorRef, entered: (actor: AnyActorRef) => number, parent?: string): ActorView[] {
  const snapshot = actor.getSnapshot() as { value?: StateValue; children?: Record<string, AnyActorRef | undefined> }
  if (snapshot?.value === undefined) return []
  const name = actorName(actor)
  const { id: machine } = (actor as unknown as { logic: { id: string } }).logic
  const view: ActorView = {
    name,
    ...(parent !== undefined && { parent }),
    machine,
    states: leavesOf(snapshot.value),
    since: entered(actor),
  }
  const children = Object.values(snapshot.children ?? {})
  return [view, ...children.flatMap((child) => (child === undefined ? [] : actorTree(child, entered, name)))]
}
