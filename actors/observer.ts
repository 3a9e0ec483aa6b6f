import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate'
import { cameraAspects } from '../machines/cameraView.js'
import type { Fact, StillAnswer } from '../machines/domain/facts.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import type { Facts } from './facts.js'

/** Watches every actor from outside: relays their facts, remembers since when each state is, logs the changes. */
export interface Observer {
  inspect(event: InspectionEvent): void
  /** Epoch ms since when `aspect` (`camera:camera0`, `camera:camera0/stream`, `link`) is as it is; 0: never seen, or a camera that is gone. */
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
  /** Numbers of cameras are not given again: what is kept of those that are gone would only grow. */
  const forget = (camera: string) => {
    states.delete(camera)
    states.delete(`${camera}/stream`)
  }
  const name = (actor: AnyActorRef): string | undefined => (actor as { systemId?: string }).systemId
  return {
    inspect(event) {
      try {
        if (event.type === '@xstate.actor') {
          const actor = event.actorRef as AnyActorRef & {
            on?: (type: '*', listener: (emitted: Fact | StillAnswer) => void) => unknown
          }
          // Callback and promise actors emit nothing; those that could be asked are machines and the root.
          actor.on?.('*', (emitted) => {
            if (!isAnswer(emitted)) facts.publish(emitted)
          })
        }
        if (event.type === '@xstate.snapshot') {
          const systemId = name(event.actorRef as AnyActorRef)
          if (systemId === undefined || !('value' in event.snapshot)) return
          if (systemId.startsWith('camera:') && event.snapshot.status !== 'active') return forget(systemId)
          for (const [aspect, state] of Object.entries(aspectsOf(systemId, event.snapshot as AnyMachineSnapshot)))
            note(aspect, state)
        }
      } catch (error) {
        log.error('the observer failed', { error })
      }
    },
    since: (aspect) => states.get(aspect)?.at ?? 0,
  }
}

const isAnswer = (emitted: Fact | StillAnswer): emitted is StillAnswer =>
  emitted.type === 'still.taken' || emitted.type === 'still.failed'

function aspectsOf(systemId: string, snapshot: AnyMachineSnapshot): Record<string, string> {
  if (systemId.startsWith('camera:')) {
    const { state, stream } = cameraAspects(snapshot as Parameters<typeof cameraAspects>[0])
    return { [systemId]: state, [`${systemId}/stream`]: stream }
  }
  return { [systemId]: systemId === 'discovery' ? String(snapshot.context.mode) : levelOf(snapshot.value) }
}

/** The part of a state that lasts: not whether it is just being checked. */
function levelOf(value: AnyMachineSnapshot['value']): string {
  if (typeof value === 'string') return value
  return 'level' in value ? String(value.level) : (Object.keys(value)[0] ?? '')
}
