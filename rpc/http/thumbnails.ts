import { mayUse } from '../../machines/domain/access.js'
import { dependencyFailed, notFound, ServiceError } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { FileKind } from '../../machines/domain/ports.js'
import { Failure, reasonFrom } from '../../machines/domain/reason.js'
import { fromDisk } from '../fromDisk.js'
import type { RpcOptions } from '../options.js'
import { resources } from '../present.js'
import { thumbnailSubject } from '../signedUrls.js'
import { type CallerOptions, httpCaller } from './caller.js'
import { reading } from './reading.js'
import { pageNotFound, replyWith } from './reply.js'

const targetIn = (path: string): { kind: FileKind; name: string } | undefined => {
  const [, kind, encoded] = /^\/thumbnails\/(recordings|snapshots)\/([^/]+)$/.exec(path) ?? []
  if (kind === undefined || encoded === undefined) return undefined
  try {
    const name = decodeURIComponent(encoded)
    return isFileName(name) ? { kind: kind as FileKind, name } : undefined
  } catch {
    return undefined
  }
}

/** A recording without a keyframe has no picture; a browser then shows the alternative text. */
const refusalFor = (error: unknown, kind: FileKind, name: string): unknown => {
  if (!(error instanceof Failure)) return error
  if (error.code === 'limit_reached')
    return new ServiceError('rateLimited', { reason: 'too_many_waiting', retry_after_ms: 2_000 })
  return error.code === 'program_missing'
    ? dependencyFailed('ffmpeg', reasonFrom(error))
    : notFound(resources[kind], name)
}

/**
 * GET and HEAD of `/thumbnails/recordings/<name>` and `/thumbnails/snapshots/<name>`: a small JPEG of the first picture
 * of a file, for viewers of the file's camera and bearers of its signed URL.
 */
export const createThumbnailsHandler = (options: CallerOptions & { services: RpcOptions }) => {
  const { services } = options
  const callerOf = httpCaller(options)

  return reading(
    services,
    (path) => ({ action: 'GET /thumbnails', subject: path.slice('/thumbnails/'.length) }),
    async (exchange) => {
      const { request, response, headers, path, query } = exchange
      const target = targetIn(path)
      const file = target && { camera: query.get('camera') ?? '', name: target.name }
      const subjects = target && file ? [thumbnailSubject(target.kind, file)] : []
      const caller = await callerOf(request, { subjects, cost: 1 })
      exchange.admit(caller)
      if (target === undefined) throw pageNotFound()
      const { kind, name } = target
      const found = await fromDisk(services.files.find(kind, name))
      if (found === undefined || (caller.only !== undefined && caller.only !== thumbnailSubject(kind, found)))
        throw notFound(resources[kind], name)
      if (!mayUse(caller, found.camera)) {
        exchange.refusal = 'camera_right'
        throw notFound(resources[kind], name)
      }
      const picture = await services.thumbnails.of(found).catch((error: unknown) => {
        throw refusalFor(error, kind, name)
      })
      replyWith(request, response, 200, picture, {
        ...headers,
        'Content-Type': 'image/jpeg',
        'Cache-Control': 'private, max-age=600',
      })
    },
  )
}
