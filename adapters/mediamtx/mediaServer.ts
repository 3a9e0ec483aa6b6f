import pRetry from 'p-retry'
import type { MediaServer, ServerInfo, StreamState } from '../../machines/domain/mediaServer.js'
import type { Log, Metrics } from '../../machines/domain/ports.js'
import type { Reason } from '../../machines/domain/reason.js'
import { unlessAborted } from '../wait.js'
import { type Api, type ApiOptions, createApi, isObject, Refused, Unreachable } from './api.js'
import { createBreaker } from './breaker.js'
import { createMediaSessions } from './mediaSessions.js'
import type { PathDefaults } from './pathBody.js'
import { type Call, createPaths } from './paths.js'
import { streamState } from './streamState.js'
import { timed } from './timed.js'

export interface MediaServerOptions extends ApiOptions {
  /** Number of failed calls in a row that open the breaker. */
  threshold: number
  pathDefaults: PathDefaults
  log: Log
  metrics?: Pick<Metrics, 'mediaCall'>
  /** Another way to reach the control API: the simulated host of the fault tests. */
  api?: Api
}

/** Maximum number of pages to read, whatever number the server reports. */
const mostPages = 1_000

/** The control API of MediaMTX 1.11 and later. `close`: nothing is called any more. */
export function createMediaServer(options: MediaServerOptions): MediaServer & { close(): void } {
  const { apiUrl, timeout, threshold, pathDefaults, log, metrics } = options
  const plain = options.api ?? createApi({ apiUrl, timeout })
  const api = metrics ? timed(plain, metrics) : plain
  const breaker = createBreaker({ threshold })
  const pauses = new Set<{ reason: Reason }>()

  // All calls are idempotent, so they may be repeated.
  const retried: Call = (request) =>
    pRetry(() => api(request), {
      retries: 2,
      minTimeout: 100,
      factor: 2,
      signal: request.signal,
      shouldRetry: ({ error }) => error instanceof Unreachable && error.again,
    })
  const counted: Call = (request) => breaker.run(() => retried(request))
  const usual: Call = async (request) => {
    const [pause] = pauses
    if (pause) throw new Unreachable(pause.reason.details, false)
    return counted(request)
  }
  const paths = createPaths({ call: usual, defaults: pathDefaults, log })

  async function all(path: string, signal: AbortSignal, call: Call): Promise<unknown[]> {
    const items: unknown[] = []
    for (let page = 0; page < mostPages; page++) {
      const answer = await call({ method: 'GET', path: `${path}?itemsPerPage=100&page=${page}`, signal })
      if (!isObject(answer) || !Array.isArray(answer.items)) throw stranger()
      items.push(...answer.items)
      if (page + 1 >= Number(answer.pageCount)) break
    }
    return items
  }

  async function info(signal: AbortSignal, call: Call): Promise<ServerInfo> {
    try {
      const answer = await call({ method: 'GET', path: '/v3/info', signal })
      if (!isObject(answer) || typeof answer.version !== 'string') throw stranger()
      return { version: answer.version.trim(), started: String(answer.started ?? '') }
    } catch (error) {
      if (!(error instanceof Refused) || error.routed) throw error
      // Before 1.15.2 there is no info, so restarts cannot be detected.
      const answer = await call({ method: 'GET', path: '/v3/paths/list?itemsPerPage=1', signal })
      if (!isObject(answer) || !Array.isArray(answer.items)) throw stranger()
      return { version: 'before v1.15.2', started: '' }
    }
  }

  async function configured(name: string, signal: AbortSignal): Promise<Record<string, unknown> | undefined> {
    try {
      const item = await usual({ method: 'GET', path: `/v3/config/paths/get/${name}`, signal })
      return isObject(item) ? item : undefined
    } catch (error) {
      if (error instanceof Refused && error.status === 404 && error.routed) return undefined
      throw error
    }
  }

  return {
    info: (signal) => info(signal, api),
    trial: (signal) => info(signal, counted),
    publish: paths.publish,
    setRecording: paths.setRecording,

    async sync(signal) {
      const count = await paths.replaceAll(counted, signal)
      const names = (await all('/v3/config/paths/list', signal, counted)).map((item) =>
        isObject(item) ? String(item.name) : '',
      )
      await paths.removeOthers(names, counted, signal)
      return count
    },

    async drift(signal) {
      const marks = paths.marks()
      if (marks.size === 0) return []
      const items = (await all('/v3/config/paths/list', signal, usual)).filter(isObject)
      const suspects = paths.differing(items, marks)
      if (suspects.length === 0) return []
      // A path that was added or removed between two pages shifts the others: each suspect is read again.
      const again: Record<string, unknown>[] = []
      for (const { camera } of suspects) {
        const item = await configured(camera, signal)
        if (item) again.push(item)
      }
      const names = new Set(suspects.map(({ camera }) => camera))
      const differing = paths.differing(again, marks).filter(({ camera }) => names.has(camera))
      if (differing.length === 0) return []
      const live = (await all('/v3/paths/list', signal, usual)).map(streamState)
      const readersOf = (camera: string) => live.find((state) => state?.name === camera)?.readers ?? 0
      return differing.map(({ camera, differs, records }) => ({
        camera,
        differs,
        inUse: records || readersOf(camera) > 0,
      }))
    },

    repair: (cameras, signal) => paths.replaceSome(cameras, signal),

    settled: (signal) =>
      unlessAborted(paths.settled(), signal).catch((error: unknown) => {
        const paths_left = paths.leave()
        if (paths_left > 0) log.warn('paths stay in the media server: it did not remove them in time', { paths_left })
        throw error
      }),

    leavePaths: () => void paths.leave(),

    async streams(signal) {
      const states = (await all('/v3/paths/list', signal, usual))
        .map(streamState)
        .filter((state) => state !== undefined)
      // A path that was added or removed between two pages shifts the others.
      return [...new Map(states.map((state): [string, StreamState] => [state.name, state])).values()]
    },

    async stream(name, signal) {
      if (!/^[\w-]+(\/[\w-]+)*$/.test(name)) return undefined
      try {
        return streamState(await usual({ method: 'GET', path: `/v3/paths/get/${name}`, signal }))
      } catch (error) {
        if (error instanceof Refused && error.status === 404 && error.routed) return undefined
        throw error
      }
    },

    ...createMediaSessions({ call: usual, all: (path, signal) => all(path, signal, usual) }),
    onBreaker: breaker.on,
    close: breaker.close,

    pauseCalls(reason) {
      const pause = { reason }
      pauses.add(pause)
      return () => pauses.delete(pause)
    },
  }
}

const stranger = () => new Unreachable('the server there is not MediaMTX', false)
