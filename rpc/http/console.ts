import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import isFresh from 'fresh'
import { ServiceError } from '../../machines/domain/errors.js'
import type { RpcOptions } from '../options.js'
import { hostOf, streamUrls } from '../urls.js'
import { isReading, replyError, replyWith } from './reply.js'

/** Address → file and type. `charts.json` is only loaded by the view of the actors. */
const pages: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/console.js': { file: 'console.js', type: 'text/javascript; charset=utf-8' },
  '/console.css': { file: 'console.css', type: 'text/css; charset=utf-8' },
  '/console.svg': { file: 'console.svg', type: 'image/svg+xml' },
  '/charts.json': { file: 'charts.json', type: 'application/json; charset=utf-8' },
}

interface Page {
  type: string
  etag: string
  plain: Buffer
  zipped: Buffer
}

const compress = promisify(gzip)

/** The page learns the path of the WebSocket from this attribute. */
const pathIn = /(?<=name="websocket-path" content=")[^"]*/

const load = async (
  { file, type }: { file: string; type: string },
  { dir, socketPath }: { dir: string; socketPath: string },
): Promise<Page> => {
  const bytes = await readFile(join(dir, file))
  const plain = file === 'index.html' ? Buffer.from(bytes.toString().replace(pathIn, socketPath)) : bytes
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type, etag, plain, zipped: await compress(plain, { level: 9 }) }
}

/** True for a browser that opens the address. Other clients of `/` get the reply of an unknown address. */
const wantsPage = ({ headers: { accept = '' } }: IncomingMessage): boolean => accept.includes('text/html')

/** `host:port` as the browser knows it; empty if it cannot be part of a policy. */
const authorityOf = ({ headers: { host = '' } }: IncomingMessage): string =>
  /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(:\d{1,5})?$/i.test(host) ? host : ''

const originOf = (url: string | undefined): string[] => (url === undefined ? [] : [new URL(url).origin])

/**
 * No script, style or frame of elsewhere, nothing inline. The page may connect to this service and to the media server
 * (WebRTC by WHEP, HLS), whose ports differ.
 */
const policyFor = (request: IncomingMessage, { tls, publicHost, offers }: ConsoleOptions): string => {
  const { hls, webrtc } = streamUrls('camera0', hostOf(request), publicHost, offers())
  const authority = authorityOf(request)
  // Older browsers do not count a WebSocket as 'self'.
  const socket = authority === '' ? [] : [`${tls === undefined ? 'ws' : 'wss'}://${authority}`]
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    `media-src ${["'self'", 'blob:', ...originOf(hls)].join(' ')}`,
    `connect-src ${["'self'", ...socket, ...originOf(webrtc), ...originOf(hls)].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

type ConsoleOptions = Pick<RpcOptions, 'console' | 'tls' | 'publicHost' | 'offers' | 'log' | 'path'>

/**
 * GET and HEAD of the console, a single page of a few files. They contain nothing secret: everything that needs a right
 * comes by the API.
 */
export const createConsoleHandler = (options: ConsoleOptions) => {
  const { console: settings, log, path: socketPath = '/ws' } = options
  const loaded = new Map<string, Promise<Page>>()

  /** Reads a file once. After a failure the next request tries again. */
  const pageOf = (path: string, dir: string): Promise<Page> | undefined => {
    const found = pages[path]
    if (found === undefined) return undefined
    const known = loaded.get(path)
    if (known !== undefined) return known
    const loading = load(found, { dir, socketPath })
    loaded.set(path, loading)
    loading.catch((error: NodeJS.ErrnoException) => {
      loaded.delete(path)
      log.warn('the console cannot be served', { file: found.file, reason: error.code ?? 'unknown' })
    })
    return loading
  }

  return {
    /** True if the console answers this request. */
    serves: (path: string, request: IncomingMessage): boolean =>
      settings !== undefined && Object.hasOwn(pages, path) && (path !== '/' || wantsPage(request)),
    serve: async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (!isReading(request, response)) return
      const page = await pageOf(path, settings?.dir ?? '')?.catch(() => undefined)
      if (page === undefined) {
        const suggestion = 'Build the service again: make build'
        const missing = new ServiceError('notFound', { resource: 'console', suggestion }, 'The console is not built')
        return replyError(request, response, missing)
      }
      const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
      const headers = {
        'Content-Type': page.type,
        ETag: page.etag,
        'Cache-Control': 'no-cache',
        Vary: 'Accept, Accept-Encoding',
        'Content-Security-Policy': policyFor(request, options),
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Resource-Policy': 'same-origin',
      }
      if (isFresh(request.headers, { etag: page.etag })) {
        response.writeHead(304, headers).end()
        return
      }
      replyWith(request, response, 200, isZipped ? page.zipped : page.plain, {
        ...headers,
        ...(isZipped && { 'Content-Encoding': 'gzip' }),
      })
    },
  }
}
