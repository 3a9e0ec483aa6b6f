/** Generates paths that cover all states and transitions of a machine. */
import type { AnyActorRef, StateNode } from 'xstate'
import { nameOf } from '../../docs/generate/statecharts.js'
import type { Model } from './model.js'
import { begin, limited, movesOf, pathTo, step, type Transition, type World } from './world.js'

export interface Coverage {
  id: string
  states: number
  transitions: number
  /** Not reached by any path. */
  missing: string[]
  /** The start and the steps of each path. */
  paths: string[][]
  /** Number of steps that were tried. */
  tried: number
}

interface Found {
  world: World
  isNew: (world: World) => boolean
}

/** A search that needs more steps has lost its way. */
const mostSteps = 60_000

/**
 * Searches breadth first. A world is only continued if it is new: if it has a fact (an active state, a value in the
 * context, a running effect, the next timer) that no world before had; if that is not enough, once more with pairs of
 * facts. So the number of worlds grows with the number of facts, or its square, not with the product of the parallel
 * regions: the functions of `xstate/graph` need the whole product. (Lipovetzky and Geffner call this iterated width.)
 */
export function cover(model: Model): Coverage {
  const machine = limited(model.machine)
  const nodes = nodesBelow(machine.root)
  const transitions = nodes.flatMap((node) => transitionsOf(node))
  const open = new Set<StateNode | Transition>([...nodes, ...transitions])
  const firsts: World[] = []
  let found = 0
  const witness = (taken: readonly Transition[], active: readonly StateNode[]) => {
    for (const one of [...taken, ...taken.map(({ source }) => source), ...active]) if (open.delete(one)) found += 1
  }
  let tried = 0
  for (const width of [1, 2] as const) {
    const queue: Found[] = []
    const add = (world: World, isNew: Found['isNew']) => {
      if (found > 0) firsts.push(world)
      found = 0
      if (isNew(world)) queue.push({ world, isNew })
    }
    // What is new is judged for each start, because the input stays in the context.
    for (const [name, input] of Object.entries(model.starts))
      add(begin(machine, name, input, witness), novelty(machine.id, width))
    for (const { world, isNew } of queue)
      for (const move of movesOf(model, world)) {
        if (open.size === 0 || tried >= mostSteps) break
        tried += 1
        add(step(machine, world, move, witness), isNew)
      }
  }
  return {
    id: machine.id,
    states: nodes.length,
    transitions: transitions.length,
    missing: [...open].map((one) => ('source' in one ? transitionLabel(one) : stateLabel(one))),
    paths: withoutPrefixes(firsts).map(pathTo),
    tried,
  }
}

/** All states below a node, and itself. */
const nodesBelow = (node: StateNode): StateNode[] => [node, ...Object.values(node.states).flatMap(nodesBelow)]

const transitionsOf = (node: StateNode): Transition[] => [
  ...[...node.transitions.values()].flat(),
  ...(node.always ?? []),
]

/** Returns a test whether a world has a fact, or an active state and a fact, that no earlier world had (together). */
function novelty(machine: string, width: 1 | 2): Found['isNew'] {
  const numbers = new Map<string, number>()
  const known = new Set<number>()
  const numberOf = (fact: string): number => {
    const number = numbers.get(fact) ?? numbers.size
    numbers.set(fact, number)
    return number
  }
  return ({ snapshot, answered, timers }) => {
    const leaves = snapshot._nodes.filter(({ type }: StateNode) => type === 'atomic' || type === 'final')
    const states: string[] = leaves.map(({ id }: StateNode) => id.slice(machine.length))
    const children = Object.entries(snapshot.children as Record<string, AnyActorRef>)
    const running = children.map(([id, child]) => `${id} ${answered.has(child) ? 'ended' : 'runs'}`)
    const timer = timers[0]?.event.type ?? 'no timer'
    const before = known.size
    const all = [...states, ...contextFacts(snapshot.context), ...running, timer].map(numberOf)
    if (width === 1) for (const fact of all) known.add(fact)
    else
      for (const [index, state] of all.slice(0, states.length).entries())
        for (const other of all.slice(index)) known.add(state * mostFacts + other)
    return known.size > before
  }
}

const mostFacts = 2 ** 20
const factsOfValues = new WeakMap<object, string[]>()

function contextFacts(context: object): string[] {
  return Object.entries(context).flatMap(([key, value]) => {
    if (typeof value !== 'object' || value === null) return factsOf(value, key)
    const facts = factsOfValues.get(value) ?? factsOf(value, key)
    factsOfValues.set(value, facts)
    return facts
  })
}

/** The values of the context, one by one. Of a reason only the code counts, of a list its size and its last entry. */
function factsOf(value: unknown, name: string): string[] {
  // A counter may grow for ever.
  if (typeof value === 'number' && value > 20) return [`${name}≈2^${Math.floor(Math.log2(value))}`]
  if (typeof value !== 'object' || value === null) return [`${name}=${value}`]
  if (Array.isArray(value)) return [`${name}:${Math.min(value.length, 2)}`, ...factsOf(value.at(-1), `${name}[]`)]
  if ('code' in value) return [`${name}=${value.code}`]
  return [`${name}:{}`, ...Object.entries(value).flatMap(([key, inner]) => factsOf(inner, `${name}.${key}`))]
}

/** Drops the paths that are the beginning of another one. */
function withoutPrefixes(worlds: readonly World[]): World[] {
  const inner = new Set<World>()
  for (const { before } of worlds) for (let one = before; one; one = one.before) inner.add(one)
  return worlds.filter((world) => !inner.has(world))
}

const stateLabel = ({ id }: StateNode): string => `state ${id}`

const transitionLabel = ({ source, eventType, target = [], guard, actions }: Transition): string => {
  const same = transitionsOf(source).filter((one) => one.eventType === eventType)
  const index =
    same.length > 1 ? ` #${same.findIndex((one) => one.guard === guard && one.actions === actions) + 1}` : ''
  const to = target.map(({ id }: StateNode) => id).join(', ') || 'itself'
  return `${source.id}: ${eventType || 'at once'}${index}${guard ? ` [${nameOf(guard)}]` : ''} → ${to}`
}
