import type { Scenario } from '../../../machines/domain/simulation.js'
import { simulationMachine } from '../../../machines/simulation.js'
import { model } from '../model.js'
import { ann, camera, crashes, fails } from './examples.js'

export const scenario: Scenario = {
  seed: 1,
  start: 'ready',
  cameras: [],
  names: ['yard'],
  steps: [
    { at: 1_000, action: 'unplug', camera: 'yard', every: 5_000, repeat: 2 },
    { at: 2_000, action: 'disk_full' },
  ],
}

const simulation = model(simulationMachine, {
  starts: {
    scenario,
    'on request': { ...scenario, start: 'asked' },
    'one step': { ...scenario, steps: [{ at: 1_000, action: 'disk_full' }] },
    'without steps': { ...scenario, steps: [] },
  },
  events: [
    { type: 'scenario.start', at: 1_000 },
    { type: 'fault.cause', act: { action: 'unplug', camera }, by: ann },
    { type: 'fault.cause', act: { action: 'kill_server' }, by: ann },
  ],
  effects: {
    awaitReady: [{ done: { at: 500 } }, crashes],
    waitUntil: [{ done: { at: 1_500 } }, crashes],
    causeFault: [{ done: {} }, { done: { camera, away: true } }, fails('failed')],
  },
  bound: 6_000,
})

export const simulations = [simulation]
