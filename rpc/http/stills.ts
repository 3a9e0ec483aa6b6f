import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import pLimit, { type LimitFunction } from 'p-limit'
import type { StillRequest } from '../../actors/ask.js'
import { mayUse } from '../../machines/domain/access.js'
import { isCameraId } from '../../machines/domain/camera.js'
import { invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import type { SnapshotTier } from '../../machines/domain/views.js'
import { fillOf } from '../methods/snapshots.js'
import type { RpcOptions } from '../options.js'
import { given, iso } from '../present.js'
import { demandStarted } from '../rights.js'
import { type CallerOptions, httpCaller, whileGood } from './caller.js'
import { reading } from './reading.js'
import { pageNotFound, replyWith } from './reply.js'

type PictureOptions = Omit<StillRequest, 'by'>

interface Picture {
  bytes: Buffer
  tier: SnapshotTier
  capturedAt: number
}

/** Requests that may wait for pictures of one camera at once. */
const maxWaiting = 32

/** Parameters of the query. Others are ignored: pages add some to get past caches. */
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
  const [what, unit] = whole ? ['a whole number', ''] : ['a number', ' (seconds)']
  throw invalidParam(name, `must be given once, ${what} from ${min} to ${max}${unit}`)
}

const fitOf = (query: URLSearchParams): string => {
  const [fit = 'contain', ...more] = query.getAll('fit')
  if (more.length === 0 && (fit === 'contain' || fit === 'fill')) return fit
  throw invalidParam('fit', 'must be given once, contain or fill')
}

const pictureOptions = (query: URLSearchParams, { snapshots }: Pick<RpcOptions, 'snapshots'>): PictureOptions => {
  const maxAge = numberOf(query, 'max_age')
  const frame = given({ width: numberOf(query, 'w'), height: numberOf(query, 'h') })
  return {
    ...frame,
    ...given({ fit: fillOf({ ...frame, fit: fitOf(query) }) }),
    quality: numberOf(query, 'q') ?? snapshots.quality,
    maxAge: maxAge === undefined ? snapshots.maxAge : Math.round(maxAge * 1000),
  }
}

/** Takes one picture for all requests with the same options at the same time. */
const createSharedPictures = ({ ask, clock }: Pick<RpcOptions, 'ask' | 'clock'>) => {
  const underway = new Map<string, Promise<Picture>>()

  const take = async (camera: string, options: PictureOptions, user: string): Promise<Picture> => {
    const by = { user, request: `http-${randomUUID().slice(0, 8)}`, session: '' }
    const { file, tier, capturedAt } = await ask.takeStill(camera, { ...options, by })
    try {
      return { bytes: await readFile(file), tier, capturedAt }
    } finally {
      await rm(file, { force: true })
    }
  }
  const share = (camera: string, options: PictureOptions, user: string): Promise<Picture> => {
    const { maxAge, quality, width, height, fit } = options
    const key = [camera, maxAge, quality, width, height, fit].join(' ')
    const known = underway.get(key)
    if (known !== undefined) return known
    const taking = take(camera, options, user).finally(() => underway.delete(key))
    underway.set(key, taking)
    return taking
  }

  return async (camera: string, options: PictureOptions, user: string): Promise<Picture> => {
    const oldest = clock.now() - options.maxAge
    const picture = await share(camera, options, user)
    // A picture that others began to wait for may be too old for this request. The next one is not.
    return picture.capturedAt >= oldest ? picture : share(camera, options, user)
  }
}

/** Lets `maxWaiting` requests wait for each camera; a client that leaves makes room at once. */
const createWaitingRoom = () => {
  const rooms = new Map<string, LimitFunction>()
  /** Resolves with `undefined` if the client left. */
  return async <T>(camera: string, response: ServerResponse, wait: () => Promise<T>): Promise<T | undefined> => {
    const room = rooms.get(camera) ?? pLimit(maxWaiting)
    rooms.set(camera, room)
    if (room.activeCount >= maxWaiting)
      throw new ServiceError('rateLimited', { reason: 'too_many_waiting', retry_after_ms: 1_000 })
    const settled = new AbortController()
    const left = once(response, 'close', { signal: settled.signal }).then(
      () => undefined,
      () => undefined,
    )
    return room(() => Promise.race([wait(), left])).finally(() => settled.abort())
  }
}

/**
 * GET and HEAD of `/cameras/<id>/snapshot.jpg?max_age=<s>&w=&h=&fit=&q=`: a picture that is not kept, for viewers of the
 * camera. It may wake the camera. The reply's headers state the tier and the age (ms).
 */
export const createStillsHandler = (options: CallerOptions & { services: RpcOptions }) => {
  const { services } = options
  const { directory, clock, limits } = services
  const callerOf = httpCaller(options)
  const takePicture = createSharedPictures(services)
  const waitIn = createWaitingRoom()

  return reading(
    services,
    (path) => ({ action: 'GET /cameras/snapshot.jpg', subject: path.slice('/cameras/'.length) }),
    async (exchange) => {
      const { request, response, headers, path, query } = exchange
      const [, id] = /^\/cameras\/([^/]{1,64})\/snapshot\.jpg$/.exec(path) ?? []
      const caller = await callerOf(request, { subjects: id === undefined ? [] : [`still:${id}`], cost: 10 })
      exchange.admit(caller)
      if (id === undefined) throw pageNotFound()
      if (!isCameraId(id)) throw notFound('Camera', id)
      if (!mayUse(caller, id)) {
        exchange.refusal = 'camera_right'
        throw notFound('Camera', id)
      }
      exchange.camera = id
      directory.camera(id)
      const wanted = pictureOptions(query, services)
      demandStarted(directory)
      // A closed response emits no second 'close'.
      if (response.closed) return
      const picture = await waitIn(id, response, () => takePicture(id, wanted, caller.user))
      if (picture === undefined || response.closed) return
      const release = whileGood(services, caller, () => response.destroy())
      response.once('close', release)
      response.setTimeout(limits.downloadTimeout ?? 60_000, () => response.destroy())
      replyWith(request, response, 200, picture.bytes, {
        ...headers,
        'Content-Type': 'image/jpeg',
        'Cache-Control': 'no-store',
        'X-Snapshot-Tier': picture.tier,
        'X-Snapshot-Age': Math.max(0, Math.round(clock.now() - picture.capturedAt)),
        'X-Snapshot-Captured-At': iso(picture.capturedAt),
      })
    },
  )
}
