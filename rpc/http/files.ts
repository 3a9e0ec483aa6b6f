import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import contentDisposition from 'content-disposition'
import isFresh from 'fresh'
import parseRange from 'range-parser'
import { invalidParam, notFound } from '../../machines/domain/errors.js'
import type { FileKind } from '../../machines/domain/ports.js'
import type { RpcOptions } from '../options.js'
import { resources } from '../present.js'
import { fileSubject } from '../signedUrls.js'
import { type CallerOptions, httpCaller, whileGood } from './caller.js'
import { fileTargetIn, findFor } from './fileTarget.js'
import { type Exchange, reading } from './reading.js'
import { pageNotFound } from './reply.js'

const types: Record<string, string> = {
  '.mp4': 'video/mp4',
  '.mkv': 'video/x-matroska',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
}

/** Extensions that a name may lack. */
const extensions: Record<FileKind, readonly string[]> = {
  recordings: ['.mp4', '.mkv'],
  snapshots: ['.jpg', '.jpeg', '.png'],
}

/** A download whose file was deleted is cut within this time (ms): otherwise a slow client would keep the disk full. */
const deletedCheck = 10_000

/** The grants that open this file. A name may lack its extension, a grant never does. */
const subjectsOf = (target: ReturnType<typeof fileTargetIn>, camera: string): string[] =>
  typeof target === 'string'
    ? []
    : ['', ...extensions[target.kind]].map((extension) =>
        fileSubject(target.kind, { camera, name: `${target.name}${extension}` }),
      )

/** The part of the file to send; `undefined` for the whole file. Only a single range of bytes is supported. */
export const rangeOf = (
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined => {
  const [range, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (range === undefined || (first && last && Number(last) < Number(first))) return undefined
  // A suffix longer than the file means the whole file (RFC 9110, 14.1.2); range-parser finds it unsatisfiable.
  const ranges = parseRange(size, first === '' && Number(last) > size ? 'bytes=0-' : range)
  if (ranges === -1) return 'unsatisfiable'
  return ranges === -2 ? undefined : ranges[0]
}

/** Opens a regular file, never a link, pipe or device. `undefined`: there is no such file (any more). */
const openRegular = async (path: string): Promise<FileHandle | undefined> => {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'].includes(code)) return undefined
    throw error
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  return undefined
}

/** False for a file that was replaced by another one of its name: its download goes on. */
const isDeleted = async (handle: FileHandle, path: string): Promise<boolean> => {
  const hasName = await handle.stat().then(
    ({ nlink }) => nlink > 0,
    () => true,
  )
  if (hasName) return false
  return lstat(path).then(
    () => false,
    () => true,
  )
}

/** Sends the requested part of an open file, up to its present end. Gives up after `patience` ms without a byte. */
const send = async (
  { request, response, headers }: Exchange,
  handle: FileHandle,
  { name, patience }: { name: string; patience: number },
) => {
  const { size, mtimeMs, ctimeMs, ino } = await handle.stat()
  const etag = `"${[size, Math.round(mtimeMs), ino].map((part) => part.toString(16)).join('-')}"`
  // An indexed file replaces the original and keeps its time: only the time of the inode is that of these bytes.
  const modified = new Date(Math.max(mtimeMs, ctimeMs)).toUTCString()
  const common = {
    ...headers,
    ETag: etag,
    'Last-Modified': modified,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-cache',
  }
  if (isFresh(request.headers, { etag, 'last-modified': modified })) {
    response.writeHead(304, common).end()
    return
  }
  const { range: header, 'if-range': condition = etag } = request.headers
  const range = condition === etag || condition === modified ? rangeOf(header, size) : undefined
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  response.writeHead(range === undefined ? 200 : 206, {
    ...common,
    ...(range && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
    'Content-Type': types[extname(name).toLowerCase()] ?? 'application/octet-stream',
    // ASCII for old clients, without `%`: some of them decode `%41` to `A`.
    'Content-Disposition': contentDisposition(name, { fallback: name.replace(/[^\x20-\x7e]|["\\%]/gu, '_') }),
    'Content-Length': end - start + 1,
  })
  if (request.method === 'HEAD' || size === 0) {
    response.end()
    return
  }
  response.setTimeout(patience, () => response.destroy())
  await pipeline(handle.createReadStream({ start, end, autoClose: false }), response)
}

/**
 * GET and HEAD of `/files/recordings/<name>` and `/files/snapshots/<name>`, for viewers of the file's camera and
 * bearers of its signed URL. A growing file is sent up to its present end. A download in progress is cut when the
 * caller's right ends, when it takes too long, and when the file is deleted, but not when it is replaced.
 */
export const createFilesHandler = (options: CallerOptions & { services: RpcOptions }) => {
  const { services } = options
  const { limits } = services
  const callerOf = httpCaller(options)

  return reading(
    services,
    (path) => ({
      action: path.startsWith('/files/snapshots') ? 'GET /files/snapshots' : 'GET /files/recordings',
      subject: path.slice('/files/'.length),
    }),
    async (exchange) => {
      const { request, response, path, query } = exchange
      const target = fileTargetIn('files', path)
      const subjects = subjectsOf(target, query.get('camera') ?? '')
      // The caller first: without a credential a client must not learn which files exist.
      const caller = await callerOf(request, { subjects, cost: 1 })
      exchange.admit(caller)
      if (target === 'unknown') throw pageNotFound()
      if (target === 'no_file_name') {
        exchange.refusal = 'not_a_file_name'
        throw invalidParam('filename', 'must be a file name')
      }
      const file = await findFor(services, target, { caller, exchange, subjectOf: fileSubject })
      const handle = await openRegular(file.path)
      if (handle === undefined) throw notFound(resources[target.kind], target.name)
      const cut = () => void response.destroy()
      const release = whileGood(services, caller, cut)
      const watch = setInterval(() => void isDeleted(handle, file.path).then((is) => is && cut()), deletedCheck)
      try {
        await send(exchange, handle, { name: file.name, patience: limits.downloadTimeout ?? 60_000 })
      } finally {
        release()
        clearInterval(watch)
        await handle.close().catch(() => {})
      }
    },
  )
}
