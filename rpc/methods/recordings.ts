import * as Type from 'typebox'
import type { RecordingStatus } from '../../machines/domain/views.js'
import { method } from '../method.js'
import { gapOf, given, iso, seconds } from '../present.js'
import { reasonFields, reasonShape } from '../reason.js'
import { CameraName, CameraParam, Count, Gaps, OneCamera, RecordingFormat, Time } from '../schemas.js'

/** The contract's word for the status of a recording that has just begun. */
const wireStatus = (status: RecordingStatus): Exclude<RecordingStatus, 'STOPPED' | 'INTERRUPTED'> | 'PAUSED' =>
  status === 'STOPPED' ? 'STOPPING' : status === 'INTERRUPTED' ? 'PAUSED' : status

const startRecording = method({
  name: 'start_recording',
  summary: 'Starts a recording of a camera; the reply comes when its file grows.',
  role: 'operator',
  camera: 'device',
  cost: 10,
  audit: { event: 'change' },
  errors: ['invalidState'],
  params: Type.Object({
    device: CameraParam,
    duration: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: 'Seconds from the first frame, by the wall clock and including gaps; absent: until stop_recording',
      }),
    ),
    format: Type.Optional(RecordingFormat),
  }),
  result: Type.Object({
    device: CameraName,
    filename: Type.String({
      description: 'The first file. A recording in mkv is written as .mp4; stop_recording returns its final name',
    }),
    status: Type.Enum(['RECORDING', 'STARTING', 'STOPPING', 'PAUSED', 'ERROR', 'FAILED']),
    start_time: Time,
    format: RecordingFormat,
    files: Type.Array(Type.String()),
    duration: Type.Optional(Count),
  }),
  handler: async ({ device, duration, format }, { services: { ask, recordings, clock }, by }) => {
    const recording = await ask.startRecording(device, {
      ...(duration !== undefined && { duration: duration * 1000 }),
      format: format ?? recordings.format,
      by,
    })
    const { camera, status, filename, files, startedAt } = recording
    return given({
      device: camera,
      filename,
      status: wireStatus(status),
      start_time: iso(startedAt ?? clock.now()),
      format: recording.format,
      files,
      duration,
    })
  },
})

const stopRecording = method({
  name: 'stop_recording',
  summary: 'Stops the recording of a camera; the reply comes when its files are final.',
  role: 'operator',
  camera: 'device',
  cost: 5,
  audit: { event: 'change' },
  errors: ['invalidState'],
  params: OneCamera,
  result: Type.Object({
    device: CameraName,
    filename: Type.String(),
    status: Type.Enum(['STOPPED', 'STARTING', 'STOPPING', 'PAUSED', 'ERROR', 'FAILED']),
    start_time: Time,
    end_time: Time,
    duration: Type.Integer({ minimum: 0, description: 'Whole seconds of media in all files' }),
    duration_ms: Count,
    file_size: Count,
    format: RecordingFormat,
    files: Type.Array(Type.String()),
    gaps: Gaps,
    ...reasonShape,
  }),
  handler: async ({ device }, { services: { ask }, by }) => {
    const { camera, status, filename, files, startedAt, endedAt, recorded, bytes, format, gaps, reason } =
      await ask.stopRecording(device, by)
    return {
      device: camera,
      filename,
      status,
      start_time: iso(startedAt ?? endedAt),
      end_time: iso(endedAt),
      duration: seconds(recorded),
      duration_ms: Math.round(recorded),
      file_size: bytes,
      format,
      files,
      gaps: gaps.map(gapOf),
      ...reasonFields(reason),
    }
  },
})

export const recordingMethods = [startRecording, stopRecording]
