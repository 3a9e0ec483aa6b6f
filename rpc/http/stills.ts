import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { StillRequest } from '../../actors/ask.js'
import { mayUse } from '../../machines/domain/access.js'
import { isCameraId } from '../../machines/domain/camera.js'
import { invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import type { SnapshotTier } from '../../machines/domain/views.js'
import type { RpcOptions } from '../options.js'
import { given, iso } from '../present.js'
import { type CallerOptions, httpCaller, queryOf, whileGood } from './caller.js'
import { reading } from './reading.js'

type Wish = Omit<StillRequest, 'by'>

interface Picture {
  bytes: Buffer
  tier: SnapshotTier
  capturedAt: number
}

/** Requests that may wait for pictures of one camera at once. */
const maxWaiting = 32

/** What may be asked for; everything else in the query is passed over, as pages add things there to get past caches. */
const numbers = {
  max_age: { min: 0, max: 3600, whole: false },
  w: { min: 16, max: 7680, whole: true },
  h: { min: 16, max: 4320, whole: true },
  q: { min: 1, max: 100, whole: true },
} as const

const numberOf = (query: URLSearchParams, name: keyof typeof numbers): number | undefined => {
  const [text, ...more] = query.getAll(name)
  if (text === undefined) return undefined
  const { min, max, whole } = numbers[name]
  const value = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (more.length === 0 && value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw invalidParam(
    name,
    `must be given once, a${whole ? ' whole' : ''} number from ${min} to ${max}${name === 'max_age' ? ' (seconds)' : ''}`,
  )
}

const wishOf = (query: URLSearchParams, { snapshots }: Pick<RpcOptions, 'snapshots'>): Wish => {
  const maxAge = numberOf(query, 'max_age')
  return {
    ...given({ width: numberOf(query, 'w'), height: numberOf(query, 'h') }),
    quality: numberOf(query, 'q') ?? snapshots.quality,
    maxAge: maxAge === undefined ? snapshots.maxAge : Math.round(maxAge * 1000),
  }
}

/** Takes one picture for all who wish the same of one camera at the same time. */
const createTaking = ({ ask, clock }: Pick<RpcOptions, 'ask' | 'clock'>) => {
  const underway = new Map<string, Promise<Picture>>()

  const take = async (camera: string, wish: Wish, user: string): Promise<Picture> => {
    const still = await ask.takeStill(camera, {
      ...wish,
      by: { user, request: `http-${randomUUID().slice(0, 8)}`, session: '' },
    })
    try {
      return { bytes: await readFile(still.file), tier: still.tier, capturedAt: still.capturedAt }
    } finally {
      await rm(still.file, { force: true })
    }
  }
  const shared = (camera: string, wish: Wish, user: string): Promise<Picture> => {
    const key = [camera, wish.maxAge, wish.quality, wish.width, wish.height].join(' ')
    const known = underway.get(key)
    if (known !== undefined) return known
    const taking = take(camera, wish, user).finally(() => underway.delete(key))
    underway.set(key, taking)
    return taking
  }

  return async (camera: string, wish: Wish, user: string): Promise<Picture> => {
    const oldest = clock.now() - wish.maxAge
    const picture = await shared(camera, wish, user)
    // One that others began to wait for may be too old for who came last; the next is not.
    return picture.capturedAt >= oldest ? picture : shared(camera, wish, user)
  }
}

/** At most so many wait for one camera; who has gone away does not count any more. */
const createQueue = () => {
  const waiting = new Map<string, number>()
  return async <T>(camera: string, response: ServerResponse, wait: () => Promise<T>): Promise<T | undefined> => {
    const count = waiting.get(camera) ?? 0
    if (count >= maxWaiting)
      throw new ServiceError('rateLimited', { reason: 'too_many_waiting', retry_after_ms: 1_000 })
    waiting.set(camera, count + 1)
    const over = new AbortController()
    try {
      const gone = once(response, 'close', { signal: over.signal }).then(() => undefined)
      gone.catch(() => {})
      return await Promise.race([wait(), gone])
    } finally {
      over.abort()
      const rest = (waiting.get(camera) ?? 1) - 1
      if (rest > 0) waiting.set(camera, rest)
      else waiting.delete(camera)
    }
  }
}

/**
 * GET and HEAD of `/cameras/<id>/snapshot.jpg?max_age=<s>&w=&h=&q=`: a picture to look at, which is kept nowhere. Viewers
 * may, as they may watch the stream that it comes from; it may wake the camera. Way and age (ms) are in the headers.
 */
export const createStillsHandler = (options: CallerOptions & { services: RpcOptions }) => {
  const { services } = options
  const { directory, clock, limits } = services
  const callerOf = httpCaller(options)
  const takePicture = createTaking(services)
  const queue = createQueue()

  return reading(
    services,
    (path) => ({ action: 'GET /cameras/snapshot.jpg', subject: path.slice('/cameras/'.length) }),
    async (request, response, headers, asked) => {
      const [path = ''] = (request.url ?? '').split('?', 1)
      const [, id] = /^\/cameras\/([^/]{1,64})\/snapshot\.jpg$/.exec(path) ?? []
      const caller = await callerOf(request, { subjects: id === undefined ? [] : [`still:${id}`], cost: 10 })
      asked.admit(caller)
      if (id === undefined) throw new ServiceError('notFound', { resource: 'page' }, 'Page not found')
      if (!isCameraId(id)) throw notFound('Camera', id)
      if (!mayUse(caller, id)) {
        asked.refusal = 'camera_right'
        throw notFound('Camera', id)
      }
      directory.camera(id)
      const wish = wishOf(queryOf(request.url), services)
      const { status, message } = directory.system()
      if (status === 'starting')
        throw new ServiceError('dependencyFailed', {
          reason: 'service_initializing',
          dependency: 'camera_service',
          detail: message,
        })
      // Whoever has gone away meanwhile tells so no more.
      if (response.closed) return
      const picture = await queue(id, response, () => takePicture(id, wish, caller.user))
      if (picture === undefined || response.closed) return
      const release = whileGood(services, caller, () => response.destroy())
      response.once('close', release)
      response.setTimeout(limits.downloadTimeout ?? 60_000, () => response.destroy())
      response.writeHead(200, {
        ...headers,
        'Content-Type': 'image/jpeg',
        'Content-Length': picture.bytes.length,
        'Cache-Control': 'no-store',
        'X-Snapshot-Tier': picture.tier,
        'X-Snapshot-Age': Math.max(0, Math.round(clock.now() - picture.capturedAt)),
        'X-Snapshot-Captured-At': iso(picture.capturedAt),
      })
      response.end(request.method === 'HEAD' ? undefined : picture.bytes)
    },
  )
}
