/** The command lines for capture: the pipeline that the media server runs, and the input for single pictures. */
import {
  type CameraId,
  type CaptureMode,
  cameraNumber,
  type Device,
  isLocal,
  type LocalDevice,
  type Pipeline,
} from '../../machines/domain/camera.js'
import type { Encoder } from '../../machines/domain/encoder.js'
import { deviceArgs, encoderArgs, uploadFilters } from './encoderArgs.js'
import { isPiped, pixelFormats, v4l2Code } from './pixelFormats.js'

/** The folder and mark that the processes of a camera share. */
export interface Place {
  /** Folder of locks, reports and stills. */
  runDir: string
  /** Identifies this data directory in the environment of its processes. */
  mark: string
}

/** How ffmpeg draws the clock. Without a `fontFile`, ffmpeg uses its default font. */
export interface Clockwork {
  fontFile?: string
}

/** The environment variable that marks a pipeline's process: `CAMERA_SERVICE_CAMERA=<mark>/<camera>`. */
export const MARK = 'CAMERA_SERVICE_CAMERA'

export const lockFile = ({ runDir }: Pick<Place, 'runDir'>, camera: CameraId): string => `${runDir}/${camera}.lock`
export const reportFile = ({ runDir }: Pick<Place, 'runDir'>, camera: CameraId): string => `${runDir}/${camera}.log`
export const stillFile = ({ runDir }: Pick<Place, 'runDir'>, camera: CameraId): string => `${runDir}/${camera}.jpg`

/**
 * The loopback address from which ffmpeg sends a camera's progress. The last 24 bits contain the camera's number, so
 * that one socket serves all cameras.
 */
export const progressAddress = (camera: CameraId): string => {
  const number = cameraNumber(camera) + 256
  return `127.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
}

export interface StreamCommand extends Place {
  camera: CameraId
  device: Exclude<Device, { kind: 'rtsp' }>
  pipeline: Pipeline
  /** The UDP port to which ffmpeg reports its progress. */
  progressPort: number
  /** The host of the media server's RTSP port, from the view of its own host. */
  publishHost: string
  /**
   * The credential for publishing this camera's stream. It must give no other right, because other users of this host
   * can read it in `ps`: ffmpeg accepts it only as a part of the URL, and has no file or variable for it.
   */
  publishAs?: { user: string; password: string }
  /** See `findVariableRate`. */
  variableRate: readonly string[]
  /** See `endsWithParent`: ffmpeg must not outlive its shell, because it holds the device and its lock. */
  withParent: readonly string[]
  clockwork?: Clockwork
}

/**
 * Returns the command that the media server runs on demand: the device lock, then ffmpeg with its three taps. `env`
 * comes first, so that all its processes have the mark.
 */
export function streamCommand({
  camera,
  device,
  pipeline,
  progressPort,
  publishHost,
  publishAs,
  variableRate,
  withParent,
  clockwork,
  ...place
}: StreamCommand): string {
  // FFREPORT has a syntax of its own: `%` starts a template, and `:` the next option.
  const report = `file=${reportFile(place, camera)
    .replaceAll('%', '%%')
    .replace(/[\\':]/g, String.raw`\$&`)}:level=16`
  const progress = `udp://127.0.0.1:${progressPort}?pkt_size=1400&localaddr=${progressAddress(camera)}`
  const ffmpeg = [
    ...withParent,
    ...['ffmpeg', '-hide_banner', '-nostdin', '-y', '-loglevel', 'error'],
    ...['-nostats', '-stats_period', '0.5', '-progress', progress],
    ...(pipeline.kind === 'encode' ? deviceArgs(encoderOf(pipeline)) : []),
    ...inputArgs(camera, device, pipeline.mode, clockwork),
    ...outputArgs(pipeline, variableRate),
    ...['-f', 'rtsp', '-rtsp_transport', 'tcp', '-pkt_size', '1316'],
  ]
    .map(quoted)
    .concat(`rtsp://${userinfo(publishAs)}${publishHost}:$RTSP_PORT/$MTX_PATH`)
    .concat(pipeline.kind === 'encode' ? [...stillArgs, stillFile(place, camera)].map(quoted) : [])
  const feeder = feederOf(device, pipeline.mode)
  const capture = feeder.length > 0 ? `${[...withParent, ...feeder].map(quoted).join(' ')} | ` : ''
  return [
    ...['env', `FFREPORT=${report}`, `${MARK}=${place.mark}/${camera}`],
    ...['flock', '--no-fork', '-w', '5', lockFile(place, camera)],
    ...['sh', '-c', withRetries(capture + ffmpeg.join(' '), device)],
  ]
    .map(quoted)
    .join(' ')
}

/**
 * Runs a killed or failed ffmpeg again, twice, while the lock is held: the media server waits 5 s before its own
 * restart. The media server interrupts the whole process group. The script contains no `$`, because the media server
 * expands it.
 */
function withRetries(ffmpeg: string, device: StreamCommand['device']): string {
  const again = isLocal(device) ? `[ -e ${quoted(device.node)} ] || exit; capture` : 'capture'
  return `trap exit INT TERM; capture() { ${ffmpeg}; }; capture; sleep 0.3; ${again}; sleep 0.3; ${again}`
}

/** Percent-encodes all characters at which the media server would split or expand the unquoted argument. */
const userinfo = (as: StreamCommand['publishAs']): string =>
  as === undefined
    ? ''
    : `${[as.user, as.password].map((text) => encodeURIComponent(text).replace(/[!'()*]/g, escaped)).join(':')}@`

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

/**
 * Returns ffmpeg's input arguments for the camera, or for the test pattern of a virtual camera. `captured`: where the
 * frames are that v4l2-ctl captures.
 */
export function inputArgs(
  camera: CameraId,
  device: StreamCommand['device'],
  mode: CaptureMode,
  clockwork?: Clockwork,
  captured = 'pipe:0',
): string[] {
  if (device.kind === 'virtual') return ['-re', '-f', 'lavfi', '-i', testPattern(camera, mode, clockwork)]
  const format = pixelFormats[mode.fourcc]
  const rate = rateOf(mode)
  const size = `${mode.width}x${mode.height}`
  // A pipe has no time stamps of its own.
  const live = ['-use_wallclock_as_timestamps', '1']
  if (format?.piped === 'hevc') return [...live, '-f', 'hevc', '-framerate', rate, '-i', captured]
  if (format?.piped) {
    const frames = ['-pixel_format', format.name, '-framerate', rate, '-video_size', size]
    return [...live, '-f', 'rawvideo', ...frames, '-i', captured]
  }
  return [
    // For a format that is not in the table the driver chooses.
    ...['-f', 'v4l2', ...(format === undefined ? [] : ['-input_format', format.name])],
    ...['-framerate', rate, '-video_size', size, '-i', mode.node ?? device.node],
  ]
}

const rateOf = ({ fps }: CaptureMode): string => String(Math.round(fps * 100) / 100)

/** The command whose output is ffmpeg's input `pipe:0`; empty if ffmpeg reads the device itself. */
const feederOf = (device: StreamCommand['device'], mode: CaptureMode): string[] =>
  isLocal(device) && isPiped(mode) ? [...v4l2Capture(device, mode), '--stream-to=-'] : []

/** Returns the command that captures frames which ffmpeg cannot read from the device, without where they go. */
export function v4l2Capture({ node }: LocalDevice, mode: CaptureMode): string[] {
  const format = `width=${mode.width},height=${mode.height},pixelformat=${v4l2Code(mode.fourcc)}`
  const capture = [`--set-fmt-video=${format}`, `--set-parm=${rateOf(mode)}`, '--stream-mmap=4']
  return ['v4l2-ctl', '-d', mode.node ?? node, '--silent', ...capture]
}

/**
 * Returns a moving test pattern, so that a frozen stream is visible; with the camera's name and the time if ffmpeg can
 * draw text.
 */
function testPattern(camera: CameraId, { width, height, fps }: CaptureMode, clockwork: Clockwork | undefined): string {
  const size = `size=${width}x${height}:rate=${fps}`
  if (!clockwork) return `testsrc=${size}:decimals=2`
  const text = String.raw`${camera} %{gmtime\:%Y-%m-%d %H\\\:%M\\\:%S} UTC  %{n}`
  const font = clockwork.fontFile === undefined ? '' : `fontfile=${clockwork.fontFile}:`
  const fontSize = Math.max(12, Math.round(height / 20))
  const place = 'x=w/40:y=h/40:box=1:boxborderw=6'
  return `testsrc2=${size},drawtext=${font}fontsize=${fontSize}:${place}:text='${text}'`
}

/**
 * Encodes each frame once, at its own time. By default ffmpeg repeats frames up to the nominal rate, so a webcam in the
 * dark would cost three times the work; and it would move each frame to a multiple of that rate, hence RTP's time base.
 */
function outputArgs(pipeline: Pipeline, variableRate: readonly string[]): string[] {
  const { kind, mode, codec, maxFps } = pipeline
  if (kind !== 'encode' || !codec) return ['-map', '0:v:0', '-c:v', 'copy']
  const times = [...variableRate, '-enc_time_base', '1:90000']
  const encoder = encoderOf(pipeline)
  const filters = [...thinning(maxFps), ...evenSize(mode), ...uploadFilters(encoder)]
  const filter = filters.length > 0 ? ['-vf', filters.join(',')] : []
  return ['-map', '0:v:0', ...filter, ...times, ...encoderArgs(encoder, codec, maxFps ?? mode.fps)]
}

const encoderOf = ({ encoder = 'libx264' }: Pipeline): Encoder => encoder

/** Passes on frames that are far enough apart. A little less than the distance, because cameras are not exact. */
const thinning = (maxFps: number | undefined): string[] =>
  maxFps === undefined
    ? []
    : [`select='isnan(prev_selected_t)+gte(t-prev_selected_t,${Math.round(900 / maxFps) / 1000})'`]

/** 4:2:0 needs an even width and height. */
const evenSize = ({ width, height }: CaptureMode): string[] =>
  width % 2 === 0 && height % 2 === 0 ? [] : ['crop=trunc(iw/2)*2:trunc(ih/2)*2']

/**
 * Writes the newest picture once a second. `select` passes a frame at once, while `fps=1` would delay it by a second;
 * with `-r 1` the JPEG writer does not duplicate it.
 */
const stillArgs = [
  ...[
    '-map',
    '0:v:0',
    '-vf',
    "select='isnan(prev_selected_t)+gte(t-prev_selected_t,1)'",
    '-r',
    '1',
    '-c:v',
    'mjpeg',
    '-q:v',
    '4',
    '-pix_fmt',
    'yuvj420p',
  ],
  ...['-update', '1', '-atomic_writing', '1', '-f', 'image2'],
]

/** Quotes for go-shellquote, which splits like a POSIX shell. The media server still expands `$`: see `isQuotable`. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** False for `$`: the media server expands `$name` in every argument, quoted or not, and has no escape for it. */
export const isQuotable = (path: string): boolean => !/[$\n\r\0]/.test(path)
