/** What XState's types hide of actors. */
import type { AnyActorRef, AnyStateMachine, StateValue } from 'xstate'

/** True for machines, false for effects. */
export const isMachine = (actor: object): boolean => 'logic' in actor && Object(actor.logic).root !== undefined

/** True for the logic of a machine. */
export const isStateMachine = (logic: unknown): logic is AnyStateMachine =>
  typeof logic === 'object' && logic !== null && 'provide' in logic && 'implementations' in logic

/** A pending timer, or a delayed event. Times in ms, by the wall clock. */
export interface Scheduled {
  source: AnyActorRef
  event: { type: string }
  delay: number
  startedAt: number
}

/** The pending timers of all actors. XState keeps them for restored systems. */
export const scheduledOf = (root: AnyActorRef): Scheduled[] =>
  Object.values(root.system.getSnapshot()._scheduledEvents) as Scheduled[]

/** Returns the active states without children, dotted, in the order of the machine. */
export const leavesOf = (value: StateValue): string[] =>
  typeof value === 'string'
    ? [value]
    : Object.entries(value).flatMap(([name, inner]) => {
        const leaves = inner === undefined ? [] : leavesOf(inner)
        return leaves.length === 0 ? [name] : leaves.map((leaf) => `${name}.${leaf}`)
      })
