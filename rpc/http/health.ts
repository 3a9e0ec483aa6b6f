import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Directory } from '../../actors/directory.js'
import { allowList } from '../../machines/domain/address.js'
import type { StorageView } from '../../machines/domain/views.js'
import { listen, shutdown } from '../listen.js'
import type { RpcOptions } from '../options.js'
import { given, iso, isSound, type StatusSources, statusOf } from '../present.js'
import { createClientAddress } from '../proxies.js'
import type { Status } from '../schemas.js'
import { targetOf } from './caller.js'
import { createHostCheck } from './hosts.js'
import type { MetricsText } from './metricsPage.js'
import { isReading, replyJson, replyNotFound, replyWith } from './reply.js'

export interface HealthOptions extends Pick<RpcOptions, 'host' | 'port' | 'log'>, StatusSources {
  /** Addresses and networks with access. Empty: with `internalOnly` (default) private networks, else all. */
  allowedIps?: readonly string[]
  internalOnly?: boolean
  /** Proxies whose `X-Forwarded-For` names the client; default: none. */
  trustedProxies?: readonly string[]
  /** Host names for the detailed pages, in addition to this host's own name, `localhost` and addresses. */
  hosts?: readonly string[]
  /** Whether faults are simulated. */
  simulation?: boolean
  /** Text of `/metrics`; without it there is no such page. */
  metrics?: (() => Promise<MetricsText>) | undefined
  /** Default `/health`, `/health/live`, `/health/ready`, `/health/detailed`. */
  endpoints?: { basic?: string; live?: string; ready?: string; detailed?: string }
}

/** True for loopback, private and link-local addresses. */
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

/** Scripts of any origin may read the pages without details. */
const openHeaders = {
  ...detailHeaders,
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type',
}

/** Seconds in the format that clients expect: `30.169s`, `2m5.5s`, `1h0m0.25s`. */
export const durationText = (seconds: number): string => {
  const ms = Math.round(seconds * 1000)
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms % 3_600_000) / 60_000)
  const rest = `${(ms % 60_000) / 1000}s`
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest
}

const overall = { HEALTHY: 'healthy', DEGRADED: 'degraded', UNHEALTHY: 'unhealthy' } as const
const ofComponent = {
  RUNNING: 'healthy',
  STARTING: 'degraded',
  STOPPING: 'degraded',
  STOPPED: 'degraded',
  ERROR: 'unhealthy',
} as const
const ofStorage = {
  ok: 'healthy',
  unknown: 'healthy',
  warning: 'degraded',
  blind: 'degraded',
  critical: 'unhealthy',
} as const

/** Recordings in the fallback folder are no normal state. */
const statusOfStorage = (storage: StorageView) =>
  ofStorage[storage.state] === 'healthy' && !isSound(storage) ? 'degraded' : ofStorage[storage.state]

const componentsOf = ({ components, reasons }: Status, directory: Directory) => {
  const { websocket_server, camera_monitor, mediamtx } = components
  const causeOf = ({ state, since, details }: Status['reasons']['mediamtx']) => ({
    state,
    since,
    message: details ?? state,
  })
  return [
    { name: 'websocket_server', status: ofComponent[websocket_server], message: 'listening' },
    {
      name: 'camera_monitor',
      // STOPPED: discovery is switched off.
      status: camera_monitor === 'STOPPED' ? 'healthy' : ofComponent[camera_monitor],
      ...causeOf(reasons.camera_monitor),
    },
    {
      name: 'mediamtx',
      status: directory.link().state === 'degraded' ? 'degraded' : ofComponent[mediamtx],
      ...causeOf(reasons.mediamtx),
    },
    { name: 'storage', status: statusOfStorage(directory.storage()), ...causeOf(reasons.storage) },
    ...(reasons.retention
      ? [
          {
            name: 'retention',
            status: 'degraded',
            state: reasons.retention.state,
            message: reasons.retention.details ?? reasons.retention.reason,
          },
        ]
      : []),
  ]
}

/**
 * Health endpoints and metrics on a server of their own, without credentials: access is by address. `/health` and
 * `/health/mediamtx` answer 503 when unhealthy, `/health/ready` and `/healthz` until cameras can be used.
 * `/health/detailed` and `/health/cameras` always answer 200, because their readers want the details.
 */
export const createHealthServer = (options: HealthOptions) => {
  const { directory, retention, clock, log, about, metrics, internalOnly = true, allowedIps = [], hosts = [] } = options
  const { simulation = false } = options
  const { basic: basicPath = '/health', detailed: detailedPath = '/health/detailed' } = options.endpoints ?? {}
  const { live: livePath = '/health/live', ready: readyPath = '/health/ready' } = options.endpoints ?? {}
  const isOwnName = createHostCheck(hosts)
  const hasAccess = allowedIps.length === 0 && internalOnly ? isInternal : allowList(allowedIps)
  const clientAddress = createClientAddress(options.trustedProxies ?? [])
  const timestamp = () => iso(clock.now())
  const cameraTotals = () => {
    const cameras = directory.cameras()
    return { total: cameras.length, connected: cameras.filter(({ status }) => status === 'CONNECTED').length }
  }

  const basic = (status = statusOf({ directory, retention, clock, about })) => {
    const uptime = durationText(status.uptime)
    const note = simulation ? { simulation } : {}
    const body = { status: overall[status.status], timestamp: timestamp(), version: about.version, uptime, ...note }
    return { code: status.status === 'UNHEALTHY' ? 503 : 200, body }
  }
  const live = () => ({ code: 200, body: { alive: true, timestamp: timestamp(), message: 'System is alive' } })
  const ready = () => {
    const { status, message: starting } = directory.system()
    const { state, cause } = directory.link()
    // Another program changes paths: all requests are accepted nevertheless.
    const isContested = state === 'degraded' && cause.reason?.code === 'path_changed'
    const isReady = status !== 'starting' && (state === 'up' || isContested)
    const linkText = [state, cause.reason?.details].filter((text) => text !== undefined).join(': ')
    const message = isReady ? 'System is ready' : status === 'starting' ? starting : `the media server is ${linkText}`
    return { code: isReady ? 200 : 503, body: { ready: isReady, timestamp: timestamp(), message } }
  }
  const pages: Record<string, () => { code: number; body: object }> = {
    [basicPath]: () => basic(),
    [livePath]: live,
    [readyPath]: ready,
    '/health/alive': live,
    '/healthz': () => {
      const { code, body } = ready()
      return { code, body: body.ready ? { status: 'ok' } : { status: 'unavailable', message: body.message } }
    },
  }
  const detailedPages: typeof pages = {
    '/health/mediamtx': () => {
      const { state, cause, server } = directory.link()
      const about = given({ message: cause.reason?.details, kind: server?.kind, version: server?.version })
      const status = state === 'up' ? 'healthy' : state === 'down' ? 'unhealthy' : 'degraded'
      const body = { status, state, since: iso(cause.since), timestamp: timestamp(), ...about }
      return { code: state === 'down' ? 503 : 200, body }
    },
    '/health/cameras': () => {
      const states: Record<string, number> = {}
      for (const { cause } of directory.cameras()) states[cause.state] = (states[cause.state] ?? 0) + 1
      return { code: 200, body: { ...cameraTotals(), states, timestamp: timestamp() } }
    },
    [detailedPath]: () => {
      const status = statusOf({ directory, retention, clock, about })
      const components = componentsOf(status, directory)
      const count = (state: string) => components.filter((component) => component.status === state).length
      const metrics = {
        uptime_seconds: status.uptime,
        component_count: components.length,
        components_healthy: count('healthy'),
        components_degraded: count('degraded'),
        components_unhealthy: count('unhealthy'),
      }
      const { body } = basic(status)
      const environment = simulation ? 'simulation' : 'production'
      return { code: 200, body: { ...body, components, metrics, cameras: cameraTotals(), environment } }
    },
  }

  const scrape = async (request: IncomingMessage, response: ServerResponse, textOf: () => Promise<MetricsText>) => {
    if (!isReading(request, response)) return
    try {
      const { contentType, text } = await textOf()
      replyWith(request, response, 200, text, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
    } catch (error) {
      log.error('the metrics failed unexpectedly', { error })
      replyJson(request, response, 500, { error: 'internal error' })
    }
  }

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (!hasAccess(clientAddress(request))) {
      response.writeHead(403, { 'Content-Length': 0, Connection: 'close' }).end()
      return
    }
    const { path } = targetOf(request)
    const isDetailed = path === '/metrics' || Object.hasOwn(detailedPages, path)
    const headers = isDetailed ? detailHeaders : openHeaders
    if (isDetailed && !isOwnName(request.headers.host)) {
      const error = 'this host name is not known here: use an IP address, or the name in server.public_host'
      replyJson(request, response, 403, { error }, headers)
      return
    }
    if (path === '/metrics' && metrics !== undefined) {
      void scrape(request, response, metrics)
      return
    }
    const table = isDetailed ? detailedPages : pages
    const page = Object.hasOwn(table, path) ? table[path] : undefined
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
      log.error('a health page failed unexpectedly', { error })
      const body = { error: 'internal error', timestamp: timestamp(), status: 'unhealthy' }
      replyJson(request, response, 500, body, headers)
    }
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 }, answer)
  server.maxConnections = 256
  return {
    /** Resolves with the port. Rejects with one sentence if it cannot listen. */
    start: () => listen(server, options, 'health endpoints'),
    stop: () => shutdown(server),
  }
}
