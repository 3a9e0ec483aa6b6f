import { dependencyFailed, notFound, ServiceError } from '../../machines/domain/errors.js'
import type { FileKind } from '../../machines/domain/ports.js'
import { Failure, reasonFrom } from '../../machines/domain/reason.js'
import type { RpcOptions } from '../options.js'
import { resources } from '../present.js'
import { thumbnailSubject } from '../signedUrls.js'
import { type CallerOptions, httpCaller } from './caller.js'
import { fileTargetIn, findFor } from './fileTarget.js'
import { reading } from './reading.js'
import { pageNotFound, replyWith } from './reply.js'

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
      const target = fileTargetIn('thumbnails', path)
      const camera = query.get('camera') ?? ''
      const subjects = typeof target === 'string' ? [] : [thumbnailSubject(target.kind, { camera, name: target.name })]
      const caller = await callerOf(request, { subjects, cost: 1 })
      exchange.admit(caller)
      if (typeof target === 'string') throw pageNotFound()
      const { kind, name } = target
      const found = await findFor(services, target, { caller, exchange, subjectOf: thumbnailSubject })
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
