import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, EventObject, InputFrom } from 'xstate'

/** What an effect or a child may do: resolve or end, fail, or send an event while it runs. */
export type Outcome = { done: unknown } | { error: unknown } | { event: EventObject }

/** Examples, or a function of the machine's state if they depend on it. */
export type Examples<Example> = readonly Example[] | ((snapshot: AnyMachineSnapshot) => readonly Example[])

/** What the paths and the random sequences of one machine consist of. */
export interface Model {
  machine: AnyStateMachine
  /** Name → input. */
  starts: Readonly<Record<string, unknown>>
  /** Events from outside: from the parent, from clients. */
  events: Examples<EventObject>
  /** Name of the effect or child machine → its outcomes. The first one is the normal one. */
  effects: Readonly<Record<string, Examples<Outcome>>>
  /**
   * States or regions that may wait for ever: for an event that another region raises, or for nothing. All other active
   * states must react to something that may happen.
   */
  rests?: readonly string[]
  /** After one of these events, and the end of all effects, the machine must have ended. */
  ends?: readonly EventObject[]
  /** The ids of spawned children that may exist in this state. Default: none. */
  spawned?: (snapshot: AnyMachineSnapshot) => readonly string[]
  /** Maximum size of the context as JSON, in characters. */
  bound: number
}

/** Types the examples by the machine. */
export const model = <Machine extends AnyStateMachine>(
  machine: Machine,
  parts: Omit<Model, 'machine' | 'starts' | 'events' | 'ends'> & {
    starts: Readonly<Record<string, InputFrom<Machine>>>
    events: Examples<EventFromLogic<Machine>>
    ends?: readonly EventFromLogic<Machine>[]
  },
): Model => ({ machine, ...parts })
