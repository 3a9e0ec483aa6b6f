import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ended, Seen, World } from './world.js'

interface Status {
  status: string
  state: string
  reason?: string
  stream_state: string
  recording?: { status: string; reason?: string }
}
interface Stream {
  status: string
  reason?: string
  holders: number
  metrics: { frames_sent: number }
}
interface Health {
  status: string
  reasons: Record<string, { reason?: string }>
}
/** The result of stop_recording, and the payload of recording.stop. */
interface Stopped {
  status: string
  reason: string
  start_time: string
  end_time: string
  files: string[]
  gaps: { from: string; to: string; reason: string }[]
}

export interface ApiClientOptions {
  call<Result>(method: string, params?: Record<string, unknown>): Promise<Result>
  /** Of all runs of the service, oldest first. */
  notifications(): readonly { method: string; params: Record<string, unknown> }[]
  recordingsDir(): string
  /** False while the service is down. */
  isServing(): boolean
  /** Whether the service counts the frames of its streams: those of captured cameras. */
  countsFrames: boolean
  /** ms of media that a player finds in the file; 0 if it cannot play it. */
  mediaOf(file: string): Promise<number>
}

type Client = Pick<World, 'see' | 'hold' | 'record' | 'stop' | 'ended' | 'snapshot' | 'written'>

/** Looks at a running service as a client of its API, and at its files. */
export function apiClient({
  call,
  notifications,
  isServing,
  countsFrames,
  mediaOf,
  ...options
}: ApiClientOptions): Client {
  const folderOf = (camera: string) => join(options.recordingsDir(), camera)
  const endedOf = async ({ start_time, end_time, files, gaps, reason, status }: Stopped): Promise<Ended> => {
    const media = await Promise.all(files.map((name) => mediaOf(join(folderOf(name.replace(/_.*/, '')), name))))
    return {
      reason,
      status,
      span: Date.parse(end_time) - Date.parse(start_time),
      media: media.reduce((sum, ms) => sum + ms, 0),
      gaps: gaps.map(({ from, to, reason: why }) => ({ from: Date.parse(from), to: Date.parse(to), reason: why })),
      unplayable: media.filter((ms) => ms === 0).length,
    }
  }
  const client: Client = {
    async see(camera): Promise<Seen> {
      if (!isServing()) throw new Error('the service is down')
      const device = { device: camera }
      const [status, stream, health] = await Promise.all([
        call<Status>('get_camera_status', device),
        call<Stream>('get_stream_status', device),
        call<Health>('get_status'),
      ])
      const why = Object.values(health.reasons).find(({ reason }) => reason !== undefined)?.reason
      return {
        status: status.status,
        // A camera is probed for a moment after each start: that is the reason.
        reason: status.reason ?? (status.state === 'probing' ? 'probing' : undefined),
        stream: {
          status: stream.status,
          reason: stream.reason,
          held: stream.holders > 0,
          frames: countsFrames ? stream.metrics.frames_sent : performance.now(),
        },
        recording: status.recording && { status: status.recording.status, reason: status.recording.reason },
        unhealthy: health.status === 'HEALTHY' ? undefined : (why ?? ''),
      }
    },
    hold: (camera) => call('start_streaming', { device: camera }).then(() => {}),
    record: (camera, duration) =>
      call('start_recording', { device: camera, ...(duration && { duration: duration / 1_000 }) }).then(() => {}),
    async stop(camera) {
      const stopped = await call<Stopped>('stop_recording', { device: camera }).catch(() => undefined)
      const ended = stopped ? await endedOf(stopped) : await client.ended(camera)
      if (!ended) throw new Error(`${camera} did not end its recording`)
      return ended
    },
    async ended(camera) {
      const last = notifications().findLast(
        ({ method, params }) =>
          params.device === camera &&
          (method === 'recording.stop' || (method === 'recording.error' && params.status !== 'INTERRUPTED')),
      )
      return last && (await endedOf(last.params as unknown as Stopped))
    },
    snapshot: (camera) =>
      call('take_snapshot', { device: camera }).then(
        () => {},
        (error: unknown) => {
          if (!isServing())
            throw Object.assign(new Error('the service ended'), { data: { reason: 'service_stopping' } })
          throw error
        },
      ),
    async written(camera) {
      const names = await readdir(folderOf(camera)).catch(() => [])
      const sizes = await Promise.all(names.map((name) => stat(join(folderOf(camera), name)).then(({ size }) => size)))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
  }
  return client
}
