import type { SourceDescription, StreamState } from '../../machines/domain/ports.js'
import { isObject } from './api.js'

/**
 * Reads a path object of any version: `ready` and `bytes…` up to 1.16, also `available` in later versions. `online`
 * is false while only an offline clip is served; it is true for an idle pulled path (1.20.1). Returns `undefined` if
 * it is not a path object.
 */
export function streamState(item: unknown): StreamState | undefined {
  if (!isObject(item) || typeof item.name !== 'string') return undefined
  const since = Date.parse(String(item.availableTime ?? item.readyTime ?? ''))
  const ready = (item.available ?? item.ready) === true && item.online !== false
  return {
    name: item.name,
    ready,
    ...(ready && !Number.isNaN(since) && { readySince: since }),
    ...(isObject(item.source) && typeof item.source.type === 'string' && { source: item.source.type }),
    readers: Array.isArray(item.readers) ? item.readers.length : 0,
    bytesReceived: Number(item.inboundBytes ?? item.bytesReceived ?? 0),
    bytesSent: Number(item.outboundBytes ?? item.bytesSent ?? 0),
    tracks: tracksOf(item),
    ...(ready && mediaOf(item.tracks2)),
  }
}

function tracksOf({ tracks, tracks2 }: Record<string, unknown>): string[] {
  if (Array.isArray(tracks)) return tracks.map(String)
  if (Array.isArray(tracks2))
    return tracks2.map((track: unknown) => (isObject(track) ? String(track.codec) : String(track)))
  return []
}

/** The names of MediaMTX → the codecs as in RTP. */
const codecs: Readonly<Record<string, string>> = {
  'M-JPEG': 'JPEG',
  'MPEG-4 Video': 'MP4V-ES',
  'MPEG-1/2 Video': 'MPV',
  'MPEG-4 Audio': 'AAC',
  'MPEG-4 Audio LATM': 'AAC',
  'MPEG-1/2 Audio': 'MPA',
  Opus: 'OPUS',
  LPCM: 'L16',
}
const videos = new Set(['AV1', 'VP9', 'VP8', 'H265', 'H264', 'MP4V-ES', 'MPV', 'JPEG'])
const audios = new Set(['AAC', 'MPA', 'OPUS', 'L16', 'G711', 'G722', 'AC-3', 'Speex', 'Vorbis'])

/** Reads `tracks2`: codecs with their sizes and rates. */
function mediaOf(tracks: unknown): { media?: SourceDescription } {
  const found = (Array.isArray(tracks) ? tracks : []).flatMap((track: unknown) => {
    if (!isObject(track)) return []
    const properties = isObject(track.codecProps) ? track.codecProps : {}
    const name = String(track.codec)
    const codec = name === 'G711' ? (properties.muLaw === true ? 'PCMU' : 'PCMA') : (codecs[name] ?? name)
    const number = (key: string) => (Number(properties[key]) > 0 ? Number(properties[key]) : undefined)
    return [{ name, codec, number }]
  })
  const video = found.find(({ codec }) => videos.has(codec))
  if (!video) return {}
  const audio = found.find(({ name, codec }) => audios.has(codec) || audios.has(name))
  const [width, height] = [video.number('width'), video.number('height')]
  const [rate, channels] = [audio?.number('sampleRate'), audio?.number('channelCount')]
  return {
    media: {
      codec: video.codec,
      ...(width && height && { width, height }),
      ...(audio && { audio: { codec: audio.codec, ...(rate && { rate }), ...(channels && { channels }) } }),
    },
  }
}
