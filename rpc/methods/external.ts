import type { Static } from 'typebox'
import * as Type from 'typebox'
import { type Caller, mayUse } from '../../machines/domain/access.js'
import { notFound } from '../../machines/domain/errors.js'
import { discoveryDisabled, type ExternalStream } from '../../machines/domain/external.js'
import { placeOf, shownUrl, streamKey } from '../../machines/domain/streamUrl.js'
import { method, type Services } from '../method.js'
import { given, iso, seconds } from '../present.js'
import { optionalReasonShape, reasonFields } from '../reason.js'
import { demandAllCameras } from '../rights.js'
import { CameraName, Count, None, optional, Time } from '../schemas.js'

const StreamType = Type.Enum(['skydio_stanag4609', 'generic_rtsp'])
const StreamUrl = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: 'rtsp:// or rtsps://; replies never contain its user and password',
})
const StreamName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*[^\\p{C}\\p{Z}][^\\p{C}\\p{Zl}\\p{Zp}]*$',
  description: 'Printable characters',
})

const Stream = Type.Object({
  url: Type.String({ description: 'Without credentials' }),
  type: StreamType,
  name: Type.String(),
  status: Type.Enum(['DISCOVERED', 'ERROR'], { description: 'ERROR: the stream does not answer now' }),
  discovered_at: Time,
  last_seen: Time,
  capabilities: Type.Object({
    protocol: Type.Enum(['rtsp', 'rtsps']),
    format: Type.Enum(['stanag4609', 'rtsp']),
    source: Type.Enum(['skydio_uav', 'generic']),
    stream_type: Type.Enum(['eo', 'ir', 'video']),
    port: Count,
    stream_path: Type.String(),
    codec: Type.String({ description: 'Empty while unknown' }),
    metadata: Type.Object({ width: Type.Optional(Count), height: Type.Optional(Count) }),
  }),
  device: Type.Optional(CameraName),
  ...optionalReasonShape,
})

const DiscoveryOptions = {
  skydio_enabled: Type.Boolean({ default: true }),
  generic_enabled: Type.Boolean({ default: false }),
  force_rescan: Type.Boolean({
    default: false,
    description: 'Asks every address again, also those that answered a moment ago',
  }),
  include_offline: Type.Boolean({
    default: false,
    description: 'Lists streams that answered once and do not answer now, too',
  }),
}

/** In seconds: 24 days, the longest time that a timer of Node can run. */
const longestInterval = 24 * 86_400

const mustOffer = ({ external }: Services): void => {
  if (!external.view().enabled) throw discoveryDisabled()
}

/** A stream without a camera is visible only to callers with rights on every camera. */
const maySee = (caller: Caller | undefined, { camera }: ExternalStream): boolean =>
  caller?.cameras === undefined || (camera !== undefined && mayUse(caller, camera))

const streamOf = (stream: ExternalStream): Static<typeof Stream> => {
  const { url, type, name, status, sensor, camera, codec, width, height, reason } = stream
  const { scheme, port, path } = placeOf(url)
  const isSkydio = type === 'skydio_stanag4609'
  return given({
    url: shownUrl(url),
    type,
    name,
    status,
    discovered_at: iso(stream.discoveredAt),
    last_seen: iso(stream.lastSeen),
    capabilities: {
      protocol: scheme,
      format: isSkydio ? ('stanag4609' as const) : ('rtsp' as const),
      source: isSkydio ? ('skydio_uav' as const) : ('generic' as const),
      stream_type: sensor ?? ('video' as const),
      port,
      stream_path: path,
      codec: codec ?? '',
      metadata: given({ width, height }),
    },
    device: camera,
    ...(status === 'ERROR' && reasonFields(reason)),
  })
}

const listsOf = (streams: readonly ExternalStream[], caller: Caller | undefined) => {
  const all = streams.filter((stream) => maySee(caller, stream)).map(streamOf)
  return {
    all,
    skydio_streams: all.filter(({ type }) => type === 'skydio_stanag4609'),
    generic_streams: all.filter(({ type }) => type === 'generic_rtsp'),
  }
}

const discoverExternalStreams = method({
  name: 'discover_external_streams',
  summary: 'Looks for RTSP streams on the addresses that the configuration allows; replies at the end of the scan.',
  role: 'operator',
  cost: 20,
  audit: { event: 'change' },
  gated: true,
  errors: ['unsupported', 'invalidState', 'dependencyFailed'],
  mustOffer,
  params: Type.Object(optional(DiscoveryOptions)),
  result: Type.Object({
    discovered_streams: Type.Array(Stream),
    skydio_streams: Type.Array(Stream),
    generic_streams: Type.Array(Stream),
    scan_timestamp: Time,
    total_found: Count,
    discovery_options: Type.Object(DiscoveryOptions),
    scan_duration: Type.String({ description: 'As in 2.5s' }),
    errors: Type.Array(Type.String()),
  }),
  handler: async (
    { skydio_enabled = true, generic_enabled = false, force_rescan = false, include_offline = false },
    { services, caller, by },
  ) => {
    const { streams, at, took, errors } = await services.external.discover({
      skydio: skydio_enabled,
      generic: generic_enabled,
      force: force_rescan,
      includeOffline: include_offline,
      by,
    })
    const { all, ...byType } = listsOf(streams, caller)
    return {
      discovered_streams: all,
      ...byType,
      scan_timestamp: iso(at),
      total_found: all.length,
      discovery_options: { skydio_enabled, generic_enabled, force_rescan, include_offline },
      scan_duration: `${Math.round(took / 100) / 10}s`,
      // They name addresses that a caller limited to some cameras must not see.
      errors: caller?.cameras === undefined ? errors : [],
    }
  },
})

const addExternalStream = method({
  name: 'add_external_stream',
  summary:
    'Adds an RTSP stream as a camera and keeps it over restarts; the same URL again returns the same camera. The name of the host must resolve.',
  role: 'operator',
  cost: 10,
  audit: { event: 'change', subject: 'stream_name' },
  gated: true,
  errors: ['unsupported', 'invalidState', 'dependencyFailed', 'permissionDenied'],
  mustOffer,
  aliases: { url: 'stream_url', name: 'stream_name', type: 'stream_type' },
  params: Type.Object({
    stream_url: StreamUrl,
    stream_name: StreamName,
    stream_type: Type.Optional(Type.Enum(['skydio_stanag4609', 'generic_rtsp'], { default: 'generic_rtsp' })),
  }),
  result: Type.Object({
    stream_url: Type.String(),
    stream_name: Type.String(),
    stream_type: StreamType,
    status: Type.Enum(['ADDED', 'ERROR']),
    timestamp: Time,
    device: Type.Optional(CameraName),
  }),
  handler: async ({ stream_url, stream_name, stream_type = 'generic_rtsp' }, { services, caller, by }) => {
    // The new camera would not be among those that such a caller may use.
    demandAllCameras(caller, 'an added stream is a new camera')
    const request = { url: stream_url, name: stream_name, type: stream_type, by }
    const { url, name, type, camera } = await services.external.add(request)
    return given({
      stream_url: shownUrl(url),
      stream_name: name,
      stream_type: type,
      status: 'ADDED' as const,
      timestamp: iso(services.clock.now()),
      device: camera,
    })
  },
})

const removeExternalStream = method({
  name: 'remove_external_stream',
  summary: 'Removes an added stream and its camera; recordings and snapshots stay.',
  role: 'operator',
  cost: 5,
  audit: { event: 'change', subject: 'stream_url' },
  gated: true,
  errors: ['unsupported', 'notFound', 'invalidState', 'dependencyFailed'],
  mustOffer,
  aliases: { url: 'stream_url' },
  params: Type.Object({ stream_url: StreamUrl }),
  result: Type.Object({ stream_url: Type.String(), status: Type.Enum(['REMOVED', 'ERROR']), timestamp: Time }),
  handler: async ({ stream_url }, { services, caller, by }) => {
    const { external, clock } = services
    const url = shownUrl(stream_url)
    const isVisible = external
      .view()
      .streams.some((stream) => streamKey(stream.url) === streamKey(stream_url) && maySee(caller, stream))
    if (!isVisible) throw notFound('Stream', url)
    await external.remove(stream_url, by)
    return { stream_url: url, status: 'REMOVED' as const, timestamp: iso(clock.now()) }
  },
})

const getExternalStreams = method({
  name: 'get_external_streams',
  summary: 'Lists the found and added RTSP streams; empty while external discovery is disabled.',
  role: 'viewer',
  cost: 2,
  params: None,
  result: Type.Object({
    external_streams: Type.Array(Stream),
    skydio_streams: Type.Array(Stream),
    generic_streams: Type.Array(Stream),
    total_count: Count,
    timestamp: Time,
    scanning: Type.Boolean(),
    scan_interval: Type.Integer({ minimum: 0, description: 'Seconds; 0: on demand' }),
  }),
  handler: (_, { services: { external, clock }, caller }) => {
    const { streams, scanning, interval } = external.view()
    const { all, ...byType } = listsOf(streams, caller)
    return {
      external_streams: all,
      ...byType,
      total_count: all.length,
      timestamp: iso(clock.now()),
      scanning,
      scan_interval: seconds(interval),
    }
  },
})

const setDiscoveryInterval = method({
  name: 'set_discovery_interval',
  summary: 'Sets the time between scans for external streams and keeps it over restarts.',
  role: 'admin',
  audit: { event: 'change' },
  errors: ['unsupported', 'invalidState', 'dependencyFailed'],
  mustOffer,
  params: Type.Object({
    scan_interval: Type.Integer({ minimum: 0, maximum: longestInterval, description: 'Seconds; 0: on demand' }),
  }),
  result: Type.Object({
    scan_interval: Count,
    status: Type.Enum(['UPDATED', 'ERROR']),
    message: Type.String(),
    timestamp: Time,
  }),
  handler: async ({ scan_interval }, { services, by }) => {
    await services.external.scanEvery(scan_interval * 1000, by)
    return {
      scan_interval,
      status: 'UPDATED' as const,
      message: scan_interval === 0 ? 'Scans run on demand only' : `A scan runs every ${scan_interval} s`,
      timestamp: iso(services.clock.now()),
    }
  },
})

export const externalMethods = [
  discoverExternalStreams,
  addExternalStream,
  removeExternalStream,
  getExternalStreams,
  setDiscoveryInterval,
]
