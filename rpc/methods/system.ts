import * as Type from 'typebox'
import { forecastOf } from '../../machines/domain/forecast.js'
import { Failure, reasonFrom } from '../../machines/domain/reason.js'
import { method } from '../method.js'
import type { RpcOptions } from '../options.js'
import { given, iso, statusOf } from '../present.js'
import {
  optionalReasonShape,
  reasonFields,
  reasonShape,
  suspendedFields,
  suspendedShape,
  unreadableFields,
} from '../reason.js'
import { camerasFor } from '../rights.js'
import { CameraName, Count, InUse, None, PolicyType, Status, Time, timeOf } from '../schemas.js'

const statusMethod = (name: string, summary: string) =>
  method({
    name,
    summary,
    role: 'admin',
    params: None,
    result: Status,
    handler: (_, { services }) => statusOf(services),
  })

const getStatus = statusMethod('get_status', 'Returns the health of the service and its parts, and the reasons for it.')
const getSystemHealth = statusMethod(
  'get_system_health',
  'Returns the same as get_status, under the name that some clients use.',
)

const getSystemStatus = method({
  name: 'get_system_status',
  summary: 'Returns the progress of the start, and the cameras that can be used.',
  role: 'viewer',
  params: None,
  result: Type.Object({
    status: Type.Enum(['starting', 'partial', 'ready']),
    message: Type.String(),
    available_cameras: Type.Array(CameraName),
    discovery_active: Type.Boolean(),
    discovery_mode: Type.Enum(['udev', 'devfs', 'off']),
  }),
  handler: (_, { services: { directory }, caller }) => {
    const { status, message, discovery } = directory.system()
    const cameras = camerasFor(caller, directory).filter(({ status }) => status === 'CONNECTED')
    return {
      status,
      message,
      available_cameras: cameras.map(({ id }) => id),
      discovery_active: discovery.active,
      discovery_mode: discovery.mode,
    }
  },
})

const getServerInfo = method({
  name: 'get_server_info',
  summary: 'Returns the version and the capabilities of the service.',
  role: 'viewer',
  params: None,
  result: Type.Object({
    name: Type.String(),
    version: Type.String(),
    build_date: Type.String(),
    go_version: Type.String({ description: 'For older clients; this service is not written in Go' }),
    node_version: Type.String(),
    architecture: Type.String(),
    capabilities: Type.Array(Type.String()),
    supported_formats: Type.Array(Type.String()),
    max_cameras: Type.Integer({ minimum: 1 }),
    media_server: Type.Optional(
      Type.Object({
        kind: Type.Enum(['external', 'managed', 'embedded']),
        why: Type.String({ description: 'Why this kind of media server is used' }),
        version: Type.Optional(Type.String()),
        state: Type.String(),
      }),
    ),
    stream_protocols: Type.Array(Type.String()),
    simulation: Type.Boolean({ description: 'Whether faults are simulated: such a service is not for production' }),
  }),
  handler: (_, { services: { about, directory, offers, simulation } }) => {
    const { state, server } = directory.link()
    const { hls, webrtc } = offers()
    return {
      name: about.name,
      version: about.version,
      build_date: about.buildDate,
      go_version: `n/a (node ${process.version})`,
      node_version: process.version,
      architecture: `${process.platform}/${process.arch}`,
      capabilities: ['snapshots', 'recordings', 'streaming', 'notifications', ...(simulation ? ['simulation'] : [])],
      supported_formats: ['fmp4', 'mp4', 'mkv', 'jpg', 'png'],
      max_cameras: about.maxCameras,
      ...(server === undefined ? {} : { media_server: { ...server, state } }),
      stream_protocols: ['rtsp', ...(hls ? ['hls'] : []), ...(webrtc ? ['webrtc'] : [])],
      simulation,
    }
  },
})

const Forecast = Type.Object(
  {
    bytes_per_day: Count,
    from: timeOf('The recordings since this time are counted'),
    days_left: Type.Optional(
      Type.Number({ minimum: 0, description: 'Absent: the disk will not be full, by this rate and by retention' }),
    ),
  },
  { description: 'When recordings will be refused; absent: too little was recorded lately' },
)

/** Sizes of files; 0 with the reason if they cannot be listed. */
const filesOf = async ({ files, protection }: Pick<RpcOptions, 'files' | 'protection'>) => {
  const aside = { files: 0, bytes: 0 }
  const nothing = { recordings: [], sizes: { recordings: 0, snapshots: 0 }, guarded: [], aside }
  try {
    const none = { limit: 0, offset: 0 }
    const parts = [files.all('recordings'), files.sizes(), files.quarantined(), files.list('recordings', none)] as const
    const [recordings, sizes, quarantined, { unreadable }] = await Promise.all(parts)
    const guarded = recordings.filter(({ name }) => protection.has(name))
    return { recordings, sizes, guarded, aside: quarantined, ...unreadableFields(unreadable) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { ...nothing, ...unreadableFields(reasonFrom(error)) }
  }
}

const getStorageInfo = method({
  name: 'get_storage_info',
  summary:
    'Returns the usage of the disk that holds the recordings and snapshots, when it will be full, ' +
    'and whether retention deletes files.',
  role: 'admin',
  cost: 2,
  params: None,
  result: Type.Object({
    total_space: Count,
    used_space: Count,
    available_space: Count,
    usage_percentage: Type.Number({ minimum: 0, maximum: 100 }),
    recordings_size: Count,
    snapshots_size: Count,
    quarantined_files: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Number of recordings that contain nothing and were moved aside' }),
    ),
    quarantined_size: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Their bytes, which are part of recordings_size' }),
    ),
    low_space_warning: Type.Boolean(),
    state: Type.Enum(['ok', 'warning', 'critical', 'blind', 'unknown'], {
      description: 'blind: the disk cannot be measured, so recordings are refused',
    }),
    since: Time,
    ...optionalReasonShape,
    files_unreadable: Type.Optional(
      Type.Object(reasonShape, { description: 'Why the files, or those of one folder, are not counted in the sizes' }),
    ),
    folder: Type.Optional(
      Type.Object(
        { in_use: InUse, since: Time, ...optionalReasonShape },
        {
          description:
            'The folder that takes new recordings, whose disk is described here, and why it is the fallback; ' +
            'absent without storage.fallback_path',
        },
      ),
    ),
    protected_files: Type.Integer({ minimum: 0, description: 'Number of protected recordings' }),
    protected_size: Count,
    forecast: Type.Optional(Forecast),
    retention: Type.Object({
      policy_type: PolicyType,
      enabled: Type.Boolean(),
      ...suspendedShape,
      files_undated: Type.Optional(
        Type.Integer({ description: 'Number of files that are not deleted by age: their dates cannot be right' }),
      ),
    }),
  }),
  handler: async (_, { services }) => {
    const { directory, retention, clock } = services
    const { recordings, sizes, guarded, aside, ...unread } = await filesOf(services)
    const { state, cause, total, used, available, percent, room = available, folder } = directory.storage()
    const { policy, hasTarget = false, suspension, undated } = retention.view()
    const bytes = sizes.recordings + sizes.snapshots
    const isMeasured = total > 0
    // Without the list of protected recordings nothing is deleted.
    const isWithheld = suspension?.code === 'protections_lost'
    const rule = isWithheld
      ? ({ policy: { ...policy, enabled: false }, hasTarget: false } as const)
      : { policy, hasTarget }
    const forecast = isMeasured ? forecastOf({ recordings, bytes, room, ...rule, now: clock.now() }) : undefined
    return {
      total_space: total,
      used_space: used,
      available_space: available,
      usage_percentage: Math.min(100, Math.max(0, percent)),
      recordings_size: sizes.recordings,
      snapshots_size: sizes.snapshots,
      quarantined_files: aside.files,
      quarantined_size: aside.bytes,
      low_space_warning: state === 'warning' || state === 'critical',
      state,
      since: iso(cause.since),
      ...reasonFields(cause.reason),
      ...unread,
      ...(folder && { folder: { in_use: folder.inUse, since: iso(folder.since), ...reasonFields(folder.reason) } }),
      protected_files: guarded.length,
      protected_size: guarded.reduce((sum, file) => sum + file.bytes, 0),
      ...(forecast && {
        forecast: {
          bytes_per_day: forecast.bytesPerDay,
          from: iso(forecast.from),
          ...(forecast.daysLeft !== undefined && { days_left: Math.round(forecast.daysLeft * 100) / 100 }),
        },
      }),
      retention: {
        policy_type: policy.type,
        enabled: policy.enabled,
        ...suspendedFields(suspension),
        ...given({ files_undated: undated }),
      },
    }
  },
})

export const systemMethods = [getStatus, getSystemHealth, getSystemStatus, getServerInfo, getStorageInfo]
