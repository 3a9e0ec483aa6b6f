/**
 * The options of the H.264 encoders. With each: the same profile, level and bit rate, a keyframe a second, no B-frames
 * and no frames that wait in the encoder. Sources: `ffmpeg -h encoder=…`, and rkmppenc.h of ffmpeg-rockchip.
 */
import type { CodecSettings } from '../../machines/domain/camera.js'
import type { Encoder, HardwareEncoder } from '../../machines/domain/encoder.js'

/** The first graphics device. */
const renderNode = '/dev/dri/renderD128'

/** Options before the input. */
export const deviceArgs = (encoder: Encoder): string[] =>
  encoder === 'h264_vaapi' ? ['-vaapi_device', renderNode] : []

/** Filters that bring the frames to the encoder, after all others. */
export const uploadFilters = (encoder: Encoder): string[] =>
  encoder === 'h264_vaapi' ? ['format=nv12', 'hwupload'] : []

/** Returns the options of the encoder for a stream of `fps` frames per second. */
export const encoderArgs = (encoder: Encoder, codec: CodecSettings, fps: number): string[] =>
  encoder === 'libx264' ? x264Args(codec, fps) : hardwareArgs(encoder, codec, fps)

/** Forces a keyframe each second by time, not by frame count, because webcams deliver fewer frames in the dark. */
const keyframes = ['-force_key_frames', 'expr:gte(t,n_forced)']

/** The buffer of one second keeps the bit rate within the limit of the level. */
const rateArgs = ({ bitrate }: CodecSettings): string[] => {
  const rate = String(bitrate)
  return ['-b:v', rate, '-maxrate', rate, '-bufsize', rate]
}

/** Number of frames after which a keyframe follows in any case. */
const group = (frames: number): string[] => ['-g', String(Math.max(2, Math.round(frames)))]

function x264Args(codec: CodecSettings, fps: number): string[] {
  const { profile, level, pixelFormat, preset } = codec
  return [
    ...['-c:v', 'libx264', '-profile:v', profile, '-level:v', level, '-pix_fmt', pixelFormat],
    ...['-preset', preset, '-tune', 'zerolatency', ...rateArgs(codec)],
    ...[...group(fps * 2), '-sc_threshold', '0', ...keyframes],
  ]
}

function hardwareArgs(encoder: HardwareEncoder, codec: CodecSettings, fps: number): string[] {
  // A driver may ignore forced keyframes; nvenc and vaapi do not.
  const frames = encoder === 'h264_nvenc' || encoder === 'h264_vaapi' ? fps * 2 : fps
  return ['-c:v', encoder, ...ownArgs[encoder](codec), ...rateArgs(codec), ...group(frames), '-bf', '0', ...keyframes]
}

/** None of them takes `yuvj420p`, the same samples with the range of JPEG. */
const pixels = ({ pixelFormat }: CodecSettings): string[] => ['-pix_fmt', pixelFormat === 'nv12' ? 'nv12' : 'yuv420p']

/** As in the stream: 31 for 3.1. By name, 3.0 would be level 0.3. */
const level = (codec: CodecSettings): string[] => ['-level:v', String(Math.round(Number(codec.level) * 10))]

/** The numbers of the profiles, for encoders without names for them. */
const profileNumbers = { baseline: '578', main: '77', high: '100' } as const

const ownArgs: Record<HardwareEncoder, (codec: CodecSettings) => string[]> = {
  // Without `forced-idr`, a forced keyframe is an I-frame, with which no decoder can start.
  h264_nvenc: (codec) => [
    ...['-profile:v', codec.profile, ...level(codec), ...pixels(codec), '-preset', 'p1', '-tune', 'ull'],
    ...['-rc', 'cbr', '-delay', '0', '-zerolatency', '1', '-forced-idr', '1'],
  ],
  h264_vaapi: (codec) => ['-profile:v', profileNumbers[codec.profile], ...level(codec), '-async_depth', '1'],
  h264_rkmpp: (codec) => ['-profile:v', codec.profile, ...level(codec), ...pixels(codec), '-rc_mode', 'CBR'],
  // The driver selects the level.
  h264_v4l2m2m: (codec) => ['-profile:v', profileNumbers[codec.profile], ...pixels(codec)],
}
