import type { Configuration } from '../config/schema.js'
import { loadScenario } from '../config/simulation.js'
import { count } from '../machines/domain/amounts.js'
import type { Outcome } from './outcome.js'

/** `check-simulation`: checks the file of `serve --simulate`. Throws ConfigurationError with its faults. */
export function checkSimulation({ cameras }: Configuration, file: string): Outcome {
  const { cameras: simulated, steps } = loadScenario(file, cameras)
  return {
    status: 0,
    out: `the simulation is good: ${count(simulated.length, 'camera')}, ${count(steps.length, 'step')}`,
  }
}
