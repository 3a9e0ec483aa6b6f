import type { ActorRefFrom } from 'xstate'
import { dependencyFailed, invalidParam, ServiceError } from '../machines/domain/errors.js'
import type { Fact, SimulationFact } from '../machines/domain/facts.js'
import type { Clock } from '../machines/domain/ports.js'
import type { Reason, ReasonCode } from '../machines/domain/reason.js'
import {
  type Act,
  type CameraAction,
  isCameraAction,
  isServerAction,
  type SimulatedHost,
} from '../machines/domain/simulation.js'
import type { CameraView } from '../machines/domain/views.js'
import type { simulationMachine } from '../machines/simulation.js'
import type { Ask } from './ask.js'
import type { Directory } from './directory.js'
import { deviceOf } from './effects/simulation.js'
import type { Facts } from './facts.js'
import { outcomeOf } from './outcome.js'
import { notVirtual, refusal, simulationDisabled } from './refusals.js'

interface SimulationPorts {
  actor: () => ActorRefFrom<typeof simulationMachine> | undefined
  facts: Facts
  directory: Pick<Directory, 'camera'>
  simulatedHost: Pick<SimulatedHost, 'devices'>
  clock: Pick<Clock, 'monotonic'>
  enabled: boolean
}

/** In ms, longer than the limits of the effects, against bugs only. */
const patience = 60_000

/** Requests to simulate faults. The engine that makes the steps of a scenario causes them, one after the other. */
export function createSimulationAsk(ports: SimulationPorts): Pick<Ask, 'simulate' | 'startScenario'> {
  const { actor: find, facts, directory, simulatedHost, clock, enabled } = ports
  const running = () => {
    const actor = enabled ? find() : undefined
    if (!actor) throw simulationDisabled()
    return actor
  }

  /** Throws unless the camera can have this fault. */
  const check = (view: CameraView, action: CameraAction) => {
    const isUsb = deviceOf(view, simulatedHost) !== undefined
    if (!isUsb && view.kind !== 'virtual') throw notVirtual(view)
    if (!isUsb && (action === 'replug' || action === 'twin')) throw withoutPort(view)
    const isPlugging = action === 'unplug' || action === 'plug'
    // Like a hand: to unplug what is unplugged changes nothing.
    if (!isPlugging && action !== 'replug' && view.cause.state === 'unplugged') throw refusal(view, 'simulate')
  }

  return {
    async simulate(act, by) {
      const actor = running()
      const { action, camera } = act
      if (isCameraAction(action)) {
        if (camera === undefined) throw invalidParam('device', `must name the camera: ${action} is a fault of a camera`)
        check(directory.camera(camera), action)
      }
      const event = { type: 'fault.cause', act, by } as const
      const send = () => {
        if (!actor.getSnapshot().can(event)) throw tooMany()
        actor.send(event)
      }
      const gone = dependencyFailed('simulation', 'the simulation was restarted during the request')
      const isIt = (fact: Fact): fact is SimulationFact => fact.type === 'simulation.step' && fact.by === by
      const { reason } = await outcomeOf(facts, { actor, send, gone: { complete: gone, error: gone } }, isIt, patience)
      if (reason) throw failureOf(act, reason)
    },

    startScenario() {
      const actor = running()
      const event = { type: 'scenario.start', at: clock.monotonic() } as const
      if (!actor.getSnapshot().can(event)) throw notHeld()
      actor.send(event)
    },
  }
}

/** The present states that some failures stand for: nothing failed, the fault does not fit what is. */
const unfit: Readonly<Partial<Record<ReasonCode, { state?: string; allowed_states?: string[] }>>> = {
  not_simulated: {},
  stream_asleep: { state: 'INACTIVE', allowed_states: ['ACTIVE'] },
  unplugged: { state: 'unplugged', allowed_states: ['available'] },
}

function failureOf(act: Act, reason: Reason): ServiceError {
  const state = unfit[reason.code]
  if (state === undefined) return dependencyFailed(dependencyOf(act), reason)
  return new ServiceError('invalidState', { ...state, reason: reason.code, details: reason.details })
}

const dependencyOf = ({ action }: Act): string =>
  isCameraAction(action) ? 'camera' : isServerAction(action) ? 'mediamtx' : 'simulation'

const withoutPort = ({ id }: CameraView): ServiceError =>
  new ServiceError('unsupported', {
    feature: 'simulation of a USB port',
    details: `${id} is a virtual camera, which has no USB port`,
    suggestion: 'Call it for a camera of the scenario of `serve --simulate`',
  })

const tooMany = (): ServiceError =>
  new ServiceError('invalidState', {
    reason: 'invalid_state',
    state: 'busy',
    allowed_states: ['fewer faults in progress'],
    details: 'too many faults wait to be simulated: wait for the replies of earlier calls',
  })

const notHeld = (): ServiceError =>
  new ServiceError('invalidState', {
    reason: 'invalid_state',
    state: 'started',
    allowed_states: ['held'],
    details: 'no scenario waits to be started: one does with `start: asked` in the file of `serve --simulate`',
  })
