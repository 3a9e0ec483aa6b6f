import type { StreamState } from '../../machines/domain/ports.js'
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
  }
}

function tracksOf({ tracks, tracks2 }: Record<string, unknown>): string[] {
  if (Array.isArray(tracks)) return tracks.map(String)
  if (Array.isArray(tracks2))
    return tracks2.map((track: unknown) => (isObject(track) ? String(track.codec) : String(track)))
  return []
}
