/** Random sequences of steps, and what must be true of every machine after each of them. */
import type { AnyActorRef, AnyStateMachine, EventObject, StateNode } from 'xstate'
import { Failure } from '../../machines/domain/reason.js'
import type { Model } from './model.js'
import { begin, limited, type Move, movesOf, pathTo, step, type Transition, type World } from './world.js'

/** Numbers that choose: the start, each step among the possible ones, and how it ends (0: it goes on). */
export interface Sequence {
  start: number
  choices: readonly number[]
  end: number
}

/** Steps in which a machine must come to an end, or to rest, after a sequence. */
const mostSteps = 300
/** A machine that polls never rests. */
const enoughSteps = 6

/** Returns a function that runs a sequence. It throws an error with the steps that led to it. */
export function runner(model: Model): (sequence: Sequence) => World {
  const machine = limited(model.machine)
  const starts = Object.entries(model.starts)
  return ({ start, choices, end }) => {
    const [name = '', input] = starts[start % starts.length] ?? []
    let world = begin(machine, name, input, ignore)
    const make = (move: Move) => {
      try {
        world = step(machine, world, move, ignore)
      } catch (error) {
        throw broken(`throws: ${error}`, { ...world, label: move.label, before: world })
      }
      checkResources(model, world)
    }
    checkResources(model, world)
    for (const choice of choices) {
      const move = chosen(model, movesOf(model, world), choice)
      if (!move) break
      make(move)
    }
    checkSize(model, world)
    const { ends = [] } = model
    const event = ends[(end - 1) % ends.length]
    if (end > 0 && event) make({ label: event.type, event })
    const isEnding = end > 0 && event !== undefined && world.snapshot.status === 'active'
    for (let count = 0; count < (isEnding ? mostSteps : enoughSteps); count += 1) {
      const move = nextMove(model, world)
      if (!move) break
      make(move)
    }
    if (isEnding && world.snapshot.status === 'active') throw broken(`does not end after ${event.type}`, world)
    checkStuck(model, machine, world)
    return world
  }
}

const ignore = () => {}

/** Bugs, and events that end the machine, are chosen less often, so that the sequences become long. */
function chosen({ ends = [] }: Model, moves: readonly Move[], choice: number): Move | undefined {
  const move = moves[choice % moves.length]
  const isRare = move && (isBug(move.event) || ends.some(({ type }) => type === move.event.type))
  return isRare ? moves[(choice >>> 12) % moves.length] : move
}

const isBug = (event: EventObject) => 'error' in event && !(event.error instanceof Failure)

/** The normal outcome of the first running effect, or the next timer. */
function nextMove(model: Model, world: World): Move | undefined {
  const moves = movesOf(model, world)
  return moves.find(({ event }) => event.type.startsWith('xstate.done.actor.')) ?? moves.find(({ timer }) => timer)
}

/** Children exist only in states that declare them, each that was started still has its name, and none after the end. */
function checkResources({ spawned }: Model, world: World): void {
  const { snapshot, held } = world
  if (snapshot.status !== 'active') {
    if (held.size > 0) throw broken(`ended, but still holds ${[...held].map(({ id }) => id)}`, world)
    return
  }
  const children = Object.values(snapshot.children as Record<string, AnyActorRef>)
  const lost = [...held].find((child) => !children.includes(child))
  if (lost) throw broken(`${lost.id} was started and is unreachable`, world)
  const invoked: string[] = snapshot._nodes.flatMap(({ invoke }: StateNode) => invoke.map(({ id }) => id))
  const declared = [...invoked, ...(spawned?.(snapshot) ?? [])]
  const stray = children.find(({ id }) => !declared.includes(id))
  if (stray) throw broken(`${stray.id} runs in a state that does not declare it`, world)
}

function checkSize({ bound }: Model, world: World): void {
  const { length } = JSON.stringify(world.snapshot.context)
  if (length > bound) throw broken(`the context has ${length} characters, more than ${bound}`, world)
}

/** Every active state reacts to something that may happen: itself or the states around it in its region. */
function checkStuck(model: Model, machine: AnyStateMachine, world: World): void {
  const { snapshot, timers } = world
  if (snapshot.status !== 'active') return
  const events = [...movesOf(model, world), ...timers].map(({ event }) => event)
  const taken = events.flatMap((event): Transition[] => machine.getTransitionData(snapshot, event))
  const reacting = new Set(taken.map(({ source }) => source))
  for (const leaf of snapshot._nodes as StateNode[]) {
    if (leaf.type !== 'atomic' || regionOf(leaf).some((node) => reacting.has(node))) continue
    const name = leaf.path.join('.')
    if (!model.rests?.some((rest) => name === rest || name.startsWith(`${rest}.`)))
      throw broken(`is stuck in ${name}`, world)
  }
}

/** The state and the states around it, up to its region of a parallel state. */
function regionOf(node: StateNode): StateNode[] {
  const { parent } = node
  return parent === undefined || parent.type === 'parallel' ? [node] : [node, ...regionOf(parent)]
}

const broken = (what: string, world: World): Error =>
  new Error(
    [`${world.snapshot?.machine.id} ${what}`, `in ${JSON.stringify(world.snapshot?.value)}:`, ...pathTo(world)].join(
      '\n  ',
    ),
  )
