/** A machine with its timers and effects, as a value: a step returns a new world. Actions run, effects never start. */
import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createEmptyActor,
  type EventObject,
  type ExecutableActionObject,
  type StateNode,
  type TransitionDefinition,
} from 'xstate'
import type { Examples, Model, Outcome } from './model.js'

// biome-ignore lint/suspicious/noExplicitAny: the transitions of machines of all types.
export type Transition = TransitionDefinition<any, any>

interface Timer {
  id: string
  event: EventObject
  due: number
}

/** One possible step. `answers`: the child that ends with it. */
export interface Move {
  label: string
  event: EventObject
  answers?: AnyActorRef
  timer?: Timer
}

export interface World {
  snapshot: AnyMachineSnapshot
  /** Earliest first. */
  timers: readonly Timer[]
  now: number
  /** Children that have ended. */
  answered: ReadonlySet<AnyActorRef>
  /** Children that were started and not stopped. */
  held: ReadonlySet<AnyActorRef>
  /** The name of the start, or the step that led here. */
  label: string
  before?: World
}

/** Called for each microstep: the transitions taken, and the states after it. */
export type Witness = (transitions: readonly Transition[], nodes: readonly StateNode[]) => void

/** Returns a copy in which a circle of transitions without an event fails instead of hanging. */
export function limited(machine: AnyStateMachine): AnyStateMachine {
  const copy = machine.provide({})
  copy.options = { ...copy.options, maxIterations: 1_000 }
  return copy
}

interface Raised {
  delay?: number
  id?: string
  event: EventObject
  sendId?: string
}

/** XState calls a longer delay at once. */
const longestDelay = 2 ** 31 - 1
const parent = createEmptyActor()
let made = 0

/** Runs one macrostep and returns the snapshot, and the actions as timers and children. Throws if the machine throws. */
function run(
  world: Omit<World, 'snapshot'> & { snapshot?: AnyMachineSnapshot },
  witness: Witness,
  macrostep: (scope: never) => AnyMachineSnapshot,
): World {
  let timers = world.timers
  const held = new Set(world.held)
  const self = {
    id: 'tested',
    sessionId: 'tested',
    _parent: parent,
    getSnapshot: () => world.snapshot,
    send() {},
    on() {},
  }
  const system = {
    _bookId: () => `x:${made++}`,
    _register() {},
    _unregister() {},
    _set() {},
    get() {},
    getAll: () => ({}),
    _clock: undefined,
    _logger() {},
    _relay() {},
    scheduler: { schedule() {}, cancel() {}, cancelAll() {} },
    _sendInspectionEvent(event: {
      type: string
      actorRef?: unknown
      _transitions?: Transition[]
      snapshot: AnyMachineSnapshot
    }) {
      if (event.type !== '@xstate.microstep' || event.actorRef !== self) return
      const { _nodes: nodes } = event.snapshot
      // A transition of another region may have prevented one that was selected.
      const taken = event._transitions?.filter(({ target = [] }) => target.every((one) => nodes.includes(one)))
      witness(taken ?? [], nodes)
    },
  }
  const execute = ({ type, params }: ExecutableActionObject) => {
    const { delay, id, event, sendId } = (params ?? {}) as Raised
    if (type === 'xstate.raise' && typeof delay === 'number') {
      if (!(delay >= 0 && delay <= longestDelay)) throw new Error(`the delay of ${id} is ${delay} ms`)
      const timer = { id: id ?? `timer ${made++}`, event, due: world.now + delay }
      const others = timers.filter((one) => one.id !== timer.id)
      const after = others.findIndex(({ due }) => due > timer.due)
      timers = others.toSpliced(after < 0 ? others.length : after, 0, timer)
    } else if (type === 'xstate.cancel') timers = timers.filter((one) => one.id !== sendId)
    else if (type === 'xstate.spawnChild') held.add((params as { actorRef: AnyActorRef }).actorRef)
    else if (type === 'xstate.stopChild' && params) held.delete(params as unknown as AnyActorRef)
  }
  const scope = {
    self: Object.assign(self, { system }),
    id: self.id,
    sessionId: self.sessionId,
    system,
    logger() {},
    defer() {},
    emit() {},
    stopChild() {},
    actionExecutor: execute,
  }
  const snapshot = macrostep(scope as never)
  if (snapshot.status === 'error') throw snapshot.error
  const answered =
    world.answered.size === 0 ? world.answered : new Set([...world.answered].filter((one) => held.has(one)))
  return { ...world, snapshot, timers, held, answered }
}

/** Starts the machine. */
export const begin = (machine: AnyStateMachine, name: string, input: unknown, witness: Witness): World =>
  run({ timers: [], now: 0, answered: new Set(), held: new Set(), label: name }, witness, (scope) =>
    machine.getInitialSnapshot(scope, input as never),
  )

/** Makes a step. */
export function step(machine: AnyStateMachine, world: World, move: Move, witness: Witness): World {
  const { label, event, answers, timer } = move
  const answered = answers ? new Set([...world.answered, answers]) : world.answered
  const timers = timer ? world.timers.filter((one) => one !== timer) : world.timers
  const now = timer ? timer.due : world.now
  return run({ ...world, label, answered, timers, now, before: world }, witness, (scope) =>
    machine.transition(world.snapshot, event, scope),
  )
}

/** Returns all possible steps: events from outside, outcomes of the running effects, and the next timer. */
export function movesOf({ events, effects }: Model, { snapshot, answered, timers }: World): Move[] {
  if (snapshot.status !== 'active') return []
  const [next] = timers
  const own = examplesOf(events, snapshot).map((event, index): Move => ({ label: labelOf(event, index), event }))
  const answers = Object.entries(snapshot.children as Record<string, AnyActorRef>)
    .filter(([, child]) => !answered.has(child))
    .flatMap(([id, child]) =>
      examplesOf(effects[child.src as string] ?? [], snapshot).map((outcome, index) =>
        moveOf(outcome, index, id, child),
      ),
    )
  return [...own, ...answers, ...(next ? [{ label: shortened(next.event.type), event: next.event, timer: next }] : [])]
}

function moveOf(outcome: Outcome, index: number, id: string, child: AnyActorRef): Move {
  const name = `${child.src}${index > 0 ? ` (${index + 1})` : ''}`
  if ('event' in outcome) return { label: `${name}: ${outcome.event.type}`, event: outcome.event }
  const [kind, rest] =
    'done' in outcome ? (['done', { output: outcome.done }] as const) : (['error', { error: outcome.error }] as const)
  const event = { type: `xstate.${kind}.actor.${id}`, ...rest, actorId: id }
  return { label: `${name} ${kind === 'done' ? 'ends' : 'fails'}`, event, answers: child }
}

const labelOf = ({ type }: EventObject, index: number) => `${type} (${index + 1})`

/** `xstate.after.pause.streamHold.pausing` → `after pause`. */
const shortened = (type: string) => type.replace(/^xstate\.after\.(\w+)\..*/, 'after $1')

const examplesOf = <Example>(examples: Examples<Example>, snapshot: AnyMachineSnapshot): readonly Example[] =>
  typeof examples === 'function' ? examples(snapshot) : examples

/** The start and the steps that led to the world. */
export function pathTo(world: World): string[] {
  const labels: string[] = []
  for (let one: World | undefined = world; one; one = one.before) labels.unshift(one.label)
  return labels
}
