/** The pieces that params, results and notifications share. */

import type { Static, TOptional, TProperties, TSchema, TSchemaOptions } from 'typebox'
import * as Type from 'typebox'
import { cameraPattern, longestName, mostCameraPatterns, namePattern, roles } from '../machines/domain/access.js'
import { fileNamePattern } from '../machines/domain/fileName.js'
import { uses } from '../machines/domain/streamSupport.js'
import { optionalReasonShape, reasonShape } from './reason.js'

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

export const PolicyType = Type.Enum(['age', 'size', 'manual'])

export const Role = Type.Enum(roles)
export type Role = Static<typeof Role>
export const CameraPatterns = Type.Array(
  Type.String({ pattern: cameraPattern, description: 'Camera id or pattern (camera0, camera1*)' }),
  {
    maxItems: mostCameraPatterns,
    description: 'Camera ids or patterns (camera0, camera1*); absent: every camera',
  },
)

const nameRule =
  'Printable characters except `/ \\ < > : " | ? *`; no `..`, ' +
  'no dot, dash or space at its beginning, no dot or space at its end'
const fileName = { minLength: 1, maxLength: 255, pattern: fileNamePattern }
export const FileName = Type.String({ ...fileName, description: nameRule })
/** The name of a file that is to be written. */
export const NewFileName = Type.String({
  ...fileName,
  description:
    `${nameRule}. No file is overwritten: if any camera has one of this name, with whatever extension, the next free ` +
    'name is used (`front-2.jpg` for `front.jpg`). A name of the form that the pictures of another camera get ' +
    '(`camera1_2026-01-31_…`) gets a number, too. The result tells the name',
})
export const OneFile = Type.Object({ filename: FileName })

export const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
})

// ---------------------------------------------------------------- results

export const Time = Type.String({ format: 'date-time' })
export const timeOf = (description: string) => Type.String({ format: 'date-time', description })
export const MaybeExpires = Type.Optional(timeOf('Absent: never'))
export const Count = Type.Integer({ minimum: 0 })
export const CameraName = Type.String({ pattern: '^camera[0-9]+$' })
/** Times without media in a recording. */
export const Gap = Type.Object({ from: Time, to: Time, ...reasonShape })
export const Gaps = Type.Array(Gap, { description: 'Times without media, oldest first' })
export const WaitsFor = Type.Enum(['camera', 'storage', 'server'], {
  description: 'What an interrupted recording waits for; absent: it is tried again, or its file is still open',
})
/** 0 direct V4L2, 1 ffmpeg from the device, 2 the live stream, 3 the stream was woken for it. */
export const Tier = Type.Integer({ minimum: 0, maximum: 3 })
export const PassedOver = Type.Array(Type.Object({ tier: Tier, ...reasonShape }))

/** `Type.Partial` and `Type.Record` need typebox's engine for types, which takes 150 kB. */
export const optional = <Properties extends TProperties>(properties: Properties) =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)])) as {
    [Name in keyof Properties]: TOptional<Properties[Name]>
  }

/** An object whose members have names that are not known. */
export const recordOf = <Value extends TSchema>(value: Value, options: TSchemaOptions = {}) =>
  Type.Unsafe<Record<string, Static<Value>>>({ type: 'object', patternProperties: { '^.*$': value }, ...options })

/** URLs of one camera; protocols that the media server does not serve are absent. */
export const StreamUrls = Type.Object({
  rtsp: Type.String(),
  hls: Type.Optional(Type.String()),
  webrtc: Type.Optional(Type.String()),
})
export type StreamUrls = Static<typeof StreamUrls>

export const RecordingFormat = Type.Enum(['fmp4', 'mp4', 'mkv'])

const Identity = Type.Object({
  basis: Type.Enum(['serial', 'port', 'model', 'name']),
  confidence: Type.Enum(['high', 'medium', 'low']),
  ambiguous: Type.Boolean({
    description: 'Another camera reports the same serial: both are identified by their USB port',
  }),
})

const PipelineInfo = Type.Object({
  kind: Type.Enum(['copy', 'encode', 'pull']),
  reason: Type.String({ description: 'Why this pipeline was selected: one sentence for people, not a code' }),
  source_format: Type.String(),
  profile: Type.Optional(Type.String()),
  level: Type.Optional(Type.String()),
  encoder: Type.Optional(Type.String({ description: 'Of an encoded stream: libx264, h264_vaapi …' })),
  encoder_reason: Type.Optional(
    Type.String({ description: 'Why this encoder was selected: one sentence for people, not a code' }),
  ),
})

/** What the stream of a network camera consists of. */
export const MediaInfo = Type.Object(
  {
    video: Type.Object({
      codec: Type.String({ description: 'As in RTP: H264, H265, JPEG' }),
      resolution: Type.Optional(Type.String()),
      fps: Type.Optional(Type.Number({ minimum: 0 })),
      b_frames: Type.Optional(Type.Boolean({ description: 'Absent: the camera does not tell' })),
    }),
    audio: Type.Optional(
      Type.Object({
        codec: Type.String({ description: 'AAC, PCMA, PCMU, OPUS …' }),
        sample_rate: Type.Optional(Count),
        channels: Type.Optional(Count),
        recorded: Type.Boolean({ description: 'Whether recordings contain it' }),
      }),
    ),
  },
  { description: 'Since 1.1. Only of RTSP cameras, as far as it is known' },
)
export type MediaInfo = Static<typeof MediaInfo>

/** Whether one use of a stream works. */
export const Support = Type.Object({
  use: Type.Enum(uses),
  works: Type.Boolean(),
  ...optionalReasonShape,
})
export type Support = Static<typeof Support>

/** Properties of a camera in get_camera_list, get_camera_status and camera_status_update. */
export const cameraProperties = {
  device: CameraName,
  id: CameraName,
  status: Type.Enum(['CONNECTED', 'DISCONNECTED', 'ERROR']),
  name: Type.String(),
  resolution: Type.Optional(Type.String()),
  fps: Type.Optional(Type.Integer()),
  streams: Type.Object(optional(StreamUrls.properties), { additionalProperties: false }),
  kind: Type.Enum(['usb', 'rtsp', 'virtual', 'v4l2']),
  state: Type.String({ description: "The camera's own state, more exact than status" }),
  since: timeOf('When it entered this state'),
  ...optionalReasonShape,
  identity: Identity,
  identity_confidence: Type.Enum(['high', 'medium', 'low']),
  identity_ambiguous: Type.Boolean(),
  connected_at: Type.Optional(Time),
  pipeline: Type.Optional(PipelineInfo),
  media: Type.Optional(MediaInfo),
  stream_state: Type.Enum(['INACTIVE', 'STARTING', 'ACTIVE', 'ERROR']),
  recording: Type.Optional(
    Type.Object({
      status: Type.Enum(['STARTING', 'RECORDING', 'INTERRUPTED', 'STOPPING', 'STOPPED', 'FAILED']),
      ...optionalReasonShape,
      growing: Type.Boolean({ description: 'Whether its file grows' }),
      format: RecordingFormat,
      filename: Type.Optional(Type.String()),
      files: Type.Array(Type.String(), { description: 'The newest 100; list_recordings returns all' }),
      file_count: Count,
      start_time: Type.Optional(Time),
      since: Type.Optional(timeOf('INTERRUPTED: time of the last media')),
      waits_for: Type.Optional(WaitsFor),
      gaps: Type.Array(Gap, { description: 'The newest 100 times without media, oldest first' }),
    }),
  ),
  allowed_methods: Type.Array(Type.String(), { description: 'Methods that the camera would accept now' }),
  refused_methods: Type.Array(Type.Object({ method: Type.String(), reason: Type.String(), details: Type.String() }), {
    description:
      'Methods that it would refuse now: the code of the reason, as in explain, and the details of the error',
  }),
}
export const Camera = Type.Object(cameraProperties)
export type Camera = Static<typeof Camera>

const ComponentState = Type.Enum(['RUNNING', 'STOPPED', 'ERROR', 'STARTING', 'STOPPING'])
const PartState = Type.Object({ state: Type.String(), since: Time, ...optionalReasonShape })

/** The result of get_status and the payload of system.health. */
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
    {
      camera_monitor: PartState,
      mediamtx: PartState,
      storage: PartState,
      retention: Type.Optional(
        Type.Object(
          { state: Type.Literal('suspended'), ...reasonShape },
          { description: 'Since 1.1. Only while nothing is deleted, because the list of protected recordings is lost' },
        ),
      ),
    },
    { description: 'The state of each part, since when, and the reason' },
  ),
})
export type Status = Static<typeof Status>

export const FileInfo = Type.Object({
  filename: Type.String(),
  file_size: Count,
  modified_time: Time,
  created_time: Time,
  download_url: Type.String(),
  thumbnail_url: Type.Optional(
    Type.String({ description: 'Address of a small picture of it, relative to the address of the API' }),
  ),
  device: Type.String(),
  format: Type.String(),
})
export const Truncated = Type.Optional(
  Type.Literal(true, { description: 'The end of the file is missing; `duration` is what can be played' }),
)
export const Indexed = Type.Boolean({
  description:
    'Whether a player can show the duration and jump to any time without reading the whole file. A recording gets its ' +
    'index some seconds after its end; its size and ETag change then',
})
export const Protected = Type.Boolean({ description: 'Whether nothing may delete it; see protect_recording' })
export const Quarantined = Type.Optional(
  Type.Literal(true, { description: 'The file contains nothing that can be played, and was moved aside' }),
)
const FileEntry = Type.Object({
  ...FileInfo.properties,
  protected: Type.Optional(Protected),
  duration: Type.Optional(Type.Number({ minimum: 0, description: 'Seconds' })),
  truncated: Truncated,
  indexed: Type.Optional(Indexed),
  quarantined: Quarantined,
  ...optionalReasonShape,
})
/** The folder that takes new recordings. */
export const InUse = Type.Enum(['main', 'fallback'])
export const FilesUnreadable = Type.Optional(
  Type.Object(reasonShape, { description: 'Why the files of a folder cannot be read: they are missing here' }),
)
export const FileList = Type.Object({
  files: Type.Array(FileEntry),
  total: Count,
  limit: Type.Integer(),
  offset: Count,
  files_unreadable: FilesUnreadable,
})
export const Deleted = Type.Object({ filename: Type.String(), deleted: Type.Boolean(), message: Type.String() })
