import { useEffect, useState } from 'preact/hooks'
import type { CameraServiceClient } from '../client/index.js'
import { useSession } from './hooks.js'
import { errorText } from './session.js'

export interface Still {
  /** Object URL of the picture. */
  url: string
  /** When it was taken, by the clock of this browser. */
  takenAt: number
}

/** New signed URLs are asked for this long before the old ones end, in ms. */
const margin = 20_000

let free: Promise<unknown> = Promise.resolve()
/** Waits for a place in the queue of all pictures. The next one comes `pace` ms later. */
const turn = (pace: number): Promise<void> => {
  const mine = free.then(() => {})
  free = mine.then(() => new Promise((resolve) => setTimeout(resolve, pace)))
  return mine
}

const urls = new WeakMap<CameraServiceClient, Map<string, { url: string; until: number }>>()

const urlOf = async (client: CameraServiceClient, camera: string): Promise<string> => {
  const known = urls.get(client) ?? new Map<string, { url: string; until: number }>()
  urls.set(client, known)
  const kept = known.get(camera)
  if (kept !== undefined && kept.until > performance.now()) return kept.url
  const { snapshot_url: url, expires_at: end } = await client.call('get_stream_url', { device: camera })
  // The clock of the service may differ: short lives are asked for again early, long ones in time.
  const life = end === undefined ? 300_000 : Math.min(300_000, Date.parse(end) - Date.now())
  known.set(camera, { url, until: performance.now() + Math.max(5_000, life - margin) })
  return url
}

/** One picture of at most `maxAge` seconds. Rejects with a sentence. `wait`: how long not to ask again, in ms. */
const takeStill = async (client: CameraServiceClient, camera: string, maxAge: number, signal: AbortSignal) => {
  const query = new URLSearchParams({ max_age: String(maxAge), w: '960' })
  const response = await fetch(`${await urlOf(client, camera)}&${query}`, { signal, cache: 'no-store' })
  if (!response.ok) {
    const body = (await response.json().catch(() => ({}))) as { error?: { data?: { details?: string } } }
    if (response.status === 401) urls.get(client)?.delete(camera)
    const error = new Error(body.error?.data?.details ?? `no picture (${response.status})`)
    throw Object.assign(error, { wait: Number(response.headers.get('Retry-After') ?? 0) * 1000 })
  }
  const age = Number(response.headers.get('X-Snapshot-Age') ?? 0)
  return { url: URL.createObjectURL(await response.blob()), takenAt: Date.now() - age } satisfies Still
}

/**
 * The newest picture of a camera, again `every` ms after the last one while `isWanted`. The old picture stays while a
 * new one is taken. `pace`: the least time between the pictures of all cameras, because each costs ten look-ups of the
 * rate limit.
 */
export const useStill = (
  camera: string,
  { isWanted, every, pace, maxAge }: { isWanted: boolean; every: number; pace: number; maxAge: number },
): { still?: Still; error?: string } => {
  const { client } = useSession()
  const [state, setState] = useState<{ still?: Still; error?: string }>({})
  useEffect(() => {
    if (!isWanted) return
    const ended = new AbortController()
    const { signal } = ended
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
    const run = async () => {
      while (!signal.aborted) {
        let wait = every
        await turn(pace)
        if (signal.aborted) return
        try {
          const still = await takeStill(client, camera, maxAge, signal)
          setState((before) => {
            if (before.still) URL.revokeObjectURL(before.still.url)
            return { still }
          })
        } catch (error) {
          if (signal.aborted) return
          setState((before) => ({ ...before, error: errorText(error) }))
          wait = Math.max(every, 3_000, (error as { wait?: number }).wait ?? 0)
        }
        await pause(wait)
      }
    }
    void run()
    return () => ended.abort()
  }, [client, camera, isWanted, every, pace, maxAge])
  return state
}
