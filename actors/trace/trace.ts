import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { actorName } from '../actorName.js'
import { isMachine, scheduledOf } from '../actorSystem.js'
import { type Code, encode } from './code.js'
import {
  type Checkpoint,
  createStateMemory,
  failedStart,
  startOfRoot,
  type TracedEvent,
  type TraceRecord,
  wholeState,
} from './records.js'

export interface TraceOptions {
  /** Bytes in memory, compressed. The oldest chunks are dropped. */
  maxSize: number
  /** Characters of a chunk besides its checkpoint, with which it begins; at least as many as the checkpoint has. */
  chunkSize: number
}

/** Records what comes from outside the statecharts, so that a run can be replayed. */
export interface Trace {
  inspect(event: InspectionEvent): void
  /** The kept records, oldest first, as JSON lines; ends with a checkpoint. Call it while no actor works. */
  lines(): string[]
  /** Nothing is recorded any more. */
  close(): void
}

/**
 * Hangs on `inspect`, has no influence on the actors and never throws. `input` is that of the root. Events between
 * machines are not recorded: a replay produces them.
 */
export function createTrace(
  { input, root }: { input: unknown; root: () => AnyActorRef },
  { clock, log }: { clock: Pick<Clock, 'monotonic'>; log: Log },
  { maxSize, chunkSize }: TraceOptions,
): Trace {
  const chunks: Buffer[] = []
  let lines: string[] = []
  let size = 0
  let full = chunkSize
  let seq = 0
  let steps = 0
  let pending: TracedEvent | undefined
  let isDue = false
  let isOver = false
  const memory = createStateMemory()
  const settled = new WeakSet<AnyActorRef>()

  const write = (record: TraceRecord) => {
    const line = JSON.stringify(record)
    lines.push(line)
    size += line.length
  }
  const finish = () => {
    if (pending) write(pending)
    pending = undefined
  }
  const checkpoint = (): Checkpoint => ({
    checkpoint: encode(wholeState(root())),
    timers: scheduledOf(root()).map(({ source, event }) => ({ actor: actorName(source), type: event.type })),
    seq,
    at: now(),
  })
  const now = () => Math.round(clock.monotonic())

  /** The tree is at rest in a microtask: actors work without waiting. */
  const turnPage = () => {
    isDue = false
    if (isOver) return
    finish()
    const first = JSON.stringify(checkpoint())
    chunks.push(deflateRawSync(lines.join('\n')))
    lines = [first]
    size = 0
    // Otherwise checkpoints, which grow with the number of cameras, would be most of the work.
    full = Math.max(chunkSize, first.length)
    steps = 0
    memory.forget()
    let kept = chunks.reduce((sum, { length }) => sum + length, 0)
    while (kept > maxSize) kept -= chunks.shift()?.length ?? kept
  }

  const note = (actor: AnyActorRef, event: unknown, more: Partial<TracedEvent> = {}) => {
    finish()
    seq += 1
    pending = { seq, at: now(), actor: actorName(actor), event: encode(event), ...more, steps }
    steps = 0
    // A chunk that would not be turned soon keeps its last events in memory only.
    if (size > full && !isDue) {
      isDue = true
      queueMicrotask(guarded(turnPage))
    }
  }

  const noteState = (actor: AnyActorRef, snapshot: AnyMachineSnapshot) => {
    const change = memory.change(actor, snapshot)
    if (change && pending) pending.states = [...(pending.states ?? []), change]
  }

  const inspect = (inspected: InspectionEvent) => {
    if (inspected.type === '@xstate.event') {
      const traced = fromOutside(inspected, settled)
      // An ended actor takes no events, and its name may have gone to another one.
      if (traced && !isActive(inspected.actorRef as AnyActorRef)) return
      if (traced) return note(traced.actor, traced.event, traced.more)
    }
    steps += 1
    if (inspected.type !== '@xstate.snapshot') return
    const actor = inspected.actorRef as AnyActorRef
    // The stop of the root is no event of its own, and nothing follows.
    if (inspected.event.type === 'xstate.stop' && actor._parent === undefined) isOver = true
    if (!isOver && 'value' in inspected.snapshot) noteState(actor, inspected.snapshot as AnyMachineSnapshot)
  }

  const guarded =
    <Args extends unknown[]>(act: (...args: Args) => void) =>
    (...args: Args) => {
      if (isOver) return
      try {
        act(...args)
      } catch (error) {
        isOver = true
        log.error('the trace ends because an event could not be recorded', { error })
      }
    }

  write({ input: encode(input) })
  return {
    inspect: guarded(inspect),
    lines() {
      const whole = [...chunks.map((chunk) => inflateRawSync(chunk).toString()), ...lines]
      const rest: TraceRecord[] = [...(pending ? [pending] : []), ...(isOver ? [] : [checkpoint()])]
      return [...whole.flatMap((text) => text.split('\n')), ...rest.map((record) => JSON.stringify(record))]
    },
    close() {
      isOver = true
    },
  }
}

const isActive = (actor: AnyActorRef) => (actor.getSnapshot() as { status: string }).status === 'active'

interface Outside {
  actor: AnyActorRef
  event: Code | object
  more?: Partial<TracedEvent>
}

/** Returns the event if it came from outside the machines. `settled`: effects that ended. */
function fromOutside(
  { actorRef, sourceRef, event }: Extract<InspectionEvent, { type: '@xstate.event' }>,
  settled: WeakSet<AnyActorRef>,
): Outside | undefined {
  const [actor, source] = [actorRef as AnyActorRef, sourceRef as AnyActorRef | undefined]
  if (event.type === startOfRoot) return actor._parent ? undefined : { actor, event: { type: startOfRoot } }
  if (source === undefined) return { actor, event }
  if (isMachine(source)) return source === actor ? { actor, event, more: { timer: true } } : undefined
  if (source === actor) {
    settled.add(source)
    return { actor, event }
  }
  if (event.type.startsWith('xstate.done.actor.')) return undefined
  if (!event.type.startsWith('xstate.error.actor.')) return { actor, event, more: { from: actorName(source) } }
  if (settled.has(source)) return undefined
  return { actor: source, event: { type: failedStart, error: (event as { error?: unknown }).error } }
}
