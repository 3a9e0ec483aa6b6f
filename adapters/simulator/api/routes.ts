import { type Config, NotFound } from '../config/config.js'
import type { Json } from '../config/kinds.js'
import { findPathConf } from '../config/pathNames.js'
import type { Paths } from '../paths/manager.js'
import { deleteSegment, pathsWithSegments, segmentsOf } from '../record/library.js'
import type { RtspServer } from '../rtsp/server.js'
import { describeSession } from '../rtsp/session.js'
import { paginate } from './paginate.js'

/** The body is `json`, or else plain `text`. */
export interface Answer {
  status: number
  json?: unknown
  text?: string
}

/** The parts that the routes show and change. */
export interface RouteOptions {
  config: Config
  paths: Paths
  rtsp: () => RtspServer | undefined
  version: string
  /** RFC 3339. */
  started: string
}

interface Call {
  /** The rest of the address, for a route that ends in a name; else empty. */
  name: string
  query: URLSearchParams
  body: () => Promise<Json>
}

type Handler = (call: Call) => unknown

const ok = { status: 'ok' }

/** Returns the function that answers a request. It rejects with NotFound for a 404, with another Error for a 400. */
export function createRoutes({
  config,
  paths,
  rtsp,
  version,
  started,
}: RouteOptions): (method: string, url: URL, body: () => Promise<string>) => Promise<Answer> {
  const change =
    (apply: (call: Call, body: Json) => void): Handler =>
    async (call) => {
      apply(call, await call.body())
      return ok
    }
  const recordingOf = async (name: string): Promise<{ name: string; segments: { start: string }[] }> => ({
    name,
    segments: await segmentsOf(findPathConf(config.now.paths, name), name),
  })
  const sessions = (): Record<string, unknown>[] => byAge([...(rtsp()?.sessions.values() ?? [])].map(describeSession))
  const connections = (): Record<string, unknown>[] =>
    byAge([...(rtsp()?.connections.values() ?? [])].map(({ view }) => view()))

  const routes: Record<string, Handler> = {
    'GET info': () => ({ version, started }),
    'GET config/global/get': () => redact(config.now.global),
    'PATCH config/global/patch': change((_, body) => config.patchGlobal(body)),
    'GET config/pathdefaults/get': () => config.now.pathDefaults,
    'PATCH config/pathdefaults/patch': change((_, body) => config.patchPathDefaults(body)),
    'GET config/paths/list': ({ query }) => paginate([...config.now.paths.values()], query),
    'GET config/paths/get/*': ({ name }) => found(config.now.paths.get(name), 'path configuration not found'),
    'POST config/paths/add/*': change(({ name }, body) => config.addPath(name, body)),
    'PATCH config/paths/patch/*': change(({ name }, body) => config.patchPath(name, body)),
    'POST config/paths/replace/*': change(({ name }, body) => config.replacePath(name, body)),
    'DELETE config/paths/delete/*': ({ name }) => {
      config.deletePath(name)
      return ok
    },
    'GET paths/list': ({ query }) =>
      paginate(
        paths.list().map((path) => path.view()),
        query,
      ),
    'GET paths/get/*': ({ name }) => found(paths.get(name), 'path not found').view(),
    'GET recordings/list': async ({ query }) => {
      const { items, ...page } = paginate(await pathsWithSegments(config.now.paths), query)
      return { ...page, items: await Promise.all(items.map(recordingOf)) }
    },
    'GET recordings/get/*': ({ name }) => recordingOf(name),
    'DELETE recordings/deletesegment': async ({ query }) => {
      await deleteSegment(config.now.paths, query.get('path') ?? '', query.get('start') ?? '')
      return ok
    },
  }
  const rtspRoutes: Record<string, Handler> = {
    'GET rtspconns/list': ({ query }) => paginate(connections(), query),
    'GET rtspsessions/list': ({ query }) => paginate(sessions(), query),
    'GET rtspsessions/get/*': ({ name }) =>
      describeSession(found(rtsp()?.sessions.get(checkUuid(name)), 'session not found')),
    'POST rtspsessions/kick/*': ({ name }) => {
      found(rtsp()?.sessions.get(checkUuid(name)), 'session not found').close('kicked')
      return ok
    },
  }

  return async (method, url, body) => {
    // MediaMTX has the routes of a protocol only while its server runs.
    const all = rtsp() ? { ...routes, ...rtspRoutes } : routes
    const place = url.pathname.startsWith('/v3/') ? url.pathname.slice('/v3/'.length) : ''
    const wanted = `${method} ${place}`
    const [route, handler] =
      Object.entries(all).find(([one]) =>
        one.endsWith('/*') ? wanted.startsWith(one.slice(0, -1)) : wanted === one,
      ) ?? []
    if (!route || !handler) return { status: 404, text: '404 page not found' }
    const isNamed = route.endsWith('/*')
    const name = isNamed ? decodeURIComponent(wanted.slice(route.length - 1)) : ''
    if (isNamed && name === '') throw new Error('invalid name')
    return {
      status: 200,
      json: await handler({ name, query: url.searchParams, body: async () => parseJson(await body()) }),
    }
  }
}

const byAge = (items: Record<string, unknown>[]): Record<string, unknown>[] =>
  items.sort((a, b) => (String(a.created) < String(b.created) ? -1 : 1))

function parseJson(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the body is not JSON')
  }
}

function found<T>(thing: T | undefined, complaint: string): T {
  if (thing === undefined) throw new NotFound(complaint)
  return thing
}

function checkUuid(text: string): string {
  if (text.length !== 36) throw new Error(`invalid UUID length: ${text.length}`)
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) throw new Error('invalid UUID format')
  return text.toLowerCase()
}

/** The answer contains no password. */
const redact = (conf: Config['now']['global']): unknown => ({
  ...conf,
  authInternalUsers: conf.authInternalUsers.map((user) => ({ ...user, pass: user.pass === '' ? '' : '<redacted>' })),
})
