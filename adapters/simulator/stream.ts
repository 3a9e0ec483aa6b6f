import { spsOf } from '../rtsp/describe.js'
import { type MediaSection, parseSdp } from '../rtsp/sdp.js'

/** Receives every packet of a stream, in order. `packet` is shared and must not be changed. */
export type Sink = (track: number, rtcp: boolean, packet: Buffer) => void

/** One track of a stream. */
export interface Track {
  section: MediaSection
  /** The name of the codec in the API: `H264`, `MPEG-4 Audio`. */
  label: string
  /** From the last RTP packet. */
  last?: { sequence: number; timestamp: number }
}

/** The stream of a source. Passes each packet to every attached sink. */
export interface Stream {
  tracks: Track[]
  /** The body of the response to DESCRIBE. */
  sdp: string
  publish: Sink
  /** Returns a function that detaches the sink. */
  attach(sink: Sink): () => void
  /** Counts bytes that were sent to a reader. */
  sent(bytes: number): void
  readonly inboundBytes: number
  readonly outboundBytes: number
}

/** `announced`: the SDP of the source. Throws an Error when it has no media. */
export function createStream(announced: string): Stream {
  const tracks = parseSdp(announced).media.map((section): Track => ({ section, label: labelOf(section.codec) }))
  if (tracks.length === 0) throw new Error('no media found in the description')
  const sinks = new Set<Sink>()
  let inboundBytes = 0
  let outboundBytes = 0
  return {
    tracks,
    sdp: describe(announced),
    publish: (track, rtcp, packet) => {
      inboundBytes += packet.length
      const target = tracks[track]
      if (target && !rtcp && packet.length >= 12)
        target.last = { sequence: packet.readUInt16BE(2), timestamp: packet.readUInt32BE(4) }
      for (const sink of sinks) sink(track, rtcp, packet)
    },
    attach: (sink) => {
      sinks.add(sink)
      return () => sinks.delete(sink)
    },
    sent: (bytes) => {
      outboundBytes += bytes
    },
    get inboundBytes() {
      return inboundBytes
    },
    get outboundBytes() {
      return outboundBytes
    },
  }
}

/** Keeps the lines of each section that a decoder needs, and writes the rest anew. */
function describe(announced: string): string {
  const lines = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=No Name', 'c=IN IP4 0.0.0.0', 't=0 0']
  let track = -1
  for (const line of announced.split(/\r?\n/)) {
    const media = /^m=(\w+) \S+ \S+ (.*)$/.exec(line)
    if (media) lines.push(`m=${media[1]} 0 RTP/AVP ${media[2]?.trim()}`, `a=control:trackID=${++track}`)
    else if (track >= 0 && /^a=(?:rtpmap|fmtp):/.test(line)) lines.push(line.trim())
  }
  return `${lines.join('\r\n')}\r\n`
}

const labels: Record<string, string> = {
  JPEG: 'M-JPEG',
  'MPEG4-GENERIC': 'MPEG-4 Audio',
  'MP4A-LATM': 'MPEG-4 Audio LATM',
  'MP4V-ES': 'MPEG-4 Video',
  MPV: 'MPEG-1/2 Video',
  MPA: 'MPEG-1/2 Audio',
  MP2T: 'MPEG-TS',
  PCMA: 'G711',
  PCMU: 'G711',
  L8: 'LPCM',
  L16: 'LPCM',
  L24: 'LPCM',
  OPUS: 'Opus',
}
const labelOf = (codec: string): string => labels[codec] ?? (codec === '' ? 'Generic' : codec)

/** Returns a text such as `1 track (H264)`. */
export const countTracks = (labels: string[]): string =>
  `${labels.length} ${labels.length === 1 ? 'track' : 'tracks'} (${labels.join(', ')})`

const h264Profiles: Record<number, string> = {
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High 10',
  122: 'High 4:2:2',
  244: 'High 4:4:4 Predictive',
}
const h265Profiles: Record<number, string> = { 1: 'Main', 2: 'Main 10', 3: 'Main Still Picture' }

/** Returns a track as the API lists it in `tracks2`. */
export function describeTrack({ section, label }: Track): Record<string, unknown> {
  const sps = spsOf(section)
  if (!sps) return { codec: label, codecProps: null }
  const { width, height, profile, level } = sps
  const profiles = section.codec === 'H265' ? h265Profiles : h264Profiles
  return {
    codec: label,
    codecProps: { width, height, profile: profiles[profile] ?? String(profile), level: level.replace(/\.0$/, '') },
  }
}
