import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate'
import { type CameraSnapshot, cameraAspects } from '../machines/cameraView.js'
import type { Fact } from '../machines/domain/facts.js'
import type { Log, WallClock } from '../machines/domain/ports.js'
import { actorName } from './actorName.js'
import type { Facts } from './facts.js'
import { isSameOccasion, type Occasion, occasionOf } from './occasion.js'

/** Observes all actors: publishes their facts, stores the start time of each state, logs changes and crashes. */
export interface Observer {
  inspect(event: InspectionEvent): void
  /**
   * Returns the start time, in epoch ms, of the present state of an aspect (`camera:camera0`, `camera:camera0/stream`,
   * `link`); 0 if it is unknown or gone.
   */
  since(aspect: string): number
  /** Returns when a machine entered its present state, in epoch ms; 0 if it is unknown. */
  entered(actor: AnyActorRef): number
}

/** Has no influence on the actors and never throws: an inspector's error would be thrown to the caller of `send`. */
export function createObserver({ facts, clock, log }: { facts: Facts; clock: WallClock; log: Log }): Observer {
  const states = new Map<string, { occasion: Occasion; at: number }>()
  const entered = new WeakMap<AnyActorRef, { value: unknown; text: string; at: number }>()

  const note = (aspect: string, occasion: Occasion) => {
    const before = states.get(aspect)?.occasion
    if (isSameOccasion(before, occasion)) return
    states.set(aspect, { occasion, at: clock.now() })
    log.debug('state', { actor: aspect, from: before?.word, to: occasion.word, why: occasion.why })
  }
  const noteValue = (actor: AnyActorRef, value: unknown) => {
    const before = entered.get(actor)
    // A snapshot that only differs in its context often has the same value, and the text costs more.
    if (before?.value === value) return
    const text = JSON.stringify(value)
    if (before?.text === text) before.value = value
    else entered.set(actor, { value, text, at: clock.now() })
  }
  const noteCamera = (name: string, snapshot: CameraSnapshot) => {
    // Camera ids are never reused, so the entries of cameras that are gone would accumulate.
    if (snapshot.status !== 'active') {
      states.delete(name)
      states.delete(`${name}/stream`)
      return
    }
    const { state, stream } = cameraAspects(snapshot)
    note(name, { word: state })
    note(`${name}/stream`, { word: stream })
  }
  const noteSnapshot = (actor: AnyActorRef, snapshot: AnyMachineSnapshot) => {
    const { systemId } = actor as { systemId?: string }
    if (systemId?.startsWith('camera:')) return noteCamera(systemId, snapshot as CameraSnapshot)
    // A child of a camera: the stream's state depends on it.
    const parent = actor._parent as (AnyActorRef & { systemId?: string }) | undefined
    if (parent?.systemId?.startsWith('camera:')) noteCamera(parent.systemId, parent.getSnapshot() as CameraSnapshot)
    else if (systemId !== undefined) note(systemId, occasionOf(snapshot))
  }

  return {
    inspect(event) {
      try {
        const actor = event.actorRef as AnyActorRef & { on?: (type: '*', listener: (fact: Fact) => void) => unknown }
        if (event.type === '@xstate.actor') {
          actor.on?.('*', (fact) => {
            // A fact is emitted before the inspector gets the new snapshot; subscribers read the state and its start.
            noteSnapshot(actor, actor.getSnapshot())
            facts.publish(fact)
          })
        }
        if (event.type === '@xstate.snapshot' && 'value' in event.snapshot) {
          noteValue(actor, event.snapshot.value)
          noteSnapshot(actor, event.snapshot as AnyMachineSnapshot)
        }
        if (event.type === '@xstate.event') noteCrash(event, log)
      } catch (error) {
        log.error('the observer failed', { error })
      }
    },
    since: (aspect) => states.get(aspect)?.at ?? 0,
    entered: (actor) => entered.get(actor)?.at ?? 0,
  }
}

/** Logs the stack of a crashed machine, because facts contain no errors. */
function noteCrash({ event, sourceRef }: Extract<InspectionEvent, { type: '@xstate.event' }>, log: Log): void {
  if (!event.type.startsWith('xstate.error.actor.') || sourceRef === undefined) return
  const snapshot: { value?: unknown } | undefined = sourceRef.getSnapshot()
  if (snapshot?.value === undefined) return
  log.error('an actor crashed', {
    actor: actorName(sourceRef as AnyActorRef),
    error: (event as { error?: unknown }).error,
  })
}
