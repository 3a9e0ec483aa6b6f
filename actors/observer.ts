import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate'
import { type CameraSnapshot, cameraAspects } from '../machines/cameraView.js'
import type { Fact } from '../machines/domain/facts.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import type { Facts } from './facts.js'

/** Watches every actor from outside: relays their facts, remembers since when each state lasts, logs changes and crashes. */
export interface Observer {
  inspect(event: InspectionEvent): void
  /** Epoch ms since when an aspect (`camera:camera0`, `camera:camera0/stream`, `link`) is as it is; 0 if it is unknown or gone. */
  since(aspect: string): number
}

/** It decides nothing and can never throw: an inspector's error would hit whoever called `send`. */
export function createObserver({ facts, clock, log }: { facts: Facts; clock: Clock; log: Log }): Observer {
  const states = new Map<string, { state: string; at: number }>()

  const note = (aspect: string, state: string) => {
    const before = states.get(aspect)
    if (before?.state === state) return
    states.set(aspect, { state, at: clock.now() })
    log.debug('state', { actor: aspect, from: before?.state, to: state })
  }
  const noteCamera = (name: string, snapshot: CameraSnapshot) => {
    // Camera ids are never reused: what is kept of those that are gone would only grow.
    if (snapshot.status !== 'active') {
      states.delete(name)
      states.delete(`${name}/stream`)
      return
    }
    const { state, stream } = cameraAspects(snapshot)
    note(name, state)
    note(`${name}/stream`, stream)
  }
  const noteSnapshot = (actor: AnyActorRef, snapshot: AnyMachineSnapshot) => {
    const { systemId } = actor as { systemId?: string }
    if (systemId?.startsWith('camera:')) return noteCamera(systemId, snapshot as CameraSnapshot)
    // The parts of a camera: its stream is what they say.
    const parent = actor._parent as (AnyActorRef & { systemId?: string }) | undefined
    if (parent?.systemId?.startsWith('camera:')) noteCamera(parent.systemId, parent.getSnapshot() as CameraSnapshot)
    else if (systemId !== undefined) note(systemId, wordOf(snapshot))
  }

  return {
    inspect(event) {
      try {
        const actor = event.actorRef as AnyActorRef & { on?: (type: '*', listener: (fact: Fact) => void) => unknown }
        if (event.type === '@xstate.actor') actor.on?.('*', facts.publish)
        if (event.type === '@xstate.snapshot' && 'value' in event.snapshot) {
          noteSnapshot(actor, event.snapshot as AnyMachineSnapshot)
        }
        if (event.type === '@xstate.event') noteCrash(event, log)
      } catch (error) {
        log.error('the observer failed', { error })
      }
    },
    since: (aspect) => states.get(aspect)?.at ?? 0,
  }
}

/** A machine that fails is a bug: its stack is logged here, since facts hold no errors. */
function noteCrash({ event, sourceRef }: Extract<InspectionEvent, { type: '@xstate.event' }>, log: Log): void {
  if (!event.type.startsWith('xstate.error.actor.') || sourceRef === undefined) return
  const snapshot: { value?: unknown } | undefined = sourceRef.getSnapshot()
  if (snapshot?.value === undefined) return
  const { systemId, id } = sourceRef as { systemId?: string; id?: string }
  log.error('an actor crashed', { actor: systemId ?? id, error: (event as { error?: unknown }).error })
}

/** The public word of a state is its first tag; a machine without tags shows the part of its state that lasts. */
function wordOf({ tags, value }: AnyMachineSnapshot): string {
  const [tag] = tags as Set<string>
  return tag ?? (typeof value === 'string' ? value : (Object.keys(value)[0] ?? ''))
}
