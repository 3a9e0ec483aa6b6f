import pRetry from 'p-retry'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log, MediaServer, Metrics, PathSpec, StreamState } from '../../machines/domain/ports.js'
import { type ApiOptions, type ApiRequest, createApi, isObject, Refused, Unreachable } from './api.js'
import { type BreakerOptions, createBreaker } from './breaker.js'
import { createLanes, type Lane } from './lanes.js'
import { createMediaSessions } from './mediaSessions.js'
import { checkSpec, type PathBody, type PathDefaults, pathBody } from './pathBody.js'
import { streamState } from './streamState.js'
import { timed } from './timed.js'
import { unlessAborted } from './wait.js'

export interface MediaServerOptions extends ApiOptions {
  breaker: BreakerOptions
  pathDefaults: PathDefaults
  log: Log
  metrics?: Pick<Metrics, 'mediaCall'>
}

/** `wantedPaths`: what `sync` would put there, for the configuration file of a server that is about to start. */
export type MediamtxServer = MediaServer & { wantedPaths(): Record<CameraId, PathBody> }

type Call = (request: ApiRequest) => Promise<unknown>

/** A server that claims more pages than this is not believed. */
const MAX_PAGES = 1000

/** The control API of MediaMTX 1.11 and later. Each camera's changes go one after the other, and always to what is wanted last. */
export function createMediaServer({
  apiUrl,
  timeout,
  breaker: breakerOptions,
  pathDefaults,
  log,
  metrics,
}: MediaServerOptions): MediamtxServer {
  const plain = createApi({ apiUrl, timeout })
  const api = metrics ? timed(plain, metrics) : plain
  const breaker = createBreaker(breakerOptions)
  const lanes = createLanes()

  // Every call here may be repeated: it asks, or says what is to be.
  const retried: Call = (request) =>
    pRetry(() => api(request), {
      retries: 2,
      minTimeout: 100,
      factor: 2,
      signal: request.signal,
      shouldRetry: ({ error }) => error instanceof Unreachable && error.again,
    })
  const guarded: Call = (request) => breaker.run(() => retried(request))

  const body = ({ spec, record }: Lane & { spec: PathSpec }): PathBody => pathBody(spec, record, pathDefaults)

  /** Puts the lane's path there whole; false when it is no longer wanted. */
  async function replace(lane: Lane, signal: AbortSignal, call: Call): Promise<boolean> {
    if (!isWanted(lane)) return false
    await call({ method: 'POST', path: `/v3/config/paths/replace/${lane.name}`, body: body(lane), signal })
    return true
  }

  async function patchRecord(lane: Lane, on: boolean, signal: AbortSignal): Promise<void> {
    if (!isWanted(lane)) {
      if (!on) return
      throw new Error(`${lane.name} has no stream`)
    }
    try {
      await guarded({
        method: 'PATCH',
        path: `/v3/config/paths/patch/${lane.name}`,
        body: { record: lane.record },
        signal,
      })
    } catch (error) {
      // A refused PATCH may stay in the server and spoil every later change (1.16.0 to 1.20.1): `replace` cures it. 404: it has lost the path.
      if (!(error instanceof Refused) || error.status === 401) throw error
      log.debug('a change of recording was refused, the whole path is put there instead', {
        camera: lane.name,
        reason: error.message,
      })
      await replace(lane, signal, guarded)
    }
  }

  async function remove(lane: Lane, signal: AbortSignal, call: Call): Promise<void> {
    if (isWanted(lane)) return
    try {
      await call({ method: 'DELETE', path: `/v3/config/paths/delete/${lane.name}`, signal })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404 || !error.routed) throw error
    }
  }

  async function all(path: string, signal: AbortSignal, call: Call): Promise<unknown[]> {
    const items: unknown[] = []
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await call({ method: 'GET', path: `${path}?itemsPerPage=100&page=${page}`, signal })
      if (!isObject(answer) || !Array.isArray(answer.items))
        throw new Unreachable('something else than a MediaMTX is there', false)
      items.push(...answer.items)
      if (page + 1 >= Number(answer.pageCount)) break
    }
    return items
  }

  return {
    info: async (signal) => {
      try {
        const answer = await api({ method: 'GET', path: '/v3/info', signal })
        if (!isObject(answer) || typeof answer.version !== 'string')
          throw new Unreachable('something else than a MediaMTX is there', false)
        return { version: answer.version.trim(), started: String(answer.started ?? '') }
      } catch (error) {
        if (!(error instanceof Refused) || error.routed) throw error
        // Before 1.15.2 there is no info, and so no way to see a restart.
        const answer = await api({ method: 'GET', path: '/v3/paths/list?itemsPerPage=1', signal })
        if (!isObject(answer) || !Array.isArray(answer.items))
          throw new Unreachable('something else than a MediaMTX is there', false)
        return { version: 'before v1.15.2', started: '' }
      }
    },

    publish: async (spec, signal) => {
      checkSpec(spec)
      signal.throwIfAborted()
      const lane = lanes.lane(spec.name)
      lane.spec = spec
      try {
        await unlessAborted(
          lanes.run(lane, signal, () => replace(lane, signal, guarded)),
          signal,
        )
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error
        log.debug('a stream is put there with the next sync', { camera: spec.name, reason: error.message })
      }
    },

    withdraw: async (name) => {
      const lane = lanes.lane(name)
      lane.spec = undefined
      lane.record = false
      lane.asked++
      const signal = neverAborted()
      try {
        await lanes.run(lane, signal, () => remove(lane, signal, guarded))
      } catch (error) {
        log[error instanceof Unreachable ? 'debug' : 'warn']('a stream is removed with the next sync', {
          camera: name,
          reason: reasonOf(error),
        })
      }
    },

    setRecording: async (name, on, signal) => {
      signal.throwIfAborted()
      const lane = lanes.find(name)
      if (!lane || !isWanted(lane)) {
        if (!on) return
        throw new Error(`${name} has no stream`)
      }
      const before = lane.record
      const asked = ++lane.asked
      lane.record = on
      try {
        await unlessAborted(
          lanes.run(lane, signal, () => patchRecord(lane, on, signal)),
          signal,
        )
      } catch (error) {
        // A start that failed wants nothing: the next sync would begin a recording that nobody owns.
        if (on && lane.asked === asked) lane.record = before
        throw error
      }
    },

    sync: async (signal) => {
      // The link calls this after the server was seen alive: an open breaker would only delay the return.
      const call = breaker.state() === 'closed' ? guarded : retried
      let count = 0
      for (const lane of lanes.wanted().sort((a, b) => Number(b.record) - Number(a.record))) {
        try {
          if (await lanes.run(lane, signal, () => replace(lane, signal, call))) count++
        } catch (error) {
          // One path that is refused must not keep the others away.
          if (!(error instanceof Refused) || error.status === 401) throw error
          log.warn('the media server does not take a stream', { camera: lane.name, reason: error.message })
        }
      }
      const names = (await all('/v3/config/paths/list', signal, call)).map((item) =>
        isObject(item) ? String(item.name) : '',
      )
      for (const name of new Set(names.filter(isCameraId))) {
        const lane = lanes.lane(name)
        if (!isWanted(lane)) await lanes.run(lane, signal, () => remove(lane, signal, call))
      }
      if (breaker.state() !== 'closed') breaker.close()
      return count
    },

    streams: async (signal) => {
      const states = (await all('/v3/paths/list', signal, guarded))
        .map(streamState)
        .filter((state) => state !== undefined)
      // A path that came or went between two pages shifts the others.
      return [...new Map(states.map((state): [string, StreamState] => [state.name, state])).values()]
    },

    stream: async (name, signal) => {
      if (!/^[\w-]+(\/[\w-]+)*$/.test(name)) return undefined
      try {
        return streamState(await guarded({ method: 'GET', path: `/v3/paths/get/${name}`, signal }))
      } catch (error) {
        if (error instanceof Refused && error.status === 404 && error.routed) return undefined
        throw error
      }
    },

    ...createMediaSessions({ call: guarded, all: (path, signal) => all(path, signal, guarded) }),
    onBreaker: breaker.on,
    wantedPaths: () => Object.fromEntries(lanes.wanted().map((lane) => [lane.name, body(lane)])),
  }
}

const isWanted = (lane: Lane): lane is Lane & { spec: PathSpec } => lane.spec !== undefined
const neverAborted = (): AbortSignal => new AbortController().signal
