import * as Type from 'typebox'
import type { EndedRecording } from '../../machines/domain/facts.js'
import { gapOf, given, iso, seconds } from '../present.js'
import { optionalReasonShape, reasonFields, reasonShape } from '../reason.js'
import { Count, Gap, Gaps, RecordingFormat, Time } from '../schemas.js'
import { cameraParamsOf, notice, topic } from './topic.js'

const end = {
  filename: Type.Optional(Type.String({ description: 'The first file; absent if none was written' })),
  files: Type.Array(Type.String()),
  duration: Type.Integer({ minimum: 0, description: 'Seconds of media' }),
  file_size: Count,
  format: RecordingFormat,
  gaps: Gaps,
  ...reasonShape,
  start_time: Type.Optional(Time),
  end_time: Time,
}

/** A recording that wrote no file has no end of its own: it ended with the fact, at `at`. */
const endOf = (
  { reason, filename, files, startedAt, endedAt, recorded, bytes, format, gaps }: EndedRecording,
  at: number,
) => ({
  ...given({ filename: filename ?? files[0] }),
  files,
  duration: seconds(recorded),
  file_size: bytes,
  format,
  gaps: gaps.map(gapOf),
  ...reasonFields(reason),
  ...(startedAt !== undefined && { start_time: iso(startedAt) }),
  end_time: iso(endedAt || at),
})

const newest = Type.Optional(Type.String({ description: 'The newest file; absent while none is known' }))
const open = { status: Type.Literal('INTERRUPTED'), filename: newest }
const willResume = { will_resume: Type.Literal(true, { description: 'It continues by itself when it can' }) }

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
    filename: newest,
    ...optionalReasonShape,
    resumed: Type.Optional(Type.Literal(true)),
  }),
  from: {
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'INTERRUPTED', ...given({ filename }), ...reasonFields(reason) }),
    'recording.resumed': ({ filename }) => notice('info', { status: 'RECORDING', filename, resumed: true }),
  },
})

const interrupted = topic({
  name: 'recording.interrupted',
  summary: 'a recording is interrupted and its file is still open, or its files have been closed until it continues',
  params: Type.Union([
    cameraParamsOf({ ...open, ...willResume, ...reasonShape }),
    cameraParamsOf({ ...end, status: Type.Literal('INTERRUPTED'), ...willResume }),
  ]),
  from: {
    'recording.interrupted': ({ filename, reason, closes }) =>
      closes
        ? undefined
        : notice('warning', {
            status: 'INTERRUPTED',
            ...given({ filename }),
            will_resume: true,
            ...reasonFields(reason),
          }),
    'recording.suspended': ({ outcome, at }) =>
      notice('warning', { ...endOf(outcome, at), status: 'INTERRUPTED', will_resume: true }),
  },
})

const resumed = topic({
  name: 'recording.resumed',
  summary: 'an interrupted recording continues; the reason of `gap` may be more exact than that of the interruption',
  params: cameraParamsOf({ status: Type.Literal('RECORDING'), filename: Type.String(), gap: Gap }),
  from: {
    'recording.resumed': ({ filename, gap }) => notice('info', { status: 'RECORDING', filename, gap: gapOf(gap) }),
  },
})

const error = topic({
  name: 'recording.error',
  summary: 'a recording failed after start_recording was accepted, or is interrupted',
  params: Type.Union([
    cameraParamsOf({ ...end, status: Type.Literal('ERROR') }),
    cameraParamsOf({ ...open, ...willResume, ...reasonShape }),
  ]),
  from: {
    // A client that only subscribes to errors must learn that the file no longer grows.
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'INTERRUPTED', ...given({ filename }), will_resume: true, ...reasonFields(reason) }),
    'recording.failed': ({ outcome, at }) => notice('error', { ...endOf(outcome, at), status: 'ERROR' }),
  },
})

/** As the web client names the members. */
const update = (
  status: 'STOPPED' | 'ERROR',
  { reason, filename, files, startedAt, recorded, format }: EndedRecording,
) => ({
  status,
  ...given({ filename: filename ?? files[0] }),
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
    filename: Type.Optional(Type.String()),
    duration: Type.Optional(Count),
    format: Type.Optional(RecordingFormat),
    ...optionalReasonShape,
    startTime: Type.Optional(Time),
  }),
  from: {
    'recording.started': ({ filename, startedAt, format }) =>
      notice('info', { status: 'RECORDING', filename, duration: 0, startTime: iso(startedAt), format }),
    'recording.interrupted': ({ filename, reason }) =>
      notice('warning', { status: 'STARTING', ...given({ filename }), ...reasonFields(reason) }),
    'recording.resumed': ({ filename }) => notice('info', { status: 'RECORDING', filename }),
    'recording.ended': ({ outcome }) => notice('info', update('STOPPED', outcome)),
    'recording.failed': ({ outcome }) => notice('error', update('ERROR', outcome)),
  },
})

const quarantined = topic({
  name: 'recording.quarantined',
  summary: 'a file of a recording was moved aside, because it contains nothing that can be played',
  params: cameraParamsOf({ filename: Type.String({ description: 'Its name in the quarantine' }), ...reasonShape }),
  from: {
    'file.quarantined': ({ filename, reason }) => notice('warning', { filename, ...reasonFields(reason) }),
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
  interrupted,
  resumed,
  error,
  quarantined,
  serverStarted,
  serverStopped,
  serverFailed,
  statusUpdate,
] as const
