import Type from 'typebox'
import type { EndedRecording } from '../../machines/domain/facts.js'
import { iso, seconds } from '../present.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { Count, RecordingFormat, Time } from '../schemas.js'
import { cameraParamsOf, notice, topic } from './topic.js'

const end = {
  filename: Type.String({ description: 'The first file; empty if there is none' }),
  files: Type.Array(Type.String()),
  duration: Type.Integer({ minimum: 0, description: 'Seconds of media' }),
  file_size: Count,
  format: RecordingFormat,
  ...reasonShape,
  start_time: Type.Optional(Time),
  end_time: Time,
}

/** A recording that wrote no file has no end of its own: it ended with the fact, at `at`. */
const endOf = ({ reason, files, startedAt, endedAt, recorded, bytes, format }: EndedRecording, at: number) => ({
  filename: files[0] ?? '',
  files,
  duration: seconds(recorded),
  file_size: bytes,
  format,
  ...reasonFields(reason),
  ...(startedAt !== undefined && { start_time: iso(startedAt) }),
  end_time: iso(endedAt || at),
})

const start = topic({
  name: 'recording.start',
  summary: 'a recording began: its file grows',
  params: cameraParamsOf({
    status: Type.Literal('RECORDING'),
    filename: Type.String(),
    duration: Type.Literal(0),
    start_time: Time,
    format: RecordingFormat,
  }),
  from: {
    'recording.started': ({ filename, startedAt, format }) =>
      notice('info', { status: 'RECORDING', filename, duration: 0, start_time: iso(startedAt), format }),
  },
})

const stop = topic({
  name: 'recording.stop',
  summary: 'a recording ended without a fault; its files are final',
  params: cameraParamsOf({ ...end, status: Type.Literal('STOPPED') }),
  from: { 'recording.ended': ({ outcome, at }) => notice('info', { ...endOf(outcome, at), status: 'STOPPED' }) },
})

const progress = topic({
  name: 'recording.progress',
  summary: 'a recording was interrupted or continues (`status`, `resumed`)',
  params: cameraParamsOf({
    status: Type.Enum(['RECORDING', 'INTERRUPTED']),
    filename: Type.String(),
    ...optionalReasonShape,
    resumed: Type.Optional(Type.Literal(true)),
  }),
  from: {
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'INTERRUPTED', filename, ...reasonFields(reason) }),
    'recording.resumed': ({ filename }) => notice('info', { status: 'RECORDING', filename, resumed: true }),
  },
})

const error = topic({
  name: 'recording.error',
  summary: 'a recording failed after start_recording was accepted, or is interrupted',
  params: Type.Union([
    cameraParamsOf({ ...end, status: Type.Literal('ERROR') }),
    cameraParamsOf({ status: Type.Literal('INTERRUPTED'), filename: Type.String(), ...reasonShape }),
  ]),
  from: {
    // A client that only subscribes to errors must learn that the file no longer grows.
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'INTERRUPTED', filename, ...reasonFields(reason) }),
    'recording.failed': ({ outcome, at }) => notice('error', { ...endOf(outcome, at), status: 'ERROR' }),
  },
})

/** As the web client names the members. */
const update = (status: 'STOPPED' | 'ERROR', { reason, files, startedAt, recorded, format }: EndedRecording) => ({
  status,
  filename: files[0] ?? '',
  duration: seconds(recorded),
  format,
  ...reasonFields(reason),
  ...(startedAt !== undefined && { startTime: iso(startedAt) }),
})

const statusUpdate = topic({
  name: 'recording_status_update',
  summary: 'a recording began, is interrupted, continues or ended',
  params: cameraParamsOf({
    status: Type.Enum(['RECORDING', 'STOPPED', 'ERROR', 'STARTING']),
    filename: Type.String(),
    duration: Type.Optional(Count),
    format: Type.Optional(RecordingFormat),
    ...optionalReasonShape,
    startTime: Type.Optional(Time),
  }),
  from: {
    'recording.started': ({ filename, startedAt, format }) =>
      notice('info', { status: 'RECORDING', filename, duration: 0, startTime: iso(startedAt), format }),
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'STARTING', filename, ...reasonFields(reason) }),
    'recording.resumed': ({ filename }) => notice('info', { status: 'RECORDING', filename }),
    'recording.ended': ({ outcome }) => notice('info', update('STOPPED', outcome)),
    'recording.failed': ({ outcome }) => notice('error', update('ERROR', outcome)),
  },
})

const serverStarted = topic({
  name: 'mediamtx.recording_started',
  summary: 'as recording.start',
  params: cameraParamsOf({ filename: Type.String() }),
  from: { 'recording.started': ({ filename }) => notice('info', { filename }) },
})

const serverStopped = topic({
  name: 'mediamtx.recording_stopped',
  summary: 'as recording.stop',
  params: cameraParamsOf(end),
  from: { 'recording.ended': ({ outcome, at }) => notice('info', endOf(outcome, at)) },
})

const serverFailed = topic({
  name: 'mediamtx.recording_failed',
  summary: 'as recording.error, without interruptions',
  params: cameraParamsOf(end),
  from: { 'recording.failed': ({ outcome, at }) => notice('error', endOf(outcome, at)) },
})

export const recordingTopics = [
  start,
  stop,
  progress,
  error,
  serverStarted,
  serverStopped,
  serverFailed,
  statusUpdate,
] as const
