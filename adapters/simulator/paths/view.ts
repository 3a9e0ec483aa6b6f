import { instant } from '../clock.js'
import type { PathConf } from '../config/fields.js'
import { describeTrack, type Stream } from '../stream.js'

/** A reader or publisher of a path. */
export interface Client {
  id: string
  /** Ends its session and connection. */
  close(reason: string): void
}

interface PathState {
  name: string
  conf: PathConf
  readers: ReadonlySet<Client>
  publisher: Client | undefined
  /** Absent while there is no stream. */
  stream?: Stream
  /** Microseconds since 1970. */
  since?: number
  /** Whether the path pulls its stream from a server. */
  isPull: boolean
}

/** Returns a path as the API lists it. */
export function describePath(state: PathState): Record<string, unknown> {
  const { name, conf, readers, stream, since, isPull } = state
  const at = since === undefined ? null : instant(since)
  const isAvailable = stream !== undefined
  const { inboundBytes = 0, outboundBytes = 0 } = stream ?? {}
  return {
    name,
    confName: conf.name,
    ready: isAvailable,
    readyTime: at,
    available: isAvailable,
    availableTime: at,
    online: isAvailable || isPull,
    onlineTime: at ?? (isPull ? '0001-01-01T00:00:00Z' : null),
    source: sourceOf(state),
    tracks: stream?.tracks.map(({ label }) => label) ?? [],
    tracks2: stream?.tracks.map(describeTrack) ?? [],
    readers: [...readers].map(({ id }) => ({ type: 'rtspSession', id })).sort((a, b) => (a.id < b.id ? -1 : 1)),
    inboundBytes,
    outboundBytes,
    inboundFramesInError: 0,
    bytesReceived: inboundBytes,
    bytesSent: outboundBytes,
  }
}

function sourceOf({ publisher, isPull }: PathState): { type: string; id: string } | null {
  if (publisher) return { type: 'rtspSession', id: publisher.id }
  return isPull ? { type: 'rtspSource', id: '' } : null
}
