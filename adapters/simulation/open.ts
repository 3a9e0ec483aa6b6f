import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, DeviceProbe, Pictures, Pipelines, Storage, UsbDevices } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { noScenario, type Scenario, type SimulatedHost } from '../../machines/domain/simulation.js'
import { simulatedPictures, simulatedPipelines, simulatedProbe } from './capture.js'
import { createMovableClock, moveClocks, offsetVariable } from './clock.js'
import { claimForSimulation } from './dataMark.js'
import { createSimulatedHost } from './host.js'
import { createSimulatedDisk, type DiskLevels } from './storage.js'
import { createSimulatedUsb } from './usb.js'

export interface SimulationOptions {
  levels: DiskLevels
  /** Of `serve --simulate`; the USB cameras of the host are left out then. */
  scenario?: Scenario
}

interface Folders {
  data: { dir: string; state: string }
  runDir: string
}

/** The ports that a simulation changes. */
export interface Simulation {
  clock: Clock
  /** Environment of the media server. */
  env: NodeJS.ProcessEnv
  usb(real: () => UsbDevices): UsbDevices
  probe(real: DeviceProbe): DeviceProbe
  pipelines<Whole extends Pipelines>(real: Whole): Whole
  pictures(real: Pictures): Pictures
  storage(real: Storage): Storage
  host(signalServer: (signal: NodeJS.Signals) => boolean): SimulatedHost
}

const refuse = async () => {
  throw new Failure('not_simulated', 'simulation is not enabled')
}
const off = { plug: refuse, unplug: refuse, twin: refuse, server: refuse, disk: refuse, jumpClock: refuse }

/** Changes nothing. */
export const noSimulation = (clock: Clock, env: NodeJS.ProcessEnv): Simulation => ({
  clock,
  env,
  usb: (real) => real(),
  probe: (real) => real,
  pipelines: (real) => real,
  pictures: (real) => real,
  storage: (real) => real,
  host: () => ({ ...off, devices: () => [] }),
})

/** The clock can be moved from the start. The rest needs the folders. */
export function openSimulation({ levels, scenario }: SimulationOptions, real: Clock) {
  const clock = createMovableClock(real)
  return {
    clock: clock.clock,
    /** Rejects with one sentence if the data directory is not for simulations. */
    async use({ data, runDir }: Folders, env: NodeJS.ProcessEnv): Promise<Simulation> {
      if (scenario) await claimForSimulation(data)
      const offsetFile = join(runDir, 'clock-offset')
      await writeFile(offsetFile, '0\n')
      const usb = createSimulatedUsb(scenario?.cameras ?? noScenario.cameras)
      const disk = createSimulatedDisk(levels)
      return {
        clock: clock.clock,
        env: { ...env, [offsetVariable]: offsetFile },
        usb: (host) => (scenario ? usb.usb : host()),
        probe: simulatedProbe,
        pipelines: simulatedPipelines,
        pictures: (pictures) => disk.pictures(simulatedPictures(pictures)),
        storage: disk.storage,
        host: (signalServer) =>
          createSimulatedHost({
            usb: usb.host,
            signalServer,
            setDisk: disk.set,
            moveClock: (by) => moveClocks(clock, offsetFile, by),
          }),
      }
    },
  }
}
