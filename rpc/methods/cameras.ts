import Type from 'typebox'
import { mayUse } from '../../machines/domain/access.js'
import type { CameraView } from '../../machines/domain/views.js'
import { method } from '../method.js'
import { cameraOf, capabilitiesOf, seconds, urlsFor } from '../present.js'
import { Camera, CameraName, Count, cameraProperties, None, OneCamera } from '../schemas.js'
import { viewerOf } from '../streams/signed.js'
import { stateOfStream } from './streams.js'

const validationOf = ({ status, capabilities }: CameraView): 'NONE' | 'DISCONNECTED' | 'CONFIRMED' => {
  if (status === 'DISCONNECTED') return 'DISCONNECTED'
  return capabilities === undefined ? 'NONE' : 'CONFIRMED'
}

export const cameraMethods = [
  method({
    name: 'get_camera_list',
    summary: 'Lists the cameras by number, unplugged ones included.',
    role: 'viewer',
    since: '1.0',
    gated: true,
    params: None,
    result: Type.Object({ cameras: Type.Array(Camera), total: Count, connected: Count }),
    handler: (_, { services, session, caller }) => {
      const { directory } = services
      const views = directory.cameras().filter(({ id }) => caller === undefined || mayUse(caller, id))
      return {
        cameras: views.map((view) => cameraOf(view, urlsFor(services, view.id, session))),
        total: views.length,
        connected: views.filter(({ status }) => status === 'CONNECTED').length,
      }
    },
  }),
  method({
    name: 'get_camera_status',
    summary: 'Tells all of one camera: its state and the reason, its stream, what it may be asked now.',
    role: 'viewer',
    camera: 'device',
    since: '1.0',
    gated: true,
    params: OneCamera,
    result: Type.Object({
      ...cameraProperties,
      metrics: Type.Optional(
        Type.Object({ bytes_sent: Count, readers: Count, uptime: Count }, { description: 'Absent while the media server cannot be asked; uptime in seconds' }),
      ),
      capabilities: Type.Optional(Type.Object({ formats: Type.Array(Type.String()), resolutions: Type.Array(Type.String()) })),
    }),
    handler: async ({ device }, call) => {
      const { services } = call
      const found = services.directory.camera(device)
      const stream = await stateOfStream(services, found.id)
      // Asking took a while: what is told is the state now.
      const view = services.directory.camera(device)
      const { formats, resolutions } = capabilitiesOf(view)
      return {
        ...cameraOf(view, urlsFor(services, view.id, viewerOf(call))),
        ...(stream.known
          ? {
              metrics: {
                bytes_sent: stream.state?.bytesSent ?? 0,
                readers: stream.state?.readers ?? 0,
                uptime: stream.state?.readySince === undefined ? 0 : seconds(services.clock.now() - stream.state.readySince),
              },
            }
          : {}),
        ...(view.capabilities === undefined ? {} : { capabilities: { formats, resolutions } }),
      }
    },
  }),
  method({
    name: 'get_camera_capabilities',
    summary: 'Tells the formats, sizes and frame rates that a camera offers.',
    role: 'viewer',
    camera: 'device',
    since: '1.0',
    gated: true,
    params: OneCamera,
    result: Type.Object({
      device: CameraName,
      formats: Type.Array(Type.String()),
      resolutions: Type.Array(Type.String()),
      fps_options: Type.Array(Type.Number({ exclusiveMinimum: 0 })),
      frame_rates: Type.Array(Type.String()),
      validation_status: Type.Enum(['NONE', 'DISCONNECTED', 'CONFIRMED']),
      modes: Type.Array(Type.Object({ format: Type.String(), description: Type.String(), resolution: Type.String(), fps: Type.Array(Type.Number()) }), {
        description: 'Which sizes and rates go together',
      }),
    }),
    handler: ({ device }, { services }) => {
      const view = services.directory.camera(device)
      const { formats, resolutions, rates } = capabilitiesOf(view)
      return {
        device: view.id,
        formats,
        resolutions,
        fps_options: rates,
        frame_rates: rates.map(String),
        validation_status: validationOf(view),
        modes: (view.capabilities?.formats ?? []).flatMap(({ fourcc, description, sizes }) =>
          sizes.map(({ width, height, rates }) => ({ format: fourcc, description, resolution: `${width}x${height}`, fps: rates })),
        ),
      }
    },
  }),
]
