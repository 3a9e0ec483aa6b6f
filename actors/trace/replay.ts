import { isDeepStrictEqual } from 'node:util'
import type { AnyStateMachine } from 'xstate'
import { isWithin } from '../../machines/domain/journal.js'
import { type Code, decode, encode } from './code.js'
import { type ChangedStates, createDriver, Departure, type Driver } from './driver.js'
import { type Checkpoint, isBeginning, isCheckpoint, type StateValue, type TraceRecord, wholeState } from './records.js'

/** Why a replay differs from its record, at the event `seq`. */
export interface Difference {
  seq: number
  actor: string
  /** What differs, in one sentence. */
  what: string
  /** As recorded. */
  expected?: Code | undefined
  found?: Code | undefined
  /** The last states of that actor, oldest first. */
  histories: { expected: Step[]; found: Step[] }
}

/** A state and the event that led to it. */
export interface Step {
  seq: number
  event: string
  state: StateValue
}

export interface Replayed {
  /** Number of events, and of checkpoints, that were equal. */
  events: number
  checkpoints: number
  difference?: Difference
  /** The states at the end, by the name of the actor. */
  states: Record<string, StateValue>
}

export interface ReplayOptions {
  /** The last event to replay. */
  until?: number | undefined
  /** Compares only this actor and its children. Default: all. */
  actor?: string | undefined
}

/** Number of states in a history. */
const historySize = 10

/**
 * Runs `machine` with the recorded events alone: no effect runs and no time passes. Compares every state with the
 * record, and whole contexts at its checkpoints. Stops at the first difference.
 */
export function replay(
  machine: AnyStateMachine,
  records: readonly TraceRecord[],
  { until = Number.POSITIVE_INFINITY, actor: only }: ReplayOptions = {},
): Replayed {
  const [first, ...rest] = records
  if (first === undefined || !(isBeginning(first) || isCheckpoint(first)))
    throw new Error('the trace has no beginning: its first record must be an input or a checkpoint')
  const concerns = (name: string) => only === undefined || isWithin(name, only)
  const within = rest.filter((record) => isBeginning(record) || record.seq <= until)
  const driver = createDriver(machine, [first, ...within])
  const histories = { expected: createHistories(), found: createHistories() }
  const result: Replayed = { events: 0, checkpoints: 0, states: {} }
  let seq = isCheckpoint(first) ? first.seq : 0
  try {
    for (const record of within) {
      if (isBeginning(record)) throw new Error('the trace has two beginnings')
      seq = record.seq
      if (isCheckpoint(record)) {
        compareWhole(driver, record, concerns)
        driver.passCheckpoint()
        result.checkpoints += 1
      } else {
        driver.deliver(record)
        const type = (record.event as { type: string }).type
        const [expected, found] = [record.states ?? [], driver.changed(seq)]
        histories.expected.add(seq, type, expected)
        histories.found.add(seq, type, found)
        compareStates(type, expected.filter(of(concerns)), found.filter(of(concerns)))
        result.events += 1
      }
    }
  } catch (error) {
    if (!(error instanceof Departure)) throw error
    const { actor, what, expected, found } = error
    const tails = { expected: histories.expected.of(actor), found: histories.found.of(actor) }
    result.difference = { seq, actor, what, expected, found, histories: tails }
  }
  result.states = driver.states()
  driver.end()
  return result
}

const of =
  (concerns: (name: string) => boolean) =>
  ([name]: [string, StateValue]) =>
    concerns(name)

function compareStates(type: string, expected: ChangedStates, found: ChangedStates): void {
  const length = Math.max(expected.length, found.length)
  const index = Array.from({ length }).findIndex((_, each) => !isDeepStrictEqual(expected[each], found[each]))
  if (index < 0) return
  const [name] = expected[index] ?? found[index] ?? ['']
  const stateIn = (list: ChangedStates) => list.slice(index).find(([each]) => each === name)?.[1]
  throw new Departure(name, `${name} has another state after ${type}`, stateIn(expected), stateIn(found))
}

function compareWhole({ root }: Driver, { checkpoint }: Checkpoint, concerns: (name: string) => boolean): void {
  // Without marks of shared objects: contexts are compared by their values.
  const expected = encode(decode(checkpoint), false)
  const found = encode(decode(encode(wholeState(root))), false)
  const difference = firstDifference(expected, found, 'fleet', '')
  if (!difference || !concerns(difference.actor)) return
  const { actor, path } = difference
  throw new Departure(actor, `${path} of ${actor} differs at a checkpoint`, difference.expected, difference.found)
}

interface Place {
  actor: string
  path: string
  expected: Code | undefined
  found: Code | undefined
}

type Members = { [key: string]: Code }
const isMembers = (code: Code | undefined): code is Members => typeof code === 'object' && code !== null

/** Returns the first place where two whole states differ, by the actor to which it belongs. */
function firstDifference(
  expected: Code | undefined,
  found: Code | undefined,
  actor: string,
  path: string,
): Place | undefined {
  if (isDeepStrictEqual(expected, found)) return undefined
  if (!isMembers(expected) || !isMembers(found)) return { actor, path, expected, found }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const child = path === 'children' ? childName(actor, key, expected[key]) : undefined
    const below =
      child !== undefined ? '' : path === '' && key === 'snapshot' ? '' : path === '' ? key : `${path}.${key}`
    const place = firstDifference(expected[key], found[key], child ?? actor, below)
    if (place) return place
  }
  return undefined
}

function childName(parent: string, id: string, child: Code | undefined): string {
  const systemId = isMembers(child) ? child.systemId : undefined
  return typeof systemId === 'string' ? systemId : `${parent}/${id}`
}

function createHistories() {
  const lists = new Map<string, Step[]>()
  return {
    add(seq: number, event: string, states: ChangedStates): void {
      for (const [name, state] of states)
        lists.set(name, [...(lists.get(name) ?? []), { seq, event, state }].slice(-historySize))
    },
    of: (name: string): Step[] => lists.get(name) ?? [],
  }
}
