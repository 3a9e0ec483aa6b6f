import type { MediaServer } from '../../machines/domain/ports.js'
import { type ApiRequest, isObject, Refused } from './api.js'

type Sessions = Pick<MediaServer, 'kick' | 'sessions'>

interface MediaSessionsOptions {
  call: (request: ApiRequest) => Promise<unknown>
  /** Resolves with all items of a list, from all its pages. */
  all: (path: string, signal: AbortSignal) => Promise<unknown[]>
}

/** Protocol → lists with its sessions. Authentication requests for RTSP over TLS may have the protocol `rtsp` too. */
const kinds: Record<string, readonly string[]> = {
  rtsp: ['rtspsessions', 'rtspssessions'],
  rtsps: ['rtspssessions', 'rtspsessions'],
  webrtc: ['webrtcsessions'],
  hls: ['hlssessions'],
}

/** Lists and ends the media sessions. */
export function createMediaSessions({ call, all }: MediaSessionsOptions): Sessions {
  /** False if there is no session with this id (404), the id is not valid (400), or the route does not exist. */
  const end = async (kind: string, id: string, signal: AbortSignal): Promise<boolean> => {
    try {
      await call({ method: 'POST', path: `/v3/${kind}/kick/${encodeURIComponent(id)}`, signal })
      return true
    } catch (error) {
      if (error instanceof Refused && error.status !== 401) return false
      throw error
    }
  }

  /** Empty if the route does not exist, because its protocol is off or the server is too old. */
  const list = async (kind: string, signal: AbortSignal): Promise<Record<string, unknown>[]> => {
    try {
      return (await all(`/v3/${kind}/list`, signal)).filter(isObject)
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return []
      throw error
    }
  }

  const endByQuery = async (kind: string, query: string, signal: AbortSignal): Promise<boolean> => {
    const found = (await list(kind, signal)).filter((session) => session.query === query && session.state !== 'publish')
    let ended = false
    for (const { id } of found) if (await end(kind, String(id), signal)) ended = true
    return ended
  }

  return {
    kick: async ({ protocol, id, query = '' }, signal) => {
      const places = kinds[protocol] ?? []
      for (const kind of places) if (await end(kind, id, signal)) return true
      if (query === '') return false
      for (const kind of places) if (await endByQuery(kind, query, signal)) return true
      return false
    },

    sessions: async (signal) => {
      const ids = new Map<string, string[]>()
      for (const kind of ['rtspsessions', 'rtspssessions', 'webrtcsessions', 'hlssessions']) {
        for (const { id } of await list(kind, signal)) ids.set(String(id), [])
      }
      for (const kind of ['rtspconns', 'rtspsconns']) {
        for (const { id, session } of await list(kind, signal)) ids.get(String(session))?.push(String(id))
      }
      return [...ids].map(([id, connections]) => ({ id, connections }))
    },
  }
}
