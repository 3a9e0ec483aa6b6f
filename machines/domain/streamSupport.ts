/** What can be done with a stream, by its codec: which uses work, and why others do not. Pure. */
import type { SourceDescription } from './mediaServer.js'
import { because, type Reason } from './reason.js'

export const uses = ['snapshot', 'recording', 'hls', 'webrtc'] as const
export type Use = (typeof uses)[number]

/** `reason`: why it does not work. */
export interface Support {
  use: Use
  reason?: Reason
}

/** Video codecs as in RTP → the uses that MediaMTX and ffmpeg support (MediaMTX 1.20: its page "Features"). */
const video: Readonly<Record<string, readonly Use[]>> = {
  H264: uses,
  H265: uses,
  HEVC: uses,
  AV1: uses,
  VP9: uses,
  VP8: ['snapshot', 'webrtc'],
  JPEG: ['snapshot', 'recording'],
  'MP4V-ES': ['snapshot', 'recording'],
  MPV: ['snapshot', 'recording'],
}

/** Audio codecs that MediaMTX writes to MP4. G.711 is written as LPCM. */
const recordedAudio = new Set(['AAC', 'PCMU', 'PCMA', 'OPUS', 'L16', 'L8', 'MPA', 'AC3'])

/** The names of codecs, for people. */
const names: Readonly<Record<string, string>> = { JPEG: 'MJPEG', 'MP4V-ES': 'MPEG-4', MPV: 'MPEG-2', HEVC: 'H265' }
export const codecName = (codec: string): string => names[codec] ?? (codec || 'an unknown codec')

export const isRecordedAudio = (codec: string): boolean => recordedAudio.has(codec)

/** Returns what works with a stream. A codec that is not known here may work: it is only said to be unknown. */
export function supportOf({ codec, reorders }: Pick<SourceDescription, 'codec' | 'reorders'>): Support[] {
  const known = video[codec.toUpperCase()] ?? []
  return uses.map((use) => {
    if (!known.includes(use))
      return { use, reason: because('codec_unsupported', `${words[use]} does not support ${codecName(codec)}`) }
    return use === 'webrtc' && reorders ? { use, reason: because('b_frames') } : { use }
  })
}

const words: Readonly<Record<Use, string>> = {
  snapshot: 'the snapshot',
  recording: 'the recording',
  hls: 'HLS',
  webrtc: 'WebRTC',
}
