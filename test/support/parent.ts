import {
  type ActorRefFrom,
  type AnyActorLogic,
  createActor,
  type EventObject,
  fromCallback,
  type SimulatedClock,
  setup,
} from 'xstate'

/** Runs a machine as a child, and collects the events to its parent and the emitted facts. */
export function withParent<Logic extends AnyActorLogic>(
  child: Logic,
  { input, clock }: { input?: unknown; clock?: SimulatedClock } = {},
) {
  const heard: EventObject[] = []
  const facts: EventObject[] = []
  const listener = setup({ actors: { child: child as AnyActorLogic, never: fromCallback(() => {}) } }).createMachine({
    invoke: { src: 'child', id: 'child', input: () => input as never },
    on: { '*': { actions: ({ event }: { event: EventObject }) => void heard.push(event) } },
  })
  const parent = createActor(listener, {
    ...(clock && { clock }),
    inspect: (event) => {
      if (event.type !== '@xstate.actor' || (event.actorRef as { id?: string }).id !== 'child') return
      ;(event.actorRef as { on?: (type: '*', listener: (fact: EventObject) => void) => void }).on?.('*', (fact) =>
        facts.push(fact),
      )
    },
  })
  parent.start()
  const actor = parent.getSnapshot().children.child as unknown as ActorRefFrom<Logic>
  return { actor, heard, facts, stop: () => parent.stop() }
}
