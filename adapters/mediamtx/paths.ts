import PQueue from 'p-queue'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { PathEvent, PathSpec } from '../../machines/domain/mediaServer.js'
import type { Dispose, Log } from '../../machines/domain/ports.js'
import { because, Failure, reasonFrom } from '../../machines/domain/reason.js'
import { type ApiRequest, Refused, Unreachable } from './api.js'
import { checkSpec, type PathDefaults, pathBody } from './pathBody.js'

export type Call = (request: ApiRequest) => Promise<unknown>

interface Path {
  readonly name: CameraId
  /** Absent: the path is not wanted. */
  wanted?: { spec: PathSpec; report: (event: PathEvent) => void } | undefined
  record: boolean
  /** Counts the wishes for `record`: only the last one is undone when it fails. */
  wishes: number
  /** Its changes, one after the other. */
  readonly queue: PQueue
}

export interface Paths {
  publish(spec: PathSpec, report: (event: PathEvent) => void): Dispose
  setRecording(name: CameraId, on: boolean, signal: AbortSignal): Promise<void>
  /** Puts every wanted path there whole, those that record first. Returns how many the server took. */
  replaceAll(call: Call, signal: AbortSignal): Promise<number>
  /** Deletes the paths of these names that are cameras' and not wanted. */
  removeOthers(names: readonly string[], call: Call, signal: AbortSignal): Promise<void>
  settled(): Promise<void>
}

/** MediaMTX applies changes of one path in goroutines of their own: two that are closer may end in the wrong order, for good. */
const gap = 100

const never = new AbortController().signal

/** What each camera's path should be, and the changes that make it so. */
export function createPaths({ call: usual, defaults, log }: { call: Call; defaults: PathDefaults; log: Log }): Paths {
  const paths = new Map<CameraId, Path>()

  const pathOf = (name: CameraId): Path => {
    const known = paths.get(name)
    if (known) return known
    const queue = new PQueue({ concurrency: 1, interval: gap, intervalCap: 1, strict: true })
    const made: Path = { name, record: false, wishes: 0, queue }
    paths.set(name, made)
    queue.on('idle', () => {
      if (!made.wanted) paths.delete(name)
    })
    return made
  }
  const inTurn = (path: Path, signal: AbortSignal, change: () => Promise<void>): Promise<void> =>
    path.queue.add(
      async () => {
        signal.throwIfAborted()
        await change()
      },
      { signal },
    )

  async function replace({ name, wanted, record }: Path, signal: AbortSignal, call: Call): Promise<void> {
    if (!wanted) return
    const body = pathBody(wanted.spec, record, defaults)
    await call({ method: 'POST', path: `/v3/config/paths/replace/${name}`, body, signal })
  }

  /** Puts the path there whole. A refusal concerns this camera alone: it is reported, and the others go on. */
  async function put(path: Path, signal: AbortSignal, call: Call): Promise<boolean> {
    const { name, wanted } = path
    if (!wanted) return false
    try {
      await replace(path, signal, call)
      wanted.report({ type: 'path.published' })
      return true
    } catch (error) {
      if (!(error instanceof Refused) || error.status === 401) throw error
      log.warn('the media server refuses a stream', { camera: name, reason: error.message })
      wanted.report({ type: 'path.refused', reason: because('path_refused', error.message) })
      return false
    }
  }

  async function remove({ name, wanted }: Path, signal: AbortSignal, call: Call): Promise<void> {
    if (wanted) return
    try {
      await call({ method: 'DELETE', path: `/v3/config/paths/delete/${name}`, signal })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404 || !error.routed) throw error
    }
  }

  async function patchRecord(path: Path, on: boolean, signal: AbortSignal): Promise<void> {
    const { name, wanted, record } = path
    if (!wanted) {
      if (on) throw new Failure('path_refused', `${name} has no stream`)
      return
    }
    try {
      await usual({ method: 'PATCH', path: `/v3/config/paths/patch/${name}`, body: { record }, signal })
    } catch (error) {
      // A refused PATCH may stay in the server and spoil every later change (1.16.0 to 1.20.1): `replace` cures it. 404: it has lost the path.
      if (!(error instanceof Refused) || error.status === 401) throw error
      log.debug('a change of recording was refused, the whole path is replaced', {
        camera: name,
        reason: error.message,
      })
      await replace(path, signal, usual)
    }
  }

  return {
    publish(spec, report) {
      checkSpec(spec)
      const path = pathOf(spec.name)
      const wanted = { spec, report }
      // Whoever publishes is new: what an earlier owner recorded must not go on.
      Object.assign(path, { wanted, record: false, wishes: path.wishes + 1 })
      inTurn(path, never, async () => void (await put(path, never, usual))).catch((error: unknown) => {
        const level = error instanceof Unreachable ? 'debug' : 'warn'
        log[level]('a stream waits for the next sync', { camera: spec.name, reason: reasonFrom(error).details })
      })
      return () => {
        if (path.wanted !== wanted) return
        Object.assign(path, { wanted: undefined, record: false, wishes: path.wishes + 1 })
        inTurn(path, never, () => remove(path, never, usual)).catch((error: unknown) => {
          const level = error instanceof Unreachable ? 'debug' : 'warn'
          log[level]('a stream is removed with the next sync', { camera: spec.name, reason: reasonFrom(error).details })
        })
      }
    },

    async setRecording(name, on, signal) {
      signal.throwIfAborted()
      const path = paths.get(name)
      if (!path?.wanted) {
        if (on) throw new Failure('path_refused', `${name} has no stream`)
        return
      }
      const before = path.record
      const wish = ++path.wishes
      path.record = on
      try {
        await inTurn(path, signal, () => patchRecord(path, on, signal))
      } catch (error) {
        // A start that failed wants nothing: the next sync would begin a recording that nobody owns.
        if (on && path.wishes === wish) path.record = before
        throw error
      }
    },

    async replaceAll(call, signal) {
      let count = 0
      const wanted = [...paths.values()].filter((path) => path.wanted)
      for (const path of wanted.sort((a, b) => Number(b.record) - Number(a.record))) {
        await inTurn(path, signal, async () => {
          if (await put(path, signal, call)) count += 1
        })
      }
      return count
    },

    async removeOthers(names, call, signal) {
      for (const name of new Set(names.filter(isCameraId))) {
        const path = pathOf(name)
        if (!path.wanted) await inTurn(path, signal, () => remove(path, signal, call))
      }
    },

    settled: async () => {
      await Promise.all([...paths.values()].map(({ queue }) => queue.onIdle()))
    },
  }
}
