/** What the params of each topic's notifications hold. */
import Type, { type TProperties, type TSchema } from 'typebox'
import { CameraName, Count, cameraProperties, RecordingFormat, Status, Time } from './schemas.js'
import { severities, type Topic } from './topics.js'

/** In every notification. */
const told = {
  severity: Type.Enum([...severities]),
  seq: Type.Integer({ minimum: 0, description: 'Number of the fact; those that nobody asked for leave gaps' }),
  at: Type.String({ format: 'date-time', description: 'When it happened' }),
  timestamp: Type.String({ format: 'date-time', description: 'The same, by the name that existing clients know' }),
}

const notice = <Members extends TProperties>(members: Members) => Type.Object({ ...members, ...told })
const ofCamera = <Members extends TProperties>(members: Members) => notice({ device: CameraName, ...members })

const Reason = Type.String()
const MaybeReason = Type.Optional(Type.String())
const CameraStatus = cameraProperties.status

const end = {
  filename: Type.String({ description: 'The first file; empty when there is none' }),
  files: Type.Array(Type.String()),
  duration: Type.Integer({ minimum: 0, description: 'Seconds of media' }),
  file_size: Count,
  format: RecordingFormat,
  reason: Reason,
  start_time: Type.Optional(Time),
  end_time: Time,
}

const Path = ofCamera({
  name: CameraName,
  stream_id: CameraName,
  stream_type: Type.Literal('rtsp'),
  source: Type.String(),
  ready: Type.Boolean(),
  readers: Count,
  bytes_sent: Count,
  reason: MaybeReason,
})

const Health = notice(Status.properties)
const FileDeleted = ofCamera({
  filename: Type.String(),
  file_size: Count,
  reason: Type.String({ description: 'Why it was deleted' }),
})
const { device, id, status, streams } = cameraProperties

export const noticeShapes = {
  'camera.connected': ofCamera({ name: Type.String(), status: Type.Literal('CONNECTED') }),
  'camera.disconnected': ofCamera({ status: Type.Literal('DISCONNECTED'), reason: Reason }),
  'camera.status_change': ofCamera({
    name: Type.Optional(Type.String()),
    old_status: CameraStatus,
    new_status: CameraStatus,
    status: Type.Optional(CameraStatus),
    reason: MaybeReason,
    retired: Type.Optional(Type.Literal(true)),
  }),
  'camera.capability_detected': ofCamera({ formats: Type.Array(Type.String()) }),
  'camera.capability_error': ofCamera({ reason: Reason }),
  'recording.start': ofCamera({
    status: Type.Literal('RECORDING'),
    filename: Type.String(),
    duration: Type.Literal(0),
    start_time: Time,
    format: RecordingFormat,
  }),
  'recording.stop': ofCamera({ ...end, status: Type.Literal('STOPPED') }),
  'recording.progress': ofCamera({
    status: Type.Enum(['RECORDING', 'INTERRUPTED']),
    filename: Type.String(),
    reason: MaybeReason,
    resumed: Type.Optional(Type.Literal(true)),
  }),
  'recording.error': Type.Union([
    ofCamera({ ...end, status: Type.Literal('ERROR') }),
    ofCamera({ status: Type.Literal('INTERRUPTED'), filename: Type.String(), reason: Reason }),
  ]),
  'recording.deleted': FileDeleted,
  'snapshot.taken': ofCamera({
    status: Type.Literal('SUCCESS'),
    filename: Type.String(),
    resolution: Type.String(),
    file_size: Count,
    width: Count,
    height: Count,
    tier: Type.Integer({ minimum: 0, maximum: 3 }),
    captured_at: Time,
    age_ms: Count,
  }),
  'snapshot.error': ofCamera({
    status: Type.Literal('FAILED'),
    reason: Reason,
    passed_over: Type.Array(Type.Object({ tier: Type.Integer({ minimum: 0, maximum: 3 }), reason: Reason })),
  }),
  'snapshot.deleted': FileDeleted,
  'storage.cleanup': notice({ files_deleted: Count, space_freed: Count, files_kept: Count, reason: MaybeReason }),
  'discovery.started': notice({ skydio_enabled: Type.Boolean(), generic_enabled: Type.Boolean() }),
  'discovery.progress': notice({ done: Count, total: Count }),
  'discovery.found': notice({ url: Type.String(), name: Type.String() }),
  'discovery.completed': notice({ total_found: Count, scan_duration_ms: Count, errors: Type.Array(Type.String()) }),
  'system.health': Health,
  'system.error': notice({
    component: Type.String(),
    reason: Reason,
    device: Type.Optional(CameraName),
    error: Type.Optional(Type.String()),
    available_space: Type.Optional(Count),
  }),
  'system.startup': notice({
    version: Type.String(),
    build_info: Type.Object({ version: Type.String(), build_date: Type.String() }),
  }),
  'system.shutdown': notice({ reason: Reason }),
  'mediamtx.stream': Path,
  'mediamtx.path': Path,
  'mediamtx.error': notice({
    reason: Reason,
    component: Type.Optional(Type.String()),
    state: Type.Optional(Type.String()),
    device: Type.Optional(CameraName),
    name: Type.Optional(CameraName),
  }),
  'mediamtx.recording_started': ofCamera({ filename: Type.String() }),
  'mediamtx.recording_stopped': ofCamera(end),
  'mediamtx.recording_failed': ofCamera(end),
  'mediamtx.stream_started': Path,
  'mediamtx.stream_stopped': Path,
  // Of a camera that has left the list only the first four are known.
  camera_status_update: Type.Union([notice(cameraProperties), notice({ device, id, status, streams })]),
  recording_status_update: ofCamera({
    status: Type.Enum(['RECORDING', 'STOPPED', 'ERROR', 'STARTING']),
    filename: Type.String(),
    duration: Type.Optional(Count),
    format: Type.Optional(RecordingFormat),
    reason: MaybeReason,
    startTime: Type.Optional(Time),
  }),
  system_health_update: Health,
} satisfies Record<Topic, TSchema>

/** Told without subscription: the connection's own authentication ended before the connection. */
export const sessionExpired = Type.Object({
  reason: Type.Enum(['token_expired', 'revoked', 'ended']),
  session_id: Type.String(),
  closes_at: Type.String({
    format: 'date-time',
    description: 'When the connection is closed (4401) unless it authenticates anew',
  }),
  at: Time,
})
