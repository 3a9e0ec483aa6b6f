import type { AnyActorRef, AnyMachineSnapshot } from 'xstate'
import { actorName } from '../actorName.js'
import type { Code } from './code.js'

/** The state value of a machine; with its status once it has ended. */
export type StateValue = Code

/** An event from outside the statecharts, and the states that it led to. */
export interface TracedEvent {
  seq: number
  /** Monotonic ms. */
  at: number
  /** The name of the actor that got it. */
  actor: string
  event: Code
  /** The effect that sent it; absent: a request, a timer, or the end of the effect `actor`. */
  from?: string
  /** It was scheduled by the actor itself. */
  timer?: true
  /** Number of steps of all actors since the last event: it may have come amid the steps of that one. */
  steps: number
  /** Changed states, in order. */
  states?: [actor: string, state: StateValue][]
}

/** The whole tree of actors at rest. */
export interface Checkpoint {
  checkpoint: Code
  /** Pending timers: XState does not keep them with the states. */
  timers: { actor: string; type: string }[]
  /** Of the last event before it. */
  seq: number
  at: number
}

/** The beginning of a run of the service. */
export interface Beginning {
  input: Code
}

/** A trace is a beginning or a checkpoint, then events and further checkpoints. */
export type TraceRecord = Beginning | Checkpoint | TracedEvent

export const isCheckpoint = (record: TraceRecord): record is Checkpoint => 'checkpoint' in record
export const isBeginning = (record: TraceRecord): record is Beginning => 'input' in record

/** The event with which the root starts. */
export const startOfRoot = 'xstate.init'
/** The event of an effect that threw when it was started. */
export const failedStart = 'xstate.start.failed'

export const stateOf = ({ status, value }: AnyMachineSnapshot): StateValue =>
  status === 'active' ? (value as Code) : { status, value: value as Code }

/** The whole state of a tree at rest. */
export const wholeState = (root: AnyActorRef): unknown => (root as unknown as Persisted).getPersistedSnapshot()

interface Persisted {
  getPersistedSnapshot(): unknown
}

/**
 * Remembers the states of machines by name. The recorder and the replay must find the same changes, so both use it.
 * `change` returns the state of an actor if it differs from the last one.
 */
export function createStateMemory() {
  const known = new Map<string, { value: unknown; text: string }>()
  return {
    change(actor: AnyActorRef, snapshot: AnyMachineSnapshot): [actor: string, state: StateValue] | undefined {
      const name = actorName(actor)
      const before = known.get(name)
      const isActive = snapshot.status === 'active'
      // Most events only change the context, and the text costs more.
      if (isActive && before?.value === snapshot.value) return undefined
      const state = stateOf(snapshot)
      const text = JSON.stringify(state)
      if (before?.text === text) return undefined
      if (isActive) known.set(name, { value: snapshot.value, text })
      else known.delete(name)
      return [name, state]
    },
    forget: () => known.clear(),
  }
}
