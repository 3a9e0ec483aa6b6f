import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
} from 'xstate'
import { actorName } from '../actorName.js'
import { isMachine, scheduledOf } from '../actorSystem.js'
import { type Code, decode } from './code.js'
import { onEffectBegun, withInertEffects } from './inert.js'
import {
  type Beginning,
  type Checkpoint,
  createStateMemory,
  failedStart,
  isCheckpoint,
  type StateValue,
  startOfRoot,
  stateOf,
  type TracedEvent,
  type TraceRecord,
} from './records.js'

/** Where the replay leaves the record. */
export class Departure extends Error {
  constructor(
    readonly actor: string,
    readonly what: string,
    readonly expected?: Code,
    readonly found?: Code,
  ) {
    super(what)
  }
}

export type ChangedStates = [actor: string, state: StateValue][]

/** A tree of actors without effects and without time: events come only from the record. */
export interface Driver {
  readonly root: AnyActorRef
  /** Delivers an event, unless it came amid the steps of an earlier one. Throws Departure. */
  deliver(event: TracedEvent): void
  /** The states that changed because of an event. */
  changed(seq: number): ChangedStates
  /** After a checkpoint the record tells all states again. */
  passCheckpoint(): void
  states(): Record<string, StateValue>
  end(): void
}

/** Creates the root and restores it if the record begins with a checkpoint. */
export function createDriver(
  machine: AnyStateMachine,
  [first, ...rest]: readonly [Beginning | Checkpoint, ...TraceRecord[]],
): Driver {
  const events = rest.filter((record): record is TracedEvent => 'event' in record)
  /** A checkpoint is taken at rest: the event after it did not come amid the steps of the one before. */
  const afterCheckpoints = new Set(rest.filter((_, index) => 'checkpoint' in (rest[index - 1] ?? {})))
  const actors = new Map<string, AnyActorRef>()
  const memory = createStateMemory()
  const changes = new Map<number, ChangedStates>()
  const restored = isCheckpoint(first) ? [...first.timers] : []
  let next = 0
  let current = 0
  let steps = 0
  let isOwnRelay = false
  // The record of a restored tree begins after its start.
  let isQuiet = isCheckpoint(first)
  let departure: Departure | undefined

  const depart = (...reason: ConstructorParameters<typeof Departure>) => {
    departure ??= new Departure(...reason)
  }

  /** Timers by the record of XState: it is new when its timer is set. */
  const timers = new WeakMap<object, () => void>()
  const clock = {
    setTimeout(fire: () => void) {
      const scheduled = scheduledOf(root).find((each) => !timers.has(each))
      if (scheduled) timers.set(scheduled, fire)
      return scheduled
    },
    clearTimeout() {},
  }

  const take = (event: TracedEvent) => {
    if (event.steps !== steps)
      depart(event.actor, `the actors took ${steps} steps before this event, not ${event.steps}`)
    next += 1
    current = event.seq
    steps = 0
    isOwnRelay = true
  }

  const push = (traced: TracedEvent) => {
    take(traced)
    const { actor: name, from } = traced
    const event = decode(traced.event) as { type: string }
    if (event.type === startOfRoot) return void root.start()
    if (event.type === failedStart) return depart(name, 'this effect was not started')
    if (traced.timer) return fireTimer(name, event)
    const actor = actors.get(name)
    if (actor?.getSnapshot().status !== 'active') return depart(name, 'this actor does not run')
    if (from !== undefined && actors.get(from)?.getSnapshot().status !== 'active')
      return depart(name, `the effect ${from} does not run`)
    actor.send(event)
  }

  const fireTimer = (name: string, event: { type: string }) => {
    const isIt = (actor: string, type: string) => actor === name && type === event.type
    const scheduled = scheduledOf(root).find((each) => isIt(actorName(each.source), each.event.type))
    const fire = scheduled && timers.get(scheduled)
    if (fire) return fire()
    const index = restored.findIndex(({ actor, type }) => isIt(actor, type))
    if (index < 0) return depart(name, `the timer ${event.type} does not run`)
    restored.splice(index, 1)
    actors.get(name)?.send(event)
  }

  const begun = (effect: object) => {
    const event = events[next]
    const type = (event?.event as { type?: string } | undefined)?.type
    if (!event || type !== failedStart || event.actor !== actorName(effect as AnyActorRef)) return
    take(event)
    throw (decode(event.event) as { error: unknown }).error
  }

  const noteState = (actor: AnyActorRef, snapshot: AnyMachineSnapshot) => {
    const change = memory.change(actor, snapshot)
    if (change) changes.set(current, [...(changes.get(current) ?? []), change])
  }

  const amidNow = () => {
    const event = events[next]
    return event && event.steps === steps && !afterCheckpoints.has(event) ? event : undefined
  }

  const inspect = (inspected: InspectionEvent) => {
    const actor = inspected.actorRef as AnyActorRef
    const register = () => {
      if (inspected.type === '@xstate.event' && inspected.event.type === 'xstate.init')
        actors.set(actorName(actor), actor)
    }
    if (isQuiet || departure) return register()
    if (isOwnRelay && inspected.type === '@xstate.event') {
      isOwnRelay = false
      return register()
    }
    for (let amid = amidNow(); amid && !departure; amid = amidNow()) push(amid)
    register()
    steps += 1
    if (inspected.type === '@xstate.snapshot' && 'value' in inspected.snapshot)
      noteState(actor, inspected.snapshot as AnyMachineSnapshot)
  }

  const root: AnyActorRef = createActor(withInertEffects(machine), {
    systemId: 'fleet',
    inspect: (event) => inspect(event),
    clock: clock as never,
    ...(isCheckpoint(first) ? { snapshot: decode(first.checkpoint) as never } : { input: decode(first.input) }),
  })
  onEffectBegun(root, begun)
  root.subscribe({ error: () => {} })
  if (isCheckpoint(first)) root.start()
  isQuiet = false

  return {
    root,
    deliver(event) {
      if (events[next] === event) push(event)
      if (departure) throw departure
    },
    changed: (seq) => changes.get(seq) ?? [],
    passCheckpoint() {
      memory.forget()
      changes.clear()
      steps = 0
    },
    states: () =>
      Object.fromEntries(
        [...actors]
          .filter(([, actor]) => isMachine(actor) && actor.getSnapshot().status === 'active')
          .map(([name, actor]) => [name, stateOf(actor.getSnapshot())]),
      ),
    end() {
      isQuiet = true
      root.stop()
    },
  }
}
