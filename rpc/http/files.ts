import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { mayUse } from '../../machines/domain/access.js'
import { invalidParam, notFound, ServiceError } from '../../machines/domain/errors.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { isFileName } from '../fileName.js'
import type { RpcOptions } from '../options.js'
import { resources } from '../present.js'
import { fileSubject } from '../signedUrls.js'
import { type CallerOptions, type HttpCaller, httpCaller, queryOf, whileGood } from './caller.js'
import { type Asked, reading } from './reading.js'

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

type Target = { kind: FileKind; name: string } | { error: ServiceError }

/** Kind and name of a URL below `/files/`, or what is wrong with it: whoever may not ask is not told even that. */
const targetOf = (path: string): Target => {
  const [, kind, encoded] = /^\/files\/(recordings|snapshots)\/([^/]+)$/.exec(path) ?? []
  if (kind === undefined || encoded === undefined)
    return { error: new ServiceError('notFound', { resource: 'page' }, 'Page not found') }
  const name = decoded(encoded)
  if (name === undefined || !isFileName(name)) return { error: invalidParam('filename', 'must be a file name') }
  return { kind: kind as FileKind, name }
}

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** What a signed URL of this file may be of: a name may lack its extension, a grant never does. */
const subjectsOf = (target: Target, camera: string): string[] =>
  'error' in target
    ? []
    : ['', ...extensions[target.kind]].map((extension) =>
        fileSubject(target.kind, { camera, name: `${target.name}${extension}` }),
      )

/** The bytes asked for: all of them (`undefined`), a part, or none that exist. One range only; others are ignored. */
export const rangeOf = (
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined => {
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

const isDeleted = (handle: FileHandle): Promise<boolean> =>
  handle.stat().then(
    ({ nlink }) => nlink === 0,
    () => false,
  )

/** Whether what the client has is what there is; dates count in whole seconds. */
const isFresh = ({ headers }: IncomingMessage, etag: string, modified: Date) => {
  const known = headers['if-none-match']
  if (known !== undefined)
    return known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.floor(modified.getTime() / 1000) * 1000 <= since
}

/** The name for who reads UTF-8 (RFC 8187), and something like it for who does not; `%41` in that would be an `A` to some. */
const dispositionOf = (name: string) => {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

/** Sends what was asked of an open file, up to where it ends now. */
const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  handle: FileHandle,
  { name, headers, patience }: Sending,
) => {
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
  response.setTimeout(patience, () => response.destroy())
  await pipeline(handle.createReadStream({ start, end, autoClose: false }), response)
}

interface Sending {
  name: string
  headers: Record<string, string>
  /** ms without a byte after which the client is given up. */
  patience: number
}

/**
 * GET and HEAD of `/files/recordings/<name>` and `/files/snapshots/<name>`, for viewers of the file's camera and bearers
 * of its signed URL. A file that still grows is served to its present end. A download that is under way is cut when its
 * right ends, when it takes too long, and when the file is deleted: who reads slowly would keep its room on the disk.
 */
export const createFilesHandler = (options: CallerOptions & { services: RpcOptions }) => {
  const { services } = options
  const { files, limits } = services
  const callerOf = httpCaller(options)

  const find = async (
    { kind, name }: { kind: FileKind; name: string },
    caller: HttpCaller,
    asked: Asked,
  ): Promise<MediaFile> => {
    const file = await files.find(kind, name)
    if (file === undefined || (caller.only !== undefined && caller.only !== fileSubject(kind, file)))
      throw notFound(resources[kind], name)
    if (mayUse(caller, file.camera)) return file
    asked.refusal = 'camera_right'
    throw notFound(resources[kind], name)
  }

  return reading(
    services,
    (path) => ({
      action: path.startsWith('/files/snapshots') ? 'GET /files/snapshots' : 'GET /files/recordings',
      subject: path.slice('/files/'.length),
    }),
    async (request, response, headers, asked) => {
      const [path = ''] = (request.url ?? '').split('?', 1)
      const target = targetOf(path)
      // Who asks comes first: without a credential nobody learns which names there are.
      const caller = await callerOf(request, {
        subjects: subjectsOf(target, queryOf(request.url).get('camera') ?? ''),
        cost: 1,
      })
      asked.admit(caller)
      if ('error' in target) {
        if (target.error.key === 'invalidParams') asked.refusal = 'not_a_file_name'
        throw target.error
      }
      const file = await find(target, caller, asked)
      const handle = await openRegular(file.path)
      if (handle === undefined) throw notFound(resources[target.kind], target.name)
      const cut = () => void response.destroy()
      const release = whileGood(services, caller, cut)
      const watch = setInterval(() => void isDeleted(handle).then((is) => is && cut()), 10_000)
      try {
        await send(request, response, handle, { name: file.name, headers, patience: limits.downloadTimeout ?? 60_000 })
      } finally {
        release()
        clearInterval(watch)
        await handle.close().catch(() => {})
      }
    },
  )
}
