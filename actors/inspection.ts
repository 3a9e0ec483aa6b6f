import type { AnyActorRef, InspectionEvent } from 'xstate'
import type { Inspection } from '../machines/domain/inspection.js'
import { type MaskLimits, masked } from '../machines/domain/masked.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import { actorName } from './actorName.js'

/** The version of `@statelyai/inspect` whose messages these are. */
export const protocolVersion = '0.7.2'

/** Statistics and signs of life: they come many times a minute, each with a snapshot. */
const frequent = new Set(['tap.progress', 'disk.measured', 'scan.progress', 'system.ping'])
/** Each actor shows one event of a frequent type in this time, in ms. */
const sampleEvery = 5_000

/** Events of one turn of the event loop; writing so many may take 0.1 s. Further ones are dropped and counted. */
const mostPending = 200

/** `text`: the configuration file, with its secrets. `stack`: paths of this host. */
const limits: MaskLimits = { depth: 7, items: 50, text: 500, hides: (name) => name === 'text' || name === 'stack' }

type Shown = Extract<InspectionEvent, { type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot' }>
/** What an inspection event may reach of an actor that XState's types hide. */
type Actor = AnyActorRef & { logic?: { config?: unknown } }

/** Reads the actor tree below `root` for receivers. Without receivers it does nothing. `inspect` never throws. */
export function createInspection({
  root,
  clock,
  log,
}: {
  root: () => AnyActorRef
  clock: Clock
  log: Log
}): Inspection & {
  inspect(event: InspectionEvent): void
} {
  const receivers = new Set<(message: string) => void>()
  const lastShown = new WeakMap<AnyActorRef, Map<string, number>>()
  let pending: { event: Shown; at: number }[] = []
  let missed = 0
  let messages = 0

  const write = (type: Shown['type'], actor: AnyActorRef, at: number, members: object): string => {
    messages += 1
    const about = { sessionId: actor.sessionId, rootId: root().sessionId }
    return JSON.stringify({
      type,
      ...about,
      ...members,
      createdAt: String(at),
      id: String(messages),
      _version: protocolVersion,
    })
  }
  const actorMessage = (actor: Actor, at: number) =>
    write('@xstate.actor', actor, at, {
      name: actorName(actor),
      parentId: actor._parent?.sessionId,
      definition: definitionOf(actor),
      snapshot: shown(actor.getSnapshot()),
    })
  const textOf = ({ event, at }: { event: Shown; at: number }): string => {
    const actor = event.actorRef as Actor
    if (event.type === '@xstate.actor') return actorMessage(actor, at)
    const members = { event: masked(event.event, limits) }
    return event.type === '@xstate.event'
      ? write(event.type, actor, at, { ...members, sourceId: event.sourceRef?.sessionId })
      : write(event.type, actor, at, { ...members, snapshot: shown(event.snapshot) })
  }
  const present = (): string[] => {
    const at = clock.now()
    return [...actorsBelow(root())].flatMap((actor) => [
      actorMessage(actor, at),
      write('@xstate.snapshot', actor, at, {
        event: { type: 'inspect.present' },
        snapshot: shown(actor.getSnapshot()),
      }),
    ])
  }
  const resume = (count: number): string[] => [
    write('@xstate.event', root(), clock.now(), { event: { type: 'inspect.dropped', count } }),
    ...present(),
  ]

  const flush = () => {
    const [events, dropped] = [pending, missed]
    pending = []
    missed = 0
    if (receivers.size === 0) return
    try {
      const texts = [...events.map(textOf), ...(dropped > 0 ? resume(dropped) : [])]
      for (const receive of receivers) for (const text of texts) receive(text)
    } catch (error) {
      log.error('the inspection failed', { error })
    }
  }

  /** True if the actor has shown an event of this frequent type a moment ago. */
  const isTooFrequent = ({ type, event, actorRef }: Exclude<Shown, { type: '@xstate.actor' }>): boolean => {
    if (!frequent.has(event.type)) return false
    const now = clock.monotonic()
    const shownAt = lastShown.get(actorRef as AnyActorRef) ?? new Map<string, number>()
    lastShown.set(actorRef as AnyActorRef, shownAt)
    const kind = `${type} ${event.type}`
    if (now - (shownAt.get(kind) ?? Number.NEGATIVE_INFINITY) < sampleEvery) return true
    shownAt.set(kind, now)
    return false
  }

  return {
    inspect(event) {
      if (receivers.size === 0 || !isShown(event)) return
      if (event.type !== '@xstate.actor' && isTooFrequent(event)) return
      if (pending.length >= mostPending) {
        missed += 1
        return
      }
      // Writing a snapshot takes longer than a transition: not within the transition.
      if (pending.length === 0) setImmediate(flush)
      pending.push({ event, at: clock.now() })
    },
    follow(receive) {
      // What waits is part of the present actors: it only belongs to earlier receivers.
      flush()
      for (const message of present()) receive(message)
      receivers.add(receive)
      return () => receivers.delete(receive)
    },
    resume,
  }
}

const isShown = (event: InspectionEvent): event is Shown =>
  event.type === '@xstate.event' || event.type === '@xstate.snapshot' || event.type === '@xstate.actor'

function* actorsBelow(actor: AnyActorRef): Generator<AnyActorRef> {
  yield actor
  const { children = {} } = (actor.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef | undefined> }
  for (const child of Object.values(children)) if (child !== undefined) yield* actorsBelow(child)
}

/** The parts of a snapshot that the inspector draws. */
function shown(snapshot: unknown): unknown {
  if (typeof snapshot !== 'object' || snapshot === null) return masked(snapshot, limits)
  const { status, value, context, output, error, input, tags } = snapshot as Record<string, unknown>
  return masked({ status, value, context, output, error, input, tags }, limits)
}

const definitions = new WeakMap<object, string>()

/** The configuration of a machine as JSON text; for an effect only its name. */
function definitionOf(actor: Actor): string {
  const config = actor.logic?.config
  if (typeof config !== 'object' || config === null) return JSON.stringify({ id: actor.id })
  const known = definitions.get(config)
  if (known !== undefined) return known
  const text = JSON.stringify(config, (key, value) =>
    key === 'context' || typeof value === 'function' ? undefined : value,
  )
  definitions.set(config, text)
  return text
}
