import * as Type from 'typebox'
import type { Directory } from '../../actors/directory.js'
import { displayNamePattern, longestDisplayName } from '../../machines/domain/displayName.js'
import type { CameraView } from '../../machines/domain/views.js'
import { standingAnswer } from '../answers.js'
import { Flapping, flappingFields } from '../flapping.js'
import { type Call, method } from '../method.js'
import { cameraOf, capabilitiesOf, given, mediaOf, seconds, sizeOf, supportFields } from '../present.js'
import { reasonFields, reasonShape } from '../reason.js'
import { camerasFor, hasAllCameras } from '../rights.js'
import {
  Camera,
  CameraName,
  CameraParam,
  Count,
  cameraProperties,
  MediaInfo,
  None,
  OneCamera,
  Support,
} from '../schemas.js'
import { urlsFor, urlsOf, viewerOf } from '../signedUrls.js'
import { type KnownStream, streamStateOf } from './streamState.js'

/** One value: a standing answer is made again when a part of it is another one. */
const none: ReturnType<Directory['absent']> = []

const getCameraList = method({
  name: 'get_camera_list',
  summary: 'Lists all cameras by number, unplugged ones included.',
  role: 'viewer',
  gated: true,
  params: None,
  result: Type.Object({
    cameras: Type.Array(Camera),
    total: Count,
    connected: Count,
    absent: Type.Optional(
      Type.Array(Type.Object({ name: Type.String(), ...reasonShape }), {
        description:
          'Since 1.1. Entries of the configuration that match no device; absent if there are none. Not for callers ' +
          'limited to specific cameras',
      }),
    ),
  }),
  handler: (_, { services, session, caller }) => {
    const views = camerasFor(caller, services.directory)
    const urlsIn = urlsOf(services, session)
    const urls = views.map(({ id }) => urlsIn(id).urls)
    const absent = hasAllCameras(caller) ? services.directory.absent() : none
    return standingAnswer(caller, 'list', [absent, views, ...urls], () => ({
      cameras: views.map((view, index) => cameraOf(view, urls[index] ?? { rtsp: '' })),
      total: views.length,
      connected: views.filter(({ status }) => status === 'CONNECTED').length,
      ...(absent.length > 0 && { absent: absent.map(({ name, reason }) => ({ name, ...reasonFields(reason) })) }),
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
  return standingAnswer(caller, view.id, [view, urls, known, uptime, sent, readers, flapping], () => {
    const { formats, resolutions } = capabilitiesOf(view)
    const camera = cameraOf(view, urls)
    return {
      ...camera,
      ...flappingFields(flapping, camera.details),
      ...(known ? { metrics: { bytes_sent: sent, readers, uptime } } : {}),
      ...(view.capabilities === undefined ? {} : { capabilities: { formats, resolutions } }),
      ...measuredOf(view),
    }
  })
}

/** What comes of the stream now, and whether the host is too slow for it. */
const measuredOf = ({ stream: { status, fps, speed, size, overload } }: CameraView) => {
  if (status !== 'ACTIVE') return {}
  const measured = given({
    fps: fps > 0 ? fps : undefined,
    resolution: size && sizeOf(size),
    speed,
  })
  return {
    ...(Object.keys(measured).length > 0 && { measured }),
    ...(overload && { overloaded: reasonFields(overload) }),
  }
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
    measured: Type.Optional(
      Type.Object(
        {
          fps: Type.Optional(Type.Number({ minimum: 0 })),
          resolution: Type.Optional(Type.String()),
          speed: Type.Optional(Type.Number({ minimum: 0, description: '1: the stream is made in real time' })),
        },
        {
          description:
            'Since 1.1. The rate and size of the stream as they come now, beside `fps` and `resolution`, which were ' +
            'asked for. Absent while no stream of a USB or virtual camera runs, or nothing is known yet',
        },
      ),
    ),
    overloaded: Type.Optional(
      Type.Object(reasonShape, {
        description: 'Since 1.1. Why the host is too slow for the stream; absent: it is not',
      }),
    ),
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

const setCamera = method({
  name: 'set_camera',
  summary: 'Sets the name of a camera. It is kept over restarts, and replaces the name in the configuration.',
  role: 'admin',
  camera: 'device',
  since: '1.1',
  audit: { event: 'change' },
  errors: ['dependencyFailed'],
  params: Type.Object({
    device: CameraParam,
    name: Type.String({
      maxLength: longestDisplayName,
      pattern: `^$|${displayNamePattern}`,
      description:
        'At most 64 printable characters, without a space at its ends; empty: the name of the configuration or of ' +
        'the device',
    }),
  }),
  result: Type.Object({ device: CameraName, name: Type.String() }),
  handler: async ({ device, name }, { services, by }) => {
    const view = await services.ask.nameCamera(device, name.normalize('NFC'), by)
    return { device: view.id, name: view.name }
  },
})

export const cameraMethods = [getCameraList, getCameraStatus, getCameraCapabilities, setCamera]
