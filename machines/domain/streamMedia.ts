/** What a network camera sends, as it becomes known. Pure. */
import type { Probe } from './camera.js'
import { describeMode } from './captureMode.js'
import type { SourceDescription } from './mediaServer.js'
import { codecName } from './streamSupport.js'

/** The names of RTP → those of V4L2. */
const fourccs: Readonly<Record<string, string>> = { H265: 'HEVC', JPEG: 'MJPG', MJPEG: 'MJPG' }
export function fourccOf(codec: string): string {
  const plain = codec.toUpperCase().replace(/[^A-Z0-9]/g, '')
  return fourccs[plain] ?? (plain === 'H264' || plain === 'HEVC' ? plain : codec.toUpperCase())
}

/** Returns the probe with what the media server found in the running stream. What it does not tell stays. */
export function withMedia({ capabilities, pipeline }: Probe, media: SourceDescription): Probe {
  const before = capabilities.stream
  const isSame = before?.codec === media.codec
  const stream = { ...(isSame ? before : {}), ...media }
  const { codec, width = 0, height = 0, fps } = stream
  const fourcc = fourccOf(codec)
  const sizes = width && height ? [{ width, height, rates: fps ? [fps] : [] }] : []
  const mode = { fourcc, width, height, fps: fps ?? 0 }
  return {
    capabilities: { formats: [{ fourcc, description: `${codec} by RTSP`, sizes }], stream },
    pipeline: { ...pipeline, mode, reason: `Pulled by the media server: the camera sends ${describeMode(mode)}.` },
  }
}

/** False if one of the two only tells more than the other. */
export const hasChanged = (from: SourceDescription, to: SourceDescription): boolean =>
  from.codec !== to.codec ||
  (from.width !== undefined && to.width !== undefined && (from.width !== to.width || from.height !== to.height))

export const mediaWords = ({ codec, width, height }: SourceDescription): string =>
  width && height ? `${codecName(codec)} ${width}x${height}` : codecName(codec)
