import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import type { Caller, FileKind, MediaFile } from '../../machines/domain/ports.js'
import { rateLimited, requireRole } from '../dispatcher.js'
import { isFileName } from '../fileName.js'
import type { RpcOptions } from '../options.js'
import { isAllowedOrigin } from '../origins.js'
import { resources } from '../present.js'
import type { Limiter } from '../rate.js'
import { bracketed } from '../urls.js'
import { isReading, replyError } from './reply.js'

const types: Record<string, string> = { '.mp4': 'video/mp4', '.mkv': 'video/x-matroska', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png' }

/** Kind and name of a URL below `/files/`; throws for what is no such URL. */
const targetOf = (url: string): { kind: FileKind; name: string } => {
  const [path = ''] = url.split('?', 1)
  const [, kind, encoded] = /^\/files\/(recordings|snapshots)\/([^/]+)$/.exec(path) ?? []
  if (kind === undefined || encoded === undefined) throw new ServiceError('notFound', { resource: 'page' }, 'Page not found')
  const name = decoded(encoded)
  if (name === undefined || !isFileName(name)) throw invalidParam('filename', 'must be a file name')
  return { kind: kind as FileKind, name }
}

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The bytes asked for: all of them (`undefined`), a part, or none that exist. One range only; others are ignored. */
export const rangeOf = (header: string | undefined, size: number): { start: number; end: number } | 'unsatisfiable' | undefined => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const count = Number(last)
    return count === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - count), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** Never through a link, never a pipe or a device. `undefined`: it is none of our files, or gone. */
const openRegular = async (path: string): Promise<FileHandle | undefined> => {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO') return undefined
    throw error
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  return undefined
}

/** Whether what the client has is what there is; dates count in whole seconds. */
const isFresh = ({ headers }: IncomingMessage, etag: string, modified: Date) => {
  const known = headers['if-none-match']
  if (known !== undefined) return known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.floor(modified.getTime() / 1000) * 1000 <= since
}

/** The name for who reads UTF-8 (RFC 8187), and something like it for who does not; `%41` in that would be an `A` to some. */
const dispositionOf = (name: string) => {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

/**
 * GET and HEAD of `/files/recordings/<name>` and `/files/snapshots/<name>` for bearers of a token. A file that still
 * grows is served to its present end.
 */
export const createFilesHandler = ({
  options: { files, tokens, log, limits, corsOrigins, mayUse },
  limiter,
}: {
  options: Pick<RpcOptions, 'files' | 'tokens' | 'log' | 'limits' | 'corsOrigins' | 'mayUse'>
  limiter: Limiter
}) => {
  const callerOf = async ({ headers, socket }: IncomingMessage): Promise<Caller> => {
    const [, token] = /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? '') ?? []
    const countFor = (key: string) => {
      const wait = limiter.take(key)
      if (wait > 0) throw rateLimited(wait)
    }
    // Refused tokens count for the address: guessing is not free.
    if (token === undefined) {
      countFor(`address ${bracketed(socket.remoteAddress ?? 'unknown')}`)
      throw new ServiceError('authRequired', { reason: 'auth_required' })
    }
    try {
      const caller = await tokens.verify(token)
      countFor(`user ${caller.user}`)
      return caller
    } catch (error) {
      if (error instanceof ServiceError && error.key === 'authFailed') countFor(`address ${bracketed(socket.remoteAddress ?? 'unknown')}`)
      throw error
    }
  }

  const findFor = async (caller: Caller, kind: FileKind, name: string): Promise<MediaFile> => {
    const file = await files.find(kind, name)
    if (file === undefined || mayUse?.(caller, file.camera) === false) throw notFound(resources[kind], name)
    return file
  }

  const serve = async (request: IncomingMessage, response: ServerResponse, handle: FileHandle, name: string, headers: Record<string, string>) => {
    const { size, mtime, mtimeMs } = await handle.stat()
    const etag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`
    const common = {
      ...headers,
      ETag: etag,
      'Last-Modified': mtime.toUTCString(),
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'private, no-cache',
    }
    if (isFresh(request, etag, mtime)) {
      response.writeHead(304, common).end()
      return
    }
    const condition = request.headers['if-range']
    const current = condition === undefined || condition === etag || condition === mtime.toUTCString()
    const range = current ? rangeOf(request.headers.range, size) : undefined
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...common, 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: size - 1 }
    response.writeHead(range === undefined ? 200 : 206, {
      ...common,
      ...(range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
      'Content-Type': types[extname(name).toLowerCase()] ?? 'application/octet-stream',
      'Content-Disposition': dispositionOf(name),
      'Content-Length': end - start + 1,
    })
    if (request.method === 'HEAD' || size === 0) {
      response.end()
      return
    }
    response.setTimeout(limits.downloadTimeout ?? 60_000, () => response.destroy())
    await pipeline(handle.createReadStream({ start, end, autoClose: false }), response)
  }

  const originHeaders = ({ headers: { origin } }: IncomingMessage): Record<string, string> =>
    origin !== undefined && isAllowedOrigin(corsOrigins, origin)
      ? {
          'Access-Control-Allow-Origin': corsOrigins.includes('*') ? '*' : origin,
          'Access-Control-Expose-Headers': 'Content-Disposition, Content-Range, ETag',
          Vary: 'Origin',
        }
      : {}

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = { 'X-Content-Type-Options': 'nosniff', ...originHeaders(request) }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { ...headers, 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': 'Authorization, Range' }).end()
      return
    }
    if (!isReading(request, response, headers)) return
    let handle: FileHandle | undefined
    try {
      // Who asks comes first: without a token nobody learns which names there are.
      const caller = await callerOf(request)
      requireRole('viewer', caller.role)
      const { kind, name } = targetOf(request.url ?? '')
      const file = await findFor(caller, kind, name)
      handle = await openRegular(file.path)
      if (handle === undefined) throw notFound(resources[kind], name)
      await serve(request, response, handle, file.name, headers)
    } catch (error) {
      if (response.headersSent) {
        // The client went away, or the file was cut short: the length that was promised cannot be kept.
        response.destroy()
        return
      }
      const known = error instanceof ServiceError ? error : new ServiceError('internal')
      if (known !== error) log.error('a file could not be served', { error })
      replyError(request, response, known, known.status === 401 ? { ...headers, 'WWW-Authenticate': 'Bearer' } : headers)
    } finally {
      await handle?.close().catch(() => {})
    }
  }
}
