import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Directory } from '../../actors/directory.js'
import { allowList } from '../../machines/domain/address.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { listen, shutdown } from '../listen.js'
import type { About } from '../options.js'
import { given, iso, statusOf } from '../present.js'
import type { Status } from '../schemas.js'
import { createHostCheck } from './hosts.js'
import type { MetricsText } from './metricsPage.js'
import { isReading, replyJson, replyNotFound } from './reply.js'

export interface HealthOptions {
  host: string
  /** 0: any free one. */
  port: number
  directory: Directory
  clock: Clock
  log: Log
  about: About
  /** Who may ask: with `allowedIps` (addresses and networks) exactly those, else with `internalOnly` (default) this machine and private networks. */
  internalOnly?: boolean
  allowedIps?: readonly string[]
  /** Names of this machine that its details may be asked for by, beside its own host name; addresses and `localhost` always do. */
  hosts?: readonly string[]
  /** What `/metrics` tells; without it there is no such page. */
  metrics?: () => Promise<MetricsText>
  /** Default `/health`, `/health/live`, `/health/ready`, `/health/detailed`. */
  endpoints?: { basic?: string; live?: string; ready?: string; detailed?: string }
}

/** Loopback, private and link-local networks. */
export const isInternal = allowList([
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
])

const detailHeaders = {
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  Expires: '0',
}

/** Of pages that tell scripts of any origin no more than that the service is there. */
const openHeaders = {
  ...detailHeaders,
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type',
}

/** Seconds as the documented clients read them: `30.169s`, `2m5.5s`, `1h0m0.25s`. */
export const durationText = (seconds: number): string => {
  const ms = Math.round(seconds * 1000)
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms % 3_600_000) / 60_000)
  const rest = `${(ms % 60_000) / 1000}s`
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest
}

const words = { HEALTHY: 'healthy', DEGRADED: 'degraded', UNHEALTHY: 'unhealthy' } as const
const componentWords = {
  RUNNING: 'healthy',
  STARTING: 'degraded',
  STOPPING: 'degraded',
  STOPPED: 'degraded',
  ERROR: 'unhealthy',
} as const
const storageWords = { ok: 'healthy', unknown: 'healthy', warning: 'degraded', critical: 'unhealthy' } as const

const componentsOf = ({ components, reasons }: Status, directory: Directory) => {
  const told = ({ state, since, reason }: Status['reasons']['mediamtx']) => ({ state, since, message: reason ?? state })
  const mediamtx = directory.link().state === 'degraded' ? 'degraded' : componentWords[components.mediamtx]
  return [
    { name: 'websocket_server', status: componentWords[components.websocket_server], message: 'listening' },
    // Discovery that was switched off is as it should be.
    {
      name: 'camera_monitor',
      status: components.camera_monitor === 'STOPPED' ? 'healthy' : componentWords[components.camera_monitor],
      ...told(reasons.camera_monitor),
    },
    { name: 'mediamtx', status: mediamtx, ...told(reasons.mediamtx) },
    { name: 'storage', status: storageWords[directory.storage().state], ...told(reasons.storage) },
  ]
}

/**
 * The health endpoints and the metrics on a server of their own, without credentials: who may ask goes by the address.
 * `/health` and `/health/mediamtx` are 503 when unhealthy, `/health/ready` and `/healthz` until cameras can be used;
 * `/health/detailed` and `/health/cameras` always answer 200, because their readers want the details.
 */
export const createHealthServer = (options: HealthOptions) => {
  const {
    directory,
    clock,
    log,
    about,
    metrics,
    internalOnly = true,
    allowedIps = [],
    hosts = [],
    endpoints = {},
  } = options
  const isOurName = createHostCheck(hosts)
  const mayAsk = allowedIps.length === 0 && internalOnly ? isInternal : allowList(allowedIps)
  const timestamp = () => iso(clock.now())

  const basic = () => {
    const status = statusOf({ directory, clock, about })
    const body = {
      status: words[status.status],
      timestamp: timestamp(),
      version: about.version,
      uptime: durationText(status.uptime),
    }
    return { code: status.status === 'UNHEALTHY' ? 503 : 200, body, status }
  }
  const live = () => ({ code: 200, body: { alive: true, timestamp: timestamp(), message: 'System is alive' } })
  const ready = () => {
    const { status, message } = directory.system()
    const link = directory.link()
    const isReady = status !== 'starting' && link.state === 'up'
    const why =
      status === 'starting'
        ? message
        : `the media server is ${link.state}${link.cause.reason === undefined ? '' : `: ${link.cause.reason}`}`
    return {
      code: isReady ? 200 : 503,
      body: { ready: isReady, timestamp: timestamp(), message: isReady ? 'System is ready' : why },
    }
  }
  const pages: Record<string, () => { code: number; body: object }> = {
    [endpoints.basic ?? '/health']: basic,
    [endpoints.live ?? '/health/live']: live,
    [endpoints.ready ?? '/health/ready']: ready,
    '/health/alive': live,
    '/healthz': () => {
      const { code, body } = ready()
      return { code, body: body.ready ? { status: 'ok' } : { status: 'unavailable', message: body.message } }
    },
    '/health/mediamtx': () => {
      const { state, cause, server } = directory.link()
      const { kind, version } = server ?? {}
      const status = state === 'up' ? 'healthy' : state === 'down' ? 'unhealthy' : 'degraded'
      const body = {
        status,
        state,
        since: iso(cause.since),
        timestamp: timestamp(),
        ...given({ message: cause.reason, kind, version }),
      }
      return { code: state === 'down' ? 503 : 200, body }
    },
    '/health/cameras': () => {
      const cameras = directory.cameras()
      const states: Record<string, number> = {}
      for (const { cause } of cameras) states[cause.state] = (states[cause.state] ?? 0) + 1
      const connected = cameras.filter(({ status }) => status === 'CONNECTED').length
      return { code: 200, body: { total: cameras.length, connected, states, timestamp: timestamp() } }
    },
    [endpoints.detailed ?? '/health/detailed']: () => {
      const { body, status } = basic()
      const components = componentsOf(status, directory)
      const count = (word: string) => components.filter((component) => component.status === word).length
      const metrics = {
        uptime_seconds: status.uptime,
        component_count: components.length,
        components_healthy: count('healthy'),
        components_degraded: count('degraded'),
        components_unhealthy: count('unhealthy'),
      }
      const cameras = directory.cameras()
      return {
        code: 200,
        body: {
          ...body,
          components,
          metrics,
          cameras: {
            total: cameras.length,
            connected: cameras.filter((camera) => camera.status === 'CONNECTED').length,
          },
          environment: 'production',
        },
      }
    },
  }
  const table = new Map(Object.entries(pages))
  const detailed = new Set([
    '/metrics',
    '/health/mediamtx',
    '/health/cameras',
    endpoints.detailed ?? '/health/detailed',
  ])

  const scrape = async (request: IncomingMessage, response: ServerResponse, tell: () => Promise<MetricsText>) => {
    if (!isReading(request, response)) return
    try {
      const { contentType, text } = await tell()
      response.writeHead(200, {
        'Content-Type': contentType,
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
      })
      response.end(request.method === 'HEAD' ? undefined : text)
    } catch (error) {
      log.error('the metrics could not be told', { error })
      replyJson(request, response, 500, { error: 'internal error' })
    }
  }

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (!mayAsk(request.socket.remoteAddress)) {
      response.writeHead(403, { 'Content-Length': 0, Connection: 'close' }).end()
      return
    }
    const [path = ''] = (request.url ?? '').split('?', 1)
    const headers = detailed.has(path) ? detailHeaders : openHeaders
    if (detailed.has(path) && !isOurName(request.headers.host)) {
      replyJson(
        request,
        response,
        403,
        { error: 'this host name is not known here: ask by an IP address, or by the name in server.public_host' },
        detailHeaders,
      )
      return
    }
    if (path === '/metrics' && metrics !== undefined) {
      void scrape(request, response, metrics)
      return
    }
    const page = table.get(path)
    if (page === undefined) return replyNotFound(request, response)
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end()
      return
    }
    if (!isReading(request, response, headers)) return
    try {
      const { code, body } = page()
      replyJson(request, response, code, body, headers)
    } catch (error) {
      log.error('the health could not be told', { error })
      replyJson(
        request,
        response,
        500,
        { error: 'internal error', timestamp: timestamp(), status: 'unhealthy' },
        headers,
      )
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 }, answer)
  server.maxConnections = 256
  return {
    /** Resolves with the port it listens on; rejects when the port is in use. */
    start: () => listen(server, options, 'health endpoints'),
    stop: () => shutdown(server),
  }
}
