import Type from 'typebox'
import type { CameraView } from '../../machines/domain/views.js'
import { standingAnswer } from '../answers.js'
import { Flapping, flappingFields } from '../flapping.js'
import { type Call, method } from '../method.js'
import { cameraOf, capabilitiesOf, given, mediaOf, seconds, sizeOf, supportFields } from '../present.js'
import { camerasFor } from '../rights.js'
import { Camera, CameraName, Count, cameraProperties, MediaInfo, None, OneCamera, Support } from '../schemas.js'
import { urlsFor, viewerOf } from '../signedUrls.js'
import { type KnownStream, streamStateOf } from './streamState.js'

const getCameraList = method({
  name: 'get_camera_list',
  summary: 'Lists all cameras by number, unplugged ones included.',
  role: 'viewer',
  gated: true,
  params: None,
  result: Type.Object({ cameras: Type.Array(Camera), total: Count, connected: Count }),
  handler: (_, { services, session, caller }) => {
    const views = camerasFor(caller, services.directory)
    const urls = views.map(({ id }) => urlsFor(services, id, session))
    return standingAnswer(caller, 'list', [...views, ...urls.flatMap(({ rtsp, hls }) => [rtsp, hls])], () => ({
      cameras: views.map((view, index) => cameraOf(view, urls[index] ?? { rtsp: '' })),
      total: views.length,
      connected: views.filter(({ status }) => status === 'CONNECTED').length,
    }))
  },
})

/** A camera with the media server's state of its stream. */
const wholeOf = (view: CameraView, { known, state }: KnownStream, call: Call) => {
  const { services, caller } = call
  const urls = urlsFor(services, view.id, viewerOf(call))
  const uptime = state?.readySince === undefined ? 0 : seconds(services.clock.now() - state.readySince)
  const [sent, readers] = [state?.bytesSent ?? 0, state?.readers ?? 0]
  const flapping = services.explain.flapping(view.id)
  return standingAnswer(
    caller,
    `status ${view.id}`,
    [view, urls.rtsp, urls.hls, known, uptime, sent, readers, flapping],
    () => {
      const { formats, resolutions } = capabilitiesOf(view)
      const camera = cameraOf(view, urls)
      return {
        ...camera,
        ...flappingFields(flapping, camera.details),
        ...(known ? { metrics: { bytes_sent: sent, readers, uptime } } : {}),
        ...(view.capabilities === undefined ? {} : { capabilities: { formats, resolutions } }),
      }
    },
  )
}

const getCameraStatus = method({
  name: 'get_camera_status',
  summary: "Returns a camera's state and the reason for it, its stream, and the methods allowed now.",
  role: 'viewer',
  camera: 'device',
  params: OneCamera,
  result: Type.Object({
    ...cameraProperties,
    metrics: Type.Optional(
      Type.Object(
        { bytes_sent: Count, readers: Count, uptime: Count },
        { description: 'Absent while the media server does not answer; uptime in seconds' },
      ),
    ),
    flapping: Flapping,
    capabilities: Type.Optional(
      Type.Object({ formats: Type.Array(Type.String()), resolutions: Type.Array(Type.String()) }),
    ),
  }),
  handler: ({ device }, call) => {
    const { services } = call
    const view = services.directory.camera(device)
    const stream = streamStateOf(services, view.id)
    // The most frequent request is answered at once if the media server was sampled a moment ago.
    if (!(stream instanceof Promise)) return wholeOf(view, stream, call)
    return stream.then((known) => wholeOf(services.directory.camera(device), known, call))
  },
})

const validationOf = ({ status, capabilities }: CameraView): 'NONE' | 'DISCONNECTED' | 'CONFIRMED' => {
  if (status === 'DISCONNECTED') return 'DISCONNECTED'
  return capabilities === undefined ? 'NONE' : 'CONFIRMED'
}

const getCameraCapabilities = method({
  name: 'get_camera_capabilities',
  summary: 'Returns the formats, sizes and frame rates of a camera.',
  role: 'viewer',
  camera: 'device',
  params: OneCamera,
  result: Type.Object({
    device: CameraName,
    formats: Type.Array(Type.String()),
    resolutions: Type.Array(Type.String()),
    fps_options: Type.Array(Type.Number({ exclusiveMinimum: 0 })),
    frame_rates: Type.Array(Type.String()),
    validation_status: Type.Enum(['NONE', 'DISCONNECTED', 'CONFIRMED']),
    modes: Type.Array(
      Type.Object({
        format: Type.String(),
        description: Type.String(),
        resolution: Type.String(),
        fps: Type.Array(Type.Number()),
      }),
      { description: 'The sizes and rates that can be combined' },
    ),
    media: Type.Optional(MediaInfo),
    uses: Type.Optional(
      Type.Array(Support, { description: 'Since 1.1. Only of RTSP cameras: what works with the codec of the stream' }),
    ),
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
        sizes.map((size) => ({ format: fourcc, description, resolution: sizeOf(size), fps: size.rates })),
      ),
      ...given({ media: mediaOf(view), uses: supportFields(view) }),
    }
  },
})

export const cameraMethods = [getCameraList, getCameraStatus, getCameraCapabilities]
