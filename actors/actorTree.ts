import type { AnyActorRef, StateValue } from 'xstate'
import type { ActorView } from '../machines/domain/views.js'
import { actorName } from './actorName.js'

/** Returns the active states without children, dotted, in the order of the machine. */
export const leavesOf = (value: StateValue): string[] =>
  typeof value === 'string'
    ? [value]
    : Object.entries(value).flatMap(([name, inner]) => {
        const leaves = inner === undefined ? [] : leavesOf(inner)
        return leaves.length === 0 ? [name] : leaves.map((leaf) => `${name}.${leaf}`)
      })

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
