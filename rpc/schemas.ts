/** The pieces that params and results of several methods share. */
import Type, { type Static } from 'typebox'
import { cameraPattern, longestName, mostCameraPatterns, namePattern, roles } from '../machines/domain/access.js'
import { fileNamePattern } from '../machines/domain/fileName.js'

// ---------------------------------------------------------------- params

export const None = Type.Object({})
export const CameraParam = Type.String({
  pattern: '^camera[0-9]+$',
  maxLength: 32,
  description: 'Camera id, as in camera0',
})
export const OneCamera = Type.Object({ device: CameraParam })

/** A user, or the id of a token. */
export const nameParam = (description: string) =>
  Type.String({ minLength: 1, maxLength: longestName, pattern: namePattern, description })

export const Role = Type.Enum(roles)
export type Role = Static<typeof Role>
export const CameraPatterns = Type.Array(
  Type.String({ pattern: cameraPattern, description: 'Camera id or pattern (camera0, camera1*)' }),
  {
    maxItems: mostCameraPatterns,
    description: 'Camera ids or patterns (camera0, camera1*); absent: every camera',
  },
)

export const FileName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: fileNamePattern,
  description:
    'Printable characters but `/ \\ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end',
})
export const OneFile = Type.Object({ filename: FileName })

export const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
})

// ---------------------------------------------------------------- results

export const Time = Type.String({ format: 'date-time' })
export const Count = Type.Integer({ minimum: 0 })
const Device = Type.String({ pattern: '^camera[0-9]+$' })

export { Device as CameraName }

export const RecordingFormat = Type.Enum(['fmp4', 'mp4', 'mkv'])

const Identity = Type.Object({
  basis: Type.Enum(['serial', 'port', 'model', 'name']),
  confidence: Type.Enum(['high', 'medium', 'low']),
  ambiguous: Type.Boolean({ description: 'Another camera reports the same serial: both go by their port' }),
})

const PipelineInfo = Type.Object({
  kind: Type.Enum(['copy', 'encode', 'pull']),
  reason: Type.String(),
  source_format: Type.String(),
  profile: Type.Optional(Type.String()),
  level: Type.Optional(Type.String()),
})

/** Properties of a camera in get_camera_list, get_camera_status and camera_status_update. */
export const cameraProperties = {
  device: Device,
  id: Device,
  status: Type.Enum(['CONNECTED', 'DISCONNECTED', 'ERROR']),
  name: Type.String(),
  resolution: Type.Optional(Type.String()),
  fps: Type.Optional(Type.Integer()),
  streams: Type.Object(
    { rtsp: Type.Optional(Type.String()), hls: Type.Optional(Type.String()), webrtc: Type.Optional(Type.String()) },
    { additionalProperties: false },
  ),
  kind: Type.Enum(['usb', 'rtsp', 'virtual']),
  state: Type.String({ description: "The camera's own state, finer than status" }),
  since: Time,
  reason: Type.Optional(Type.String({ description: 'Why the state is not the plain good one' })),
  identity: Identity,
  identity_confidence: Type.Enum(['high', 'medium', 'low']),
  identity_ambiguous: Type.Boolean(),
  connected_at: Type.Optional(Time),
  pipeline: Type.Optional(PipelineInfo),
  stream_state: Type.Enum(['INACTIVE', 'STARTING', 'ACTIVE', 'ERROR']),
  recording: Type.Optional(
    Type.Object({
      status: Type.Enum(['STARTING', 'RECORDING', 'INTERRUPTED', 'STOPPING', 'STOPPED', 'FAILED']),
      reason: Type.Optional(Type.String({ description: 'Why it is interrupted, or ends' })),
      growing: Type.Boolean(),
      format: RecordingFormat,
      filename: Type.Optional(Type.String()),
      files: Type.Array(Type.String()),
      start_time: Type.Optional(Time),
    }),
  ),
  allowed_methods: Type.Array(Type.String()),
}
export const Camera = Type.Object(cameraProperties)
export type Camera = Static<typeof Camera>

const ComponentState = Type.Enum(['RUNNING', 'STOPPED', 'ERROR', 'STARTING', 'STOPPING'])
const Reason = Type.Object({ state: Type.String(), since: Time, reason: Type.Optional(Type.String()) })

/** get_status and system_health_update. */
export const Status = Type.Object({
  status: Type.Enum(['HEALTHY', 'DEGRADED', 'UNHEALTHY']),
  uptime: Type.Number({ minimum: 0, description: 'Seconds' }),
  version: Type.String(),
  components: Type.Object({
    websocket_server: ComponentState,
    camera_monitor: ComponentState,
    mediamtx: ComponentState,
  }),
  reasons: Type.Object(
    { camera_monitor: Reason, mediamtx: Reason, storage: Reason },
    { description: 'The state of each part, since when, and why' },
  ),
})
export type Status = Static<typeof Status>

const FileEntry = Type.Object({
  filename: Type.String(),
  file_size: Count,
  modified_time: Time,
  created_time: Time,
  download_url: Type.String(),
  device: Type.String(),
  format: Type.String(),
  duration: Type.Optional(Type.Number({ minimum: 0, description: 'Seconds' })),
})
export const FileList = Type.Object({
  files: Type.Array(FileEntry),
  total: Count,
  limit: Type.Integer(),
  offset: Count,
})
export const Deleted = Type.Object({ filename: Type.String(), deleted: Type.Boolean(), message: Type.String() })
