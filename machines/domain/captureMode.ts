/** Chooses the format, size and rate in which a camera is captured. */
import type { Capabilities, CaptureMode } from './camera.js'

export interface ModeWish {
  width: number
  height: number
  fps: number
  /** Set for this camera, not only by default: the nearest mode is chosen. Otherwise the size is an upper limit. */
  explicit?: { size?: boolean; fps?: boolean }
  /** False: the stream is encoded in any case, so the camera's own H.264 has no advantage. */
  copy?: boolean
}

export interface ModeChoice {
  mode: CaptureMode
  /** A clause for people, without a full stop. */
  reason: string
}

/**
 * The weight of a format at equal size and rate: H.264 needs no encoder, MJPEG uses less of the USB bus than raw
 * frames.
 */
const worth: Record<string, number> = {
  H264: 1,
  MJPG: 0.75,
  JPEG: 0.75,
  YUYV: 0.65,
  UYVY: 0.65,
  NV12: 0.65,
  YU12: 0.65,
  YV12: 0.6,
  NV21: 0.6,
  BGR3: 0.5,
  RGB3: 0.5,
  GREY: 0.3,
}

/** Formats that can be captured. Others (Bayer patterns, depth maps, HEVC) are not supported. */
export const isUsable = (fourcc: string): boolean => fourcc in worth

/** Formats in which a single frame is a complete picture. */
export const isStill = (fourcc: string): boolean => isUsable(fourcc) && fourcc !== 'H264'

/**
 * Returns the best mode up to the requested size and rate; `undefined` if none is usable. Size, rate and format are
 * weighed against each other, so that native H.264 of half the size does not win over MJPEG of the full size. Explicit
 * settings take precedence.
 */
export function chooseMode(capabilities: Capabilities, wish: ModeWish): ModeChoice | undefined {
  const { explicit = {} } = wish
  const all = modesOf(capabilities)
  const within = all.filter(({ width, height }) => width <= wish.width && height <= wish.height)
  const needsNearest = explicit.size || within.length === 0
  const sized = needsNearest ? best(all, (mode) => closeness(mode, wish)) : within
  const timed = explicit.fps ? best(sized, ({ fps }) => ratio(fps, wish.fps)) : sized
  const mode = [...timed].sort(
    (a, b) =>
      score(b, wish) - score(a, wish) ||
      b.width * b.height - a.width * a.height ||
      b.fps - a.fps ||
      (a.fourcc < b.fourcc ? -1 : 1),
  )[0]
  return mode && { mode, reason: reasonFor(mode, wish, all) }
}

export const describeMode = ({ fourcc, width, height, fps }: CaptureMode): string =>
  `${formatName(fourcc)} ${width}x${height} at ${rounded(fps)} fps`

const modesOf = ({ formats }: Capabilities): CaptureMode[] =>
  formats
    .filter(({ fourcc }) => isUsable(fourcc))
    .flatMap(({ fourcc, sizes, node }) =>
      sizes.flatMap(({ width, height, rates }) =>
        rates.map((fps) => ({ fourcc, width, height, fps, ...(node !== undefined && { node }) })),
      ),
    )
    .filter(({ width, height, fps }) => width > 0 && height > 0 && fps > 0)

function score({ fourcc, width, height, fps }: CaptureMode, wish: ModeWish): number {
  const area = ratio(width * height, wish.width * wish.height)
  const format = fourcc === 'H264' && wish.copy === false ? 0.7 : (worth[fourcc] ?? 0)
  // Twice the requested rate doubles the load without benefit; half of it loses half of the motion.
  const rate = fps > wish.fps * 1.01 ? ratio(fps, wish.fps) * 0.9 : ratio(fps, wish.fps)
  return Math.sqrt(area) * Math.sqrt(rate) * format
}

function reasonFor(
  mode: CaptureMode,
  { width, height, fps, explicit = {}, copy }: ModeWish,
  all: CaptureMode[],
): string {
  const missed = [
    ...(explicit.size && (mode.width !== width || mode.height !== height)
      ? [`${width}x${height} is not offered, ${mode.width}x${mode.height} is nearest`]
      : []),
    ...(explicit.fps && ratio(mode.fps, fps) < 0.99
      ? [`${rounded(fps)} fps is not offered at this size, ${rounded(mode.fps)} is nearest`]
      : []),
  ]
  if (missed.length > 0) return missed.join('; ')
  const asked = [...(explicit.size ? [`${width}x${height}`] : []), ...(explicit.fps ? [`${rounded(fps)} fps`] : [])]
  if (asked.length > 0) return `${asked.join(' at ')} as requested`
  if (mode.width > width || mode.height > height)
    return `the smallest size of the camera; all are larger than ${width}x${height}`
  const native = all.some(({ fourcc }) => fourcc === 'H264')
  const passed = native && mode.fourcc !== 'H264' && copy !== false ? `, better than its own H.264 modes` : ''
  return `its best mode up to ${width}x${height} at ${rounded(fps)} fps${passed}`
}

/** Returns the modes with the highest `nearness`. A difference of 1 % does not count: 29.97 is 30. */
function best(modes: CaptureMode[], nearness: (mode: CaptureMode) => number): CaptureMode[] {
  const highest = Math.max(0, ...modes.map(nearness))
  return modes.filter((mode) => nearness(mode) >= highest * 0.99)
}

const ratio = (a: number, b: number): number => Math.min(a, b) / Math.max(a, b)
const closeness = (a: { width: number; height: number }, b: { width: number; height: number }): number =>
  ratio(a.width, b.width) * ratio(a.height, b.height)
const rounded = (fps: number): string => String(Math.round(fps * 100) / 100)

const names: Record<string, string> = { H264: 'H.264', MJPG: 'MJPEG', JPEG: 'MJPEG', HEVC: 'H.265' }
export const formatName = (fourcc: string): string => names[fourcc] ?? fourcc
