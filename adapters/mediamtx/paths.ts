import PQueue from 'p-queue'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { PathEvent, PathSpec } from '../../machines/domain/mediaServer.js'
import type { Dispose, Log } from '../../machines/domain/ports.js'
import { because, Failure, reasonFrom } from '../../machines/domain/reason.js'
import { sleep } from '../wait.js'
import { type ApiRequest, Refused, Unreachable } from './api.js'
import { checkSpec, differences, type PathDefaults, pathBody } from './pathBody.js'

export type Call = (request: ApiRequest) => Promise<unknown>

interface Path {
  readonly name: CameraId
  /** Absent: the path is not wanted. */
  wanted?: { spec: PathSpec; report: (event: PathEvent) => void } | undefined
  record: boolean
  /** The length of its files, in ms, if it is not the default. */
  segmentDuration?: number | undefined
  /** Counts the changes of `record`. Only the last one is reverted if it fails. */
  wishes: number
  /** The server has it, as far as we know. */
  accepted: boolean
  /** Counts the changes, begun or ended. */
  changes: number
  /** Runs the changes one after the other. */
  readonly queue: PQueue
}

export interface Paths {
  publish(spec: PathSpec, report: (event: PathEvent) => void): Dispose
  setRecording(name: CameraId, on: boolean, signal: AbortSignal, segmentDuration?: number): Promise<void>
  /** Replaces every wanted path, recording ones first. Resolves with the number of paths that the server accepted. */
  replaceAll(call: Call, signal: AbortSignal): Promise<number>
  /** Deletes the camera paths among these names that are not wanted. */
  removeOthers(names: readonly string[], call: Call, signal: AbortSignal): Promise<void>
  /** Compares the items of the server's list of configured paths. `since`: the result of `marks` before the list. */
  differing(items: readonly Record<string, unknown>[], since: ReadonlyMap<CameraId, number>): PathDifference[]
  /** The paths that are wanted, accepted and not being changed, with their state of change. */
  marks(): ReadonlyMap<CameraId, number>
  /** Replaces these paths if they are wanted. */
  replaceSome(names: readonly CameraId[], signal: AbortSignal): Promise<void>
  settled(): Promise<void>
  /** No path is removed any more. Returns the number of paths that stay, although nobody wants them. */
  leave(): number
}

/** `differs`: the settings; empty: the server has not got the path. */
export interface PathDifference {
  camera: CameraId
  differs: string[]
  records: boolean
}

/**
 * Time between the end of a change of a path and the next one, in ms. MediaMTX applies changes concurrently and may
 * swap changes that are closer.
 */
const gap = 100

/** A signal of its own for each change: Node warns of more than ten listeners of one signal. */
const never = () => new AbortController().signal

/** Keeps the wanted path of each camera and changes the paths of the media server accordingly. */
export function createPaths({ call: usual, defaults, log }: { call: Call; defaults: PathDefaults; log: Log }): Paths {
  const paths = new Map<CameraId, Path>()
  const left = new AbortController()

  const pathOf = (name: CameraId): Path => {
    const known = paths.get(name)
    if (known) return known
    const queue = new PQueue({ concurrency: 1 })
    const made: Path = { name, record: false, wishes: 0, accepted: false, changes: 0, queue }
    paths.set(name, made)
    queue.on('idle', () => {
      if (!made.wanted) paths.delete(name)
    })
    return made
  }
  const inTurn = (path: Path, signal: AbortSignal, change: () => Promise<void>): Promise<void> => {
    const { queue } = path
    path.changes += 1
    const changed = queue.add(
      async () => {
        signal.throwIfAborted()
        try {
          await change()
        } finally {
          path.changes += 1
        }
      },
      { signal },
    )
    // The limit of p-queue counts from the start of a change, which may reach the server late.
    void queue.add(() => sleep(gap))
    return changed
  }

  /** A change that fails is repeated by the next sync. */
  const changeSoon = (path: Path, done: 'set' | 'removed', change: () => Promise<void>) =>
    inTurn(path, never(), change).catch((error: unknown) => {
      const level = error instanceof Unreachable ? 'debug' : 'warn'
      const { details: reason } = reasonFrom(error)
      log[level](`path not ${done} until the next sync`, { camera: path.name, reason })
    })

  const bodyOf = ({ record, segmentDuration = defaults.segmentDuration }: Path, spec: PathSpec) =>
    pathBody(spec, record, { ...defaults, segmentDuration })

  async function replace(path: Path, signal: AbortSignal, call: Call): Promise<void> {
    const { name, wanted } = path
    if (!wanted) return
    const body = bodyOf(path, wanted.spec)
    await call({ method: 'POST', path: `/v3/config/paths/replace/${name}`, body, signal })
  }

  /** Replaces the path. A refusal concerns this camera only: it is reported, and the other paths continue. */
  async function put(path: Path, signal: AbortSignal, call: Call): Promise<boolean> {
    const { name, wanted } = path
    if (!wanted) return false
    path.accepted = false
    try {
      await replace(path, signal, call)
      path.accepted = true
      wanted.report({ type: 'path.published' })
      return true
    } catch (error) {
      if (!(error instanceof Refused) || error.status === 401) throw error
      log.warn('the media server refuses the path of a camera', { camera: name, reason: error.message })
      wanted.report({ type: 'path.refused', reason: because('path_refused', error.message, error.evidence) })
      return false
    }
  }

  async function remove({ name, wanted }: Path, signal: AbortSignal, call: Call): Promise<void> {
    if (wanted || left.signal.aborted) return
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
      // A refused PATCH may remain in the server and make later changes fail (1.16.0 to 1.20.1); `replace` repairs
      // that. 404: the server has lost the path.
      if (!(error instanceof Refused) || error.status === 401) throw error
      log.debug('the change of recording was refused; replacing the whole path', {
        camera: name,
        reason: error.message,
      })
      await replace(path, signal, usual)
    }
  }

  /** Only `record` may be patched. While nothing is recorded, the length of the files changes with the whole path. */
  async function record(path: Path, on: boolean, signal: AbortSignal, segmentDuration: number | undefined) {
    const before = path.segmentDuration
    if (!on || segmentDuration === before || !path.wanted) return patchRecord(path, on, signal)
    path.segmentDuration = segmentDuration
    try {
      await replace(path, signal, usual)
    } catch (error) {
      path.segmentDuration = before
      throw error
    }
  }

  return {
    publish(spec, report) {
      checkSpec(spec)
      const path = pathOf(spec.name)
      const wanted = { spec, report }
      // A new owner: a recording of an earlier one must not continue.
      const again = { record: false, segmentDuration: undefined, accepted: false, wishes: path.wishes + 1 }
      Object.assign(path, { wanted, ...again })
      changeSoon(path, 'set', async () => void (await put(path, never(), usual)))
      return () => {
        if (path.wanted !== wanted) return
        Object.assign(path, { wanted: undefined, record: false, wishes: path.wishes + 1 })
        changeSoon(path, 'removed', () => remove(path, never(), usual))
      }
    },

    async setRecording(name, on, signal, segmentDuration) {
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
        await inTurn(path, signal, () => record(path, on, signal, segmentDuration))
      } catch (error) {
        // After a failed start the wish is reverted; otherwise the next sync would start a recording without an owner.
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

    marks: () =>
      new Map(
        [...paths.values()]
          .filter(({ wanted, accepted, queue }) => wanted && accepted && queue.size + queue.pending === 0)
          .map(({ name, changes }) => [name, changes]),
      ),

    differing: (items, since) =>
      [...paths.values()].flatMap((path) => {
        const { name, wanted, record, changes } = path
        if (!wanted || since.get(name) !== changes) return []
        const found = items.find((item) => item.name === name)
        const differs = found ? differences(bodyOf(path, wanted.spec), found) : []
        return found && differs.length === 0 ? [] : [{ camera: name, differs, records: record }]
      }),

    async replaceSome(names, signal) {
      for (const name of names) {
        const path = paths.get(name)
        if (path?.wanted) await inTurn(path, signal, async () => void (await put(path, signal, usual)))
      }
    },

    settled: async () => {
      await Promise.all([...paths.values()].map(({ queue }) => queue.onIdle()))
    },

    leave() {
      left.abort()
      return [...paths.values()].filter(({ wanted }) => !wanted).length
    },
  }
}
