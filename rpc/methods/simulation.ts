import * as Type from 'typebox'
import { invalidParam } from '../../machines/domain/errors.js'
import { type Act, cameraActions, hostActions, isCameraAction } from '../../machines/domain/simulation.js'
import { method } from '../method.js'
import { given } from '../present.js'
import { demandAllCameras } from '../rights.js'
import { CameraParam } from '../schemas.js'

/** The longest jump of the clock, in s: ten years. */
const mostSeconds = 315_360_000
const pluggings = ['plug', 'replug', 'twin']

const simulate = method({
  name: 'simulate',
  summary: 'Simulates a fault of a camera, the media server, the disk or the clock, if simulation is enabled.',
  role: 'admin',
  camera: 'device',
  cost: 5,
  audit: { event: 'change' },
  errors: ['unsupported', 'invalidState', 'dependencyFailed'],
  params: Type.Object({
    device: Type.Optional({ ...CameraParam, description: 'For faults of a camera: a virtual or simulated camera' }),
    action: Type.Enum([...cameraActions, ...hostActions, 'start'], {
      description: '`start` begins the scenario of `serve --simulate` that waits for it (`start: asked`)',
    }),
    port: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]?(\\.[1-9][0-9]?){0,5}$',
        examples: ['1.2'],
        description: 'For plug, replug and twin of a simulated camera: the USB port, as in `1.2`',
      }),
    ),
    seconds: Type.Optional(
      Type.Integer({
        minimum: -mostSeconds,
        maximum: mostSeconds,
        description: 'For jump_clock: how far forward, or back if negative',
      }),
    ),
  }),
  result: Type.Object({
    device: Type.Optional(Type.String({ description: 'As in the request' })),
    action: Type.String(),
    status: Type.Literal('DONE'),
  }),
  handler: async ({ device, action, port, seconds }, { services: { ask }, caller, by }) => {
    const result = { ...given({ device }), action, status: 'DONE' as const }
    const isOfCamera = action !== 'start' && isCameraAction(action)
    if (!isOfCamera) demandAllCameras(caller, `${action} concerns all cameras`)
    if (isOfCamera && device === undefined) throw invalidParam('device', `must name the camera: ${action} needs one`)
    if (!isOfCamera && device !== undefined)
      throw invalidParam('device', `is only for faults of a camera, not ${action}`)
    if (port !== undefined && !pluggings.includes(action))
      throw invalidParam('port', `is only for plug, replug and twin, not for ${action}`)
    if (action === 'replug' && port === undefined) throw invalidParam('port', 'must be given for replug')
    if (seconds !== undefined && action !== 'jump_clock')
      throw invalidParam('seconds', `is only for jump_clock, not for ${action}`)
    if (action === 'jump_clock' && !seconds) throw invalidParam('seconds', 'must be given for jump_clock, and not be 0')
    if (action === 'start') ask.startScenario()
    else {
      const act: Act = { action }
      if (device !== undefined) act.camera = device
      if (port !== undefined) act.port = port
      if (seconds !== undefined) act.by = seconds * 1000
      await ask.simulate(act, by)
    }
    return result
  },
})

export const simulationMethods = [simulate]
