import { Failure } from '../../machines/domain/reason.js'
import type { DiskAction, ServerAction, SimulatedHost } from '../../machines/domain/simulation.js'

const signals: Record<ServerAction, NodeJS.Signals> = {
  kill_server: 'SIGKILL',
  hang_server: 'SIGSTOP',
  resume_server: 'SIGCONT',
}

export interface HostParts {
  usb: Pick<SimulatedHost, 'devices' | 'plug' | 'unplug' | 'twin'>
  /** Sends a signal to the media server that this service started; false if none runs. */
  signalServer(signal: NodeJS.Signals): boolean
  setDisk(action: DiskAction): void
  moveClock(by: number): Promise<void>
}

/** Causes the faults of a simulation. */
export const createSimulatedHost = ({ usb, signalServer, setDisk, moveClock }: HostParts): SimulatedHost => ({
  ...usb,
  async server(action) {
    if (!signalServer(signals[action]))
      throw new Failure('not_simulated', 'no media server that this service started is running')
  },
  async disk(action) {
    setDisk(action)
  },
  jumpClock: moveClock,
})
