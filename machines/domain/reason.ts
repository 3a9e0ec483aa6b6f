/** The reason of a state or a failure: a code for programs and a sentence for people. */

/** All codes, with their default sentences. Codes are part of the API: they may be added, never renamed. */
const sentences = {
  // Requests.
  requested: 'it was requested',
  duration_reached: 'the requested duration is reached',
  removed: 'the camera was removed',
  service_stopping: 'the service is stopping',
  service_restarted: 'the service was restarted',
  // The configuration.
  config_invalid: 'the configuration breaks a rule',
  config_unreadable: 'the configuration file cannot be read',
  config_read_only: 'the configuration file cannot be written',
  config_no_file: 'the service was started without a configuration file',
  config_conflict: 'the configuration file differs from the configuration in force: correct it or reload it first',
  config_version_unknown: 'this version of the configuration is not kept',
  config_unhealthy: 'the service was not healthy after the change',
  reconfigured: 'the settings of the camera were changed',
  // The device.
  unplugged: 'the camera was unplugged',
  replaced: 'the camera came back under another device node',
  device_busy: 'the device is busy: another program uses it',
  device_gone: 'the device is gone',
  node_missing:
    'the camera is plugged in, but has no device node here: give its video devices to the container (devices: in ' +
    'Compose, --device for docker run)',
  entry_unmatched: 'no device that is plugged in matches this entry of the configuration',
  device_error: 'the device reports errors',
  permission_denied: 'the service has no permission to open the device',
  format_not_offered: 'the device does not offer the requested format',
  usb_bandwidth: 'the USB bus has no bandwidth left: other cameras use it',
  identity_ambiguous: 'another camera reports the same serial: both are identified by their USB port',
  probe_failed: 'the capabilities of the camera cannot be read',
  probe_not_understood: 'the output of v4l2-ctl is not understood',
  no_signal: 'there is no signal at the input of the device',
  // A network camera.
  unreachable: 'the camera does not answer',
  source_refused: 'the camera refuses the connection',
  address_refused: 'the address of the camera is not allowed',
  certificate_untrusted: 'the certificate of the camera is not trusted',
  source_closed: 'the camera closed the connection',
  source_error: 'the camera answers with an error',
  redirected: 'the camera redirects to another address, which is not followed',
  not_rtsp: 'the answer is not RTSP',
  stream_not_found: 'there is no stream at this path',
  codec_unsupported: 'the codec of the stream is not supported',
  b_frames: 'the stream has B-frames, which WebRTC does not play: switch them off in the camera (profile baseline)',
  not_a_stream: 'the camera offers no video that can be used',
  // An external stream.
  already_configured: 'the stream is a configured camera',
  limit_reached: 'the limit is reached',
  stream_unknown: 'no such stream was added',
  name_unknown: 'the name of the host is not known',
  name_unanswered: 'the name of the host could not be looked up',
  // The stream.
  no_frames: 'the camera delivers no frames',
  no_keyframe: 'the camera sent no keyframe in time',
  no_longer_used: 'the stream is no longer used',
  pipeline_killed: 'the pipeline was killed',
  pipeline_restarted: 'the pipeline was restarted because it delivered no frames',
  pipeline_replaced: 'the pipeline was replaced by another one',
  overloaded: 'the host is too slow for the stream',
  adapted: 'the stream was adapted to the speed of the host',
  formats_changed: 'the formats of the camera changed',
  pipeline_failed: 'the pipeline ended before its first frame',
  encoder_missing: 'this ffmpeg has no H.264 encoder (libx264)',
  encoder_failed: 'the encoder does not accept the codec settings',
  ffmpeg_incomplete: 'this ffmpeg lacks a required component',
  program_missing: 'a required program is not installed',
  out_of_memory: 'the host is out of memory',
  stream_lost: 'the stream was lost',
  stream_changed: 'the camera changed the size or the codec of its stream',
  not_started_in_time: 'the stream did not start in time',
  // The media server.
  path_refused: 'the media server refuses the stream of this camera',
  path_changed: 'another program changes a path of this service in the media server',
  server_unreachable: 'the media server does not answer',
  server_refused: 'the media server refuses the request',
  server_error: 'the media server answers with an error',
  server_restarted: 'the media server was restarted',
  server_ended: 'the media server ended',
  server_hung: 'the media server did not answer any more and was killed',
  server_closed: 'the media server closed the connection',
  breaker_open: 'calls to the media server are paused because too many failed',
  file_not_closed: 'the media server did not close the last file',
  not_started: 'it has not started yet',
  // Storage.
  storage_full: 'the disk is full',
  storage_priority: 'the disk is nearly full: recordings with a higher priority go first',
  storage_warning: 'the disk is filling up',
  storage_unknown: 'the free space of the disk cannot be measured',
  storage_read_only: 'the disk is read-only',
  storage_failed: 'the disk reports errors',
  storage_missing: 'the folder of the recordings is missing: its disk may not be mounted',
  storage_denied: 'the service has no permission to write to the folder of the recordings',
  storage_recovered: 'the main folder takes recordings again',
  no_data: 'no data is written',
  file_too_large:
    'the file system holds no larger file: shorten recording.segment_duration, or use another file system',
  file_removed: 'the file that was being written was removed',
  folder_removed: 'the folder of the file that was being written was removed',
  file_empty: 'the file is empty',
  file_without_media: 'the file contains no media that can be played',
  interrupted_too_long: 'the recording was interrupted for too long (recording.max_interruption)',
  not_written: 'the change could not be written to disk',
  name_taken: 'a file with this name exists',
  // Retention.
  clock_suspect: 'the clock may be wrong: no file is deleted by age',
  too_many_files: 'too many recordings would be deleted by age at once',
  protections_lost:
    'the list of protected recordings was damaged: protect the recordings again, then call cleanup_old_files with ' +
    'accept_lost_protections',
  date_implausible: 'the date of the file cannot be right',
  // Pictures.
  stream_asleep: 'the stream is not running',
  no_picture: 'no picture could be taken',
  picture_incomplete: 'a part of the picture is missing',
  not_a_usb_camera: 'this is not a USB camera',
  not_a_local_device: 'this is not a local device',
  // The simulation.
  not_simulated: 'this cannot be simulated here',
  // General.
  timed_out: 'it took too long',
  crashed: 'an internal error occurred',
  failed: 'it failed',
} as const

export type ReasonCode = keyof typeof sentences

/** What was observed: `errno`, `exit_code`, `http_status`, `line` of a program … It contains no secret and no path. */
export type Evidence = Readonly<Record<string, string | number | boolean>>

export interface Reason {
  code: ReasonCode
  /** One sentence for people. Programs never compare it. It contains no path, token or password. */
  details: string
  evidence?: Evidence
}

/** Returns a reason with its default sentence, or with a more exact one. */
export const because = (code: ReasonCode, details: string = sentences[code], evidence?: Evidence): Reason =>
  evidence === undefined ? { code, details } : { code, details, evidence }

/** Whether the text is a code. */
export const isReasonCode = (text: unknown): text is ReasonCode =>
  typeof text === 'string' && Object.hasOwn(sentences, text)

/** An expected failure of an effect. The machine's state shows its reason. */
export class Failure extends Error {
  override readonly name: string = 'Failure'
  constructor(
    readonly code: ReasonCode,
    details: string = sentences[code],
    readonly evidence?: Evidence,
  ) {
    super(details)
  }
}

/** Returns the reason of any thrown value: that of a `Failure`, else `otherwise` with the message of the error. */
export const reasonFrom = (error: unknown, otherwise: ReasonCode = 'failed'): Reason =>
  error instanceof Failure
    ? because(error.code, error.message, error.evidence)
    : because(otherwise, error instanceof Error ? error.message : String(error))

/** Why a camera reconnects although it was not lost: it gets another stream. */
export const reconnections: ReadonlySet<string> = new Set<ReasonCode>([
  'reconfigured',
  'adapted',
  'formats_changed',
  'encoder_failed',
])
