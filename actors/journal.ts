import type { AnyActorRef, AnyMachineSnapshot, EventObject, InspectionEvent, StateValue } from 'xstate'
import {
  cameraOf,
  flappingOf,
  flappingText,
  isDisconnection,
  isWithin,
  type Journal,
  type JournalEntry,
  type StateTime,
} from '../machines/domain/journal.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import type { Evidence } from '../machines/domain/reason.js'
import { actorName } from './actorName.js'
import { isMachine, leavesOf } from './actorSystem.js'
import { machineVersion } from './fingerprint.js'
import { effectName, eventName, evidenceOf, requesterOf } from './journalEvents.js'
import { shownState } from './journalQuiet.js'
import { isSameCause, type Occasion, occasionOf } from './occasion.js'
import { createStateTimes } from './stateTimes.js'

type NewEntry = Omit<JournalEntry, 'seq'>

/** Watches all machines: writes each transition with its cause, and counts the time in each state. */
export interface Journalist {
  inspect(event: InspectionEvent): void
  /** The newest entry with which the public state of an actor changed, or began anew for another reason. */
  latest(actor: string): JournalEntry | undefined
  /** The entry with this number, if it is still in memory. */
  entry(seq: number): JournalEntry | undefined
  times(): StateTime[]
}

/** One event for one actor. The entry that it causes comes after that of the event that it follows from. */
interface Step {
  order: number
  /**
   * The time of the wall clock when the event was sent: its only reading. The transition of an actor ends after those
   * that it causes, so a reading at its end would date it after them.
   */
  at: number
  event: EventObject
  name: string
  /** What was being processed when it was sent. Cut when it has an entry. */
  parent?: Step | undefined
  depth: number
  /** The actor or effect that sent it. */
  from?: string | undefined
  draft?: NewEntry
  entry?: JournalEntry
}

/** Steps without an entry between two entries: more are not followed. */
const deepest = 20

/** Time between two warnings about one flapping camera, in ms. */
const warnEvery = 600_000

/**
 * Has no influence on the actors and never throws. The entries of events that are sent while another is processed are
 * written after the entry of that one, although these transitions end first.
 */
export function createJournalist({ journal, clock, log }: { journal: Journal; clock: Clock; log: Log }): Journalist {
  let order = 0
  /** Events that an actor has got and not yet processed; the first is being processed while it sends others. */
  const queues = new WeakMap<object, Step[]>()
  /** The step with which an effect was started. */
  const origins = new WeakMap<object, Step>()
  const seen = new WeakMap<object, { value: unknown; leaves: readonly string[]; occasion: Occasion }>()
  /** The newest entry of each actor, and the newest with another public state or reason. */
  const newest = new Map<string, JournalEntry>()
  const changes = new Map<string, JournalEntry>()
  const warned = new Map<string, number>()
  const times = createStateTimes(clock)
  let drafts: Step[] = []
  /** The start of the process, from which the start of the root actor follows. */
  const start = journal.recent().findLast(({ actor, event }) => actor === 'service' && event === 'started')

  const current = (actor: object | undefined) => (actor === undefined ? undefined : queues.get(actor)?.[0])

  const stepOf = (event: EventObject, source: AnyActorRef | undefined): Step => {
    const isFromMachine = source !== undefined && isMachine(source)
    const isResult = /^xstate\.(done|error)\.actor\./.test(event.type)
    const parent = isFromMachine ? current(source) : isResult && source ? origins.get(source) : undefined
    const depth = (parent?.depth ?? 0) + 1
    order += 1
    return {
      order,
      at: clock.now(),
      event,
      name: eventName(event, source),
      parent: depth > deepest ? undefined : parent,
      depth: depth > deepest ? 0 : depth,
      from: source && (isFromMachine ? actorName(source) : effectName(source)),
    }
  }

  const receive = ({ actorRef, sourceRef, event }: Extract<InspectionEvent, { type: '@xstate.event' }>) => {
    const target = actorRef as AnyActorRef
    if (!isMachine(target)) {
      const origin = current(sourceRef)
      if (event.type === 'xstate.init' && origin) origins.set(target, origin)
      return
    }
    const queue = queues.get(target) ?? []
    queues.set(target, queue)
    queue.push(stepOf(event, sourceRef as AnyActorRef | undefined))
  }

  /** The step of an event that was processed. An actor is stopped without an event that could be seen. */
  const processed = (actor: AnyActorRef, event: EventObject): Step => {
    const queue = queues.get(actor) ?? []
    const index = queue.findIndex((step) => step.event === event)
    if (index < 0) return stepOf(event, actor._parent)
    const [step] = queue.splice(index, 1)
    // What was before it was dropped; the first event of an actor is processed before those that came too early.
    if (event.type !== 'xstate.init') queue.splice(0, index)
    return step ?? stepOf(event, actor._parent)
  }

  const transit = (actor: AnyActorRef, snapshot: AnyMachineSnapshot, event: EventObject) => {
    const step = processed(actor, event)
    const before = seen.get(actor)
    const isOver = snapshot.status !== 'active'
    const isStopped = snapshot.status === 'stopped'
    if (before !== undefined && before.value === snapshot.value && !isOver) return
    const { machine } = snapshot
    const leaves = isStopped ? [] : shownLeaves(machine.id, snapshot.value)
    const left = before?.leaves.filter((leaf) => !leaves.includes(leaf)) ?? []
    const entered = leaves.filter((leaf) => !before?.leaves.includes(leaf))
    const name = actorName(actor)
    const occasion = isStopped ? { word: 'ended' } : occasionOf(snapshot)
    const { word } = occasion
    const isChange = !isSameCause(before?.occasion, occasion)
    if (isOver) seen.delete(actor)
    else seen.set(actor, { value: snapshot.value, leaves, occasion })
    if (before?.occasion.word !== word) times.enter(machine.id, cameraOf(name), word, isOver)
    const isSameState = left.length === 0 && entered.length === 0
    const isAnew = isChange && before?.occasion.word === word
    if (isSameState && !isAnew) return
    if (isPreview(snapshot)) return
    const [from, to] = isSameState ? [leaves, leaves] : [left, entered]
    step.draft = {
      at: step.at,
      actor: name,
      machine: machineVersion(machine),
      ...(from.length > 0 && { from: from.join(' + ') }),
      ...(to.length > 0 && { to: to.join(' + ') }),
      ...(isChange && { state: word }),
      event: step.name,
    }
    if (drafts.length === 0) queueMicrotask(flush)
    drafts.push(step)
  }

  const flush = () => {
    const steps = drafts.sort((one, other) => one.order - other.order)
    drafts = []
    for (const step of steps) write(step)
  }

  const write = (step: Step) => {
    if (step.draft === undefined) return
    try {
      const { actor } = step.draft
      const { evidence, ...cause } = causeOf(step, newest.get(actor) ?? start)
      const entry = journal.append({ ...step.draft, cause, ...(evidence && { evidence }) })
      step.entry = entry
      newest.set(actor, entry)
      if (entry.state !== undefined) changes.set(actor, entry)
      if (isDisconnection(entry)) warnOfFlapping(entry)
      if (entry.state === 'retired') forget(actor)
    } catch (error) {
      log.error('the journal failed', { error })
    }
    delete step.draft
    // The entry refers to what was before.
    step.parent = undefined
  }

  const forget = (actor: string) => {
    for (const map of [newest, changes, warned])
      for (const name of map.keys()) if (isWithin(name, actor)) map.delete(name)
  }

  const warnOfFlapping = ({ actor, at }: JournalEntry) => {
    const camera = cameraOf(actor)
    const flapping = camera && flappingOf(journal.recent(), camera, at)
    const now = clock.monotonic()
    if (!flapping || now - (warned.get(actor) ?? Number.NEGATIVE_INFINITY) < warnEvery) return
    warned.set(actor, now)
    log.warn('the camera disconnects again and again', { camera, rhythm: flappingText(flapping) })
  }

  return {
    inspect(event) {
      try {
        if (event.type === '@xstate.event') receive(event)
        if (event.type === '@xstate.snapshot' && 'value' in event.snapshot)
          transit(event.actorRef as AnyActorRef, event.snapshot as AnyMachineSnapshot, event.event)
      } catch (error) {
        log.error('the journal failed', { error })
      }
    },
    latest(actor) {
      flush()
      return changes.get(actor)
    },
    entry(seq) {
      flush()
      // Causes are mostly recent.
      return journal.recent().findLast((entry) => entry.seq === seq)
    },
    times: times.read,
  }
}

/**
 * The cause of an entry: the entry of the step before it, over steps without one, or what came from outside. `own`: the
 * entry of the actor before it, or the start of the process.
 */
function causeOf(step: Step, own: JournalEntry | undefined): NonNullable<NewEntry['cause']> & { evidence?: Evidence } {
  let evidence = evidenceOf(step.event)
  let by = requesterOf(step.event)
  let first = step
  while (first.parent !== undefined && first.entry === undefined) {
    first = first.parent
    if (first.entry !== undefined) break
    const more = evidenceOf(first.event)
    evidence = merged(isEnd(step) ? withoutReason(more) : more, evidence)
    by ??= requesterOf(first.event)
  }
  const entry = first === step ? undefined : first.entry
  // A delay began with the state before.
  const isOfOwn = first.name.startsWith('after ') || (first.name === 'start' && first.from === undefined)
  const before = entry ?? (isOfOwn ? own : undefined)
  return {
    event: first.name,
    ...(before && { seq: before.seq }),
    ...(first.from !== undefined && { actor: first.from }),
    ...((by ?? entry?.cause?.by) && { by: by ?? entry?.cause?.by }),
    ...(evidence && { evidence }),
  } as NonNullable<NewEntry['cause']> & { evidence?: Evidence }
}

const merged = (one: Evidence | undefined, other: Evidence | undefined): Evidence | undefined =>
  one || other ? { ...one, ...other } : undefined

/** The end of an effect without an error. What it was started for says nothing about its outcome. */
const isEnd = ({ event }: Step): boolean => event.type.startsWith('xstate.done.actor.')

function withoutReason(evidence: Evidence | undefined): Evidence | undefined {
  const { reason: _reason, details: _details, ...rest } = evidence ?? {}
  return Object.keys(rest).length === 0 ? undefined : rest
}

/** Stills are asked for several times a second, and change nothing. */
function isPreview({ machine, context }: AnyMachineSnapshot): boolean {
  if (machine.id !== 'snapshot') return false
  const { wishes = [] } = context as { wishes?: { options: { fleeting?: boolean } }[] }
  return wishes.length > 0 && wishes.every(({ options }) => options.fleeting === true)
}

const shownLeaves = (machine: string, value: StateValue): string[] => [
  ...new Set(leavesOf(value).flatMap((leaf) => shownState(machine, leaf) ?? [])),
]
