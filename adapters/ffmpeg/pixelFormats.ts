/** The V4L2 formats in ffmpeg's words. */
import type { CaptureMode } from '../../machines/domain/camera.js'

/**
 * `name`: ffmpeg's pixel format, or its codec for compressed frames. `bits`: per pixel, of frames without padding.
 * `piped`: ffmpeg's V4L2 input does not know the format, but its other inputs read what v4l2-ctl captures.
 */
export interface PixelFormat {
  name: string
  bits?: number
  piped?: 'rawvideo' | 'hevc'
}

/** Source of the names that V4L2 input knows: libavdevice/v4l2-common.c of ffmpeg. */
export const pixelFormats: Readonly<Record<string, PixelFormat>> = {
  H264: { name: 'h264' },
  HEVC: { name: 'hevc', piped: 'hevc' },
  MJPG: { name: 'mjpeg' },
  JPEG: { name: 'mjpeg' },
  YUYV: { name: 'yuyv422', bits: 16 },
  UYVY: { name: 'uyvy422', bits: 16 },
  YVYU: { name: 'yvyu422', bits: 16, piped: 'rawvideo' },
  NV12: { name: 'nv12', bits: 12 },
  NV21: { name: 'nv21', bits: 12, piped: 'rawvideo' },
  NV16: { name: 'nv16', bits: 16, piped: 'rawvideo' },
  NV24: { name: 'nv24', bits: 24, piped: 'rawvideo' },
  P010: { name: 'p010le', bits: 24, piped: 'rawvideo' },
  YU12: { name: 'yuv420p', bits: 12 },
  YV12: { name: 'yuv420p', bits: 12 },
  '422P': { name: 'yuv422p', bits: 16 },
  '411P': { name: 'yuv411p', bits: 12 },
  YUV9: { name: 'yuv410p', bits: 9 },
  BGR3: { name: 'bgr24', bits: 24 },
  RGB3: { name: 'rgb24', bits: 24 },
  BGR4: { name: 'bgr0', bits: 32 },
  RGB4: { name: '0rgb', bits: 32 },
  RGBP: { name: 'rgb565le', bits: 16 },
  RGBR: { name: 'rgb565be', bits: 16 },
  RGBO: { name: 'rgb555le', bits: 16 },
  RGBQ: { name: 'rgb555be', bits: 16 },
  GREY: { name: 'gray', bits: 8 },
  Y16: { name: 'gray16le', bits: 16 },
  BA81: { name: 'bayer_bggr8', bits: 8 },
  GBRG: { name: 'bayer_gbrg8', bits: 8 },
  GRBG: { name: 'bayer_grbg8', bits: 8 },
  RGGB: { name: 'bayer_rggb8', bits: 8 },
}

/** True if ffmpeg cannot read the format from the device. */
export const isPiped = ({ fourcc }: Pick<CaptureMode, 'fourcc'>): boolean => pixelFormats[fourcc]?.piped !== undefined

/** The code for v4l2-ctl: four characters, as in `Y16 `. */
export const v4l2Code = (fourcc: string): string => fourcc.padEnd(4)
