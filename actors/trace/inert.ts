import type { ActorLogic, AnyActorLogic, AnyStateMachine, EventObject, Snapshot } from 'xstate'
import { isStateMachine } from '../actorSystem.js'

type EffectSnapshot = Snapshot<unknown> & { input: unknown }
type EffectEvent = EventObject & { data?: unknown }

/** Called when an effect of a system starts; may throw, as the start of the effect did. By system. */
const listeners = new WeakMap<object, (effect: object) => void>()

/** Calls `begun` when an effect of the actor's system starts. */
export const onEffectBegun = ({ system }: { system: object }, begun: (effect: object) => void): void =>
  void listeners.set(system, begun)

/** An effect that does nothing until the replay ends it by the event with which a promise ends in XState. */
const inertEffect: ActorLogic<EffectSnapshot, EffectEvent, unknown> = {
  getInitialSnapshot: (_, input) => ({ status: 'active', output: undefined, error: undefined, input }),
  start(snapshot, { self, system }) {
    if (snapshot.status === 'active') listeners.get(system)?.(self)
  },
  transition(snapshot, event) {
    switch (event.type) {
      case 'xstate.promise.resolve':
        return { ...snapshot, status: 'done', output: event.data, input: undefined } as EffectSnapshot
      case 'xstate.promise.reject':
        return { ...snapshot, status: 'error', error: event.data, input: undefined } as EffectSnapshot
      case 'xstate.stop':
        return { ...snapshot, status: 'stopped' } as EffectSnapshot
      default:
        return snapshot
    }
  },
  getPersistedSnapshot: (snapshot) => snapshot,
  restoreSnapshot: (snapshot) => snapshot as EffectSnapshot,
}

const made = new WeakMap<AnyStateMachine, AnyStateMachine>()

/** Returns the machine with inert effects, also in all its children. Always the same for a machine. */
export function withInertEffects(machine: AnyStateMachine): AnyStateMachine {
  const known = made.get(machine)
  if (known) return known
  const children = Object.entries(machine.implementations.actors as Record<string, AnyActorLogic>)
  const inert = machine.provide({
    actors: Object.fromEntries(
      children.map(([name, logic]) => [name, isStateMachine(logic) ? withInertEffects(logic) : inertEffect]),
    ),
  } as Parameters<AnyStateMachine['provide']>[0])
  made.set(machine, inert)
  return inert
}
