import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { Pipelines } from '../../machines/domain/capture.js'
import type { Clock } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import {
  type Act,
  type Done,
  isCameraAction,
  isDiskAction,
  isOf,
  isServerAction,
  type SimulatedDevice,
  type SimulatedHost,
} from '../../machines/domain/simulation.js'
import type { CameraView, LinkView } from '../../machines/domain/views.js'
import type { Facts } from '../facts.js'
import { waitUntil, within } from './time.js'

export interface SimulationPorts {
  simulatedHost: SimulatedHost
  pipelines: Pick<Pipelines, 'simulate'>
  clock: Clock
  facts: Pick<Facts, 'subscribe'>
  cameras: () => readonly CameraView[]
  link: () => Pick<LinkView, 'state'>
}

/** In ms: then the scenario starts without the cameras that are missing. */
const readyLimit = 30_000
/** In ms: the service lists its cameras within this time, or an act fails. */
const actLimit = 15_000

/** The effects of machines/simulation.ts. */
export const simulationEffects = (ports: SimulationPorts) => ({
  waitUntil: waitUntil(ports.clock.monotonic),

  awaitReady: fromPromise<{ at: number }, { names: readonly string[] }>(async ({ input: { names }, signal }) => {
    await within(readyLimit, signal, (limited) => becomesReady(ports, names, limited)).catch(() =>
      signal.throwIfAborted(),
    )
    return { at: ports.clock.monotonic() }
  }),

  causeFault: fromPromise<Done, { act: Act }>(async ({ input: { act }, signal }) => {
    const done = await within(actLimit, signal, (limited) => cause(act, ports, limited))
    return { ...done, action: act.action }
  }),
})

function becomesReady(
  { facts, cameras, link, simulatedHost }: SimulationPorts,
  names: readonly string[],
  end: AbortSignal,
) {
  const absent = new Set(simulatedHost.devices().flatMap(({ name, plugged }) => (plugged ? [] : [name])))
  const isReady = () =>
    link().state === 'up' &&
    names.every(
      (name) => absent.has(name) || cameras().some((view) => isNamed(view, name, simulatedHost) && isConnected(view)),
    )
  return new Promise<void>((resolve, reject) => {
    const check = () => {
      if (!isReady()) return
      unsubscribe()
      resolve()
    }
    // A fact is published during the transition that causes it: the views show the new state only after it.
    const unsubscribe = facts.subscribe(() => queueMicrotask(check))
    end.addEventListener('abort', () => {
      unsubscribe()
      reject(end.reason)
    })
    queueMicrotask(check)
  })
}

const isConnected = ({ status }: CameraView) => status === 'CONNECTED'

/** Whether the view is that of the camera with this name in the scenario, or in the configuration. */
const isNamed = (view: CameraView, name: string, host: Pick<SimulatedHost, 'devices'>): boolean => {
  const simulated = host.devices().find((each) => each.name === name)
  return simulated
    ? isOf(view.identity, simulated.device)
    : view.kind === 'virtual' && (view.name === name || view.identity.key === `virtual:${name}`)
}

/** Returns the simulated device that a camera was, preferably one that is plugged in. */
export function deviceOf(view: CameraView, host: Pick<SimulatedHost, 'devices'>): SimulatedDevice | undefined {
  const devices = host.devices().filter(({ device }) => isOf(view.identity, device))
  return devices.find(({ plugged }) => plugged) ?? devices[0]
}

async function cause(act: Act, ports: SimulationPorts, signal: AbortSignal): Promise<Done> {
  const { simulatedHost: host } = ports
  const { action, by = 0 } = act
  if (isCameraAction(action)) return ofCamera({ ...act, action }, ports, signal)
  if (isServerAction(action)) await host.server(action)
  else if (isDiskAction(action)) await host.disk(action)
  else await host.jumpClock(by)
  return {}
}

/** `camera` of the act: a name, or the id of a camera. */
async function ofCamera(
  { action, camera: asked = '', port }: Act,
  { simulatedHost: host, pipelines, cameras }: SimulationPorts,
  signal: AbortSignal,
): Promise<Done> {
  const named = cameras().filter((each) => each.id === asked || isNamed(each, asked, host))
  const view = named.find(isConnected) ?? named[0]
  const device = host.devices().find(({ name }) => name === asked) ?? (view && deviceOf(view, host))
  const camera: { camera?: CameraId } = view ? { camera: view.id } : {}
  if (action === 'stall' || action === 'resume' || action === 'busy') {
    if (!view || !isConnected(view)) throw new Failure('unplugged')
    await pipelines.simulate(view.id, action)
    return camera
  }
  if (device === undefined) {
    if (view?.kind === 'virtual' && (action === 'plug' || action === 'unplug') && port === undefined)
      return { ...camera, away: action === 'unplug' }
    throw new Failure('not_simulated', `${asked} has no USB port: only cameras of a scenario have one`)
  }
  const { name } = device
  if (action === 'unplug' || action === 'replug') await host.unplug(name, signal)
  if (action === 'plug' || action === 'replug') await host.plug(name, port, signal)
  if (action === 'twin') await host.twin(name, port, signal)
  return camera
}
