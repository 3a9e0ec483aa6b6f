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
 * frames. The last ones are a way out: H.265 is decoded and encoded, a raw sensor's picture is poor.
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
  '422P': 0.55,
  BGR3: 0.5,
  RGB3: 0.5,
  '411P': 0.5,
  BGR4: 0.45,
  RGB4: 0.45,
  YVYU: 0.45,
  NV21: 0.45,
  NV24: 0.4,
  P010: 0.4,
  RGBP: 0.4,
  RGBR: 0.4,
  RGBO: 0.4,
  RGBQ: 0.4,
  YUV9: 0.4,
  GREY: 0.3,
  HEVC: 0.3,
  Y16: 0.1,
  BA81: 0.1,
  GBRG: 0.1,
  GRBG: 0.1,
  RGGB: 0.1,
  // ffmpeg 5 cannot convert it, newer versions can.
  NV16: 0.05,
}

/** Formats that can be captured. */
export const usableFormats: readonly string[] = Object.keys(worth)
/** Others (depth maps, packed raw patterns, formats of one maker) are not supported. */
export const isUsable = (fourcc: string): boolean => Object.hasOwn(worth, fourcc)

/** Formats in which a single frame is a complete picture. */
export const isStill = (fourcc: string): boolean => isUsable(fourcc) && fourcc !== 'H264' && fourcc !== 'HEVC'

/**
 * Returns the best mode up to the requested size and rate; `undefined` if none is usable. Size, rate and format are
 * weighed against each other, so that native H.264 of half the size does not win over MJPEG of the full size. Explicit
 * settings take precedence. Among equal modes the driver's order decides: a grabber lists the one first that its signal
 * has. A camera that lists no sizes is tried at the requested one.
 */
export function chooseMode(capabilities: Capabilities, wish: ModeWish): ModeChoice | undefined {
  const { explicit = {} } = wish
  const listed = modesOf(capabilities)
  const all = listed.length > 0 ? listed : assumedModes(capabilities, wish)
  const within = all.filter(({ width, height }) => width <= wish.width && height <= wish.height)
  const needsNearest = explicit.size || within.length === 0
  const sized = needsNearest ? best(all, (mode) => closeness(mode, wish)) : within
  const timed = explicit.fps ? best(sized, ({ fps }) => ratio(fps, wish.fps)) : sized
  const mode = [...timed].sort(
    (a, b) => score(b, wish) - score(a, wish) || b.width * b.height - a.width * a.height || b.fps - a.fps,
  )[0]
  if (!mode) return undefined
  return { mode, reason: listed.length > 0 ? reasonFor(mode, wish, all) : 'it lists no sizes, so this one is tried' }
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

/** The requested size in each format that is listed without sizes. */
const assumedModes = ({ formats }: Capabilities, { width, height, fps }: ModeWish): CaptureMode[] =>
  formats
    .filter(({ fourcc, sizes }) => isUsable(fourcc) && sizes.length === 0)
    .map(({ fourcc }) => ({ fourcc, width, height, fps }))

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
