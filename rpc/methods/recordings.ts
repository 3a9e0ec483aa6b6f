import Type from 'typebox'
import type { RecordingStatus } from '../../machines/domain/views.js'
import { method } from '../method.js'
import { given, iso, seconds } from '../present.js'
import { CameraName, CameraParam, Count, OneCamera, RecordingFormat, Time } from '../schemas.js'

/** The contract's word for what a recording that has just begun may already be. */
const wireStatus = (status: RecordingStatus): Exclude<RecordingStatus, 'STOPPED' | 'INTERRUPTED'> | 'PAUSED' =>
  status === 'STOPPED' ? 'STOPPING' : status === 'INTERRUPTED' ? 'PAUSED' : status

export const recordingMethods = [
  method({
    name: 'start_recording',
    summary: 'Records a camera; answers when the file grows.',
    role: 'operator',
    camera: 'device',
    cost: 10,
    audited: true,
    since: '1.0',
    gated: true,
    errors: ['invalidState'],
    params: Type.Object({
      device: CameraParam,
      duration: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 86_400,
          description: 'Seconds from the first frame; absent: until stop_recording',
        }),
      ),
      format: Type.Optional(Type.Enum(['fmp4', 'mp4', 'mkv'])),
    }),
    result: Type.Object({
      device: CameraName,
      filename: Type.String(),
      status: Type.Enum(['RECORDING', 'STARTING', 'STOPPING', 'PAUSED', 'ERROR', 'FAILED']),
      start_time: Time,
      format: RecordingFormat,
      files: Type.Array(Type.String()),
      duration: Type.Optional(Count),
    }),
    handler: async ({ device, duration, format: wish }, { services, by }) => {
      const format = wish ?? services.recordings.format
      const request = given({ duration: duration === undefined ? undefined : duration * 1000, format, by })
      const {
        camera,
        status,
        filename,
        files,
        startedAt,
        format: chosen,
      } = await services.ask.startRecording(device, request)
      return given({
        device: camera,
        filename: filename ?? files[0] ?? '',
        status: wireStatus(status),
        start_time: iso(startedAt ?? services.clock.now()),
        format: chosen,
        files,
        duration,
      })
    },
  }),
  method({
    name: 'stop_recording',
    summary: 'Ends the recording of a camera; answers when its files are final.',
    role: 'operator',
    camera: 'device',
    cost: 5,
    audited: true,
    since: '1.0',
    gated: true,
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
      reason: Type.String(),
    }),
    handler: async ({ device }, { services, by }) => {
      const { camera, status, filename, files, startedAt, endedAt, recorded, bytes, format, reason } =
        await services.ask.stopRecording(device, by)
      return {
        device: camera,
        filename: filename ?? files[0] ?? '',
        status,
        start_time: iso(startedAt ?? endedAt),
        end_time: iso(endedAt),
        duration: seconds(recorded),
        duration_ms: Math.round(recorded),
        file_size: bytes,
        format,
        files,
        reason,
      }
    },
  }),
]
