import { type Api, type ApiRequest, Refused, Unreachable } from '../../../adapters/mediamtx/api.js'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import { sleep as wait } from '../../../adapters/wait.js'
import { isCameraId } from '../../../machines/domain/camera.js'
import type { Log, MediaServer } from '../../../machines/domain/ports.js'
import type { Host } from './host.js'

/** ms. */
const quick = 10
const slow = 1_500

/** The control API of the simulated host. */
export function createApi(host: Host): Api {
  const answer = ({ method, path, body }: ApiRequest): unknown => {
    const [, name = ''] = /\/(camera\d+)$/.exec(path) ?? []
    const known = host.paths.get(name)
    if (path === '/v3/info') return { version: 'v1.20.1', started: String(host.started) }
    if (path.startsWith('/v3/config/paths/list'))
      return listOf([...host.paths].map(([each, { body: settings }]) => ({ ...settings, name: each })))
    if (path.startsWith('/v3/paths/list')) return listOf([...host.paths.keys()].map(stateOf))
    if (path.startsWith('/v3/paths/get/') && known) return stateOf(name)
    if (path.startsWith('/v3/config/paths/get/') && known) return { ...known.body, name }
    if (method === 'POST' && host.refused.has(name)) throw new Refused(400, true, 'invalid path configuration')
    if (method === 'POST' && path.startsWith('/v3/config/paths/replace/') && isCameraId(name))
      return host.publish(name, body as Record<string, string | boolean>)
    if (method === 'PATCH' && known) return host.setRecord(name, (body as { record: boolean }).record)
    if (method === 'DELETE' && known) return host.remove(name)
    if (path.startsWith('/v3/rtspsessions/list')) return listOf([...host.viewers].map((id) => ({ id, state: 'read' })))
    const [, viewer] = /^\/v3\/rtspsessions\/kick\/(\w+)$/.exec(path) ?? []
    if (viewer !== undefined && host.viewers.delete(viewer)) return {}
    if (/rtspsessions|rtspconns|hls|webrtc|srt|rtmp/.test(path)) return listOf([])
    throw new Refused(404, true, 'not found')
  }
  const stateOf = (name: string) => ({
    name,
    ready: host.isReady(name),
    online: true,
    readers: [...(host.paths.get(name)?.holders ?? [])],
    bytesReceived: (host.paths.get(name)?.process?.frames ?? 0) * 5_000,
    bytesSent: 0,
    tracks: ['H264'],
  })
  return async (request) => {
    if (host.server === 'down') throw new Unreachable('connection refused')
    if (host.server === 'hung') await hang(host, request.signal, 5_000)
    await wait(host.api === 'slow' ? slow : quick, request.signal)
    if (host.api === 'failing') throw new Unreachable('status 500')
    return answer(request)
  }
}

const listOf = (items: object[]) => ({ itemCount: items.length, pageCount: 1, items })

/** Rejects when the signal aborts, when the server ends, or after `limit` ms, as a client with a timeout does. */
async function hang(host: Host, signal: AbortSignal, limit: number): Promise<never> {
  await Promise.race([
    wait(limit, signal),
    new Promise<void>((_, reject) => host.hanging.add(() => reject(new Unreachable('connection reset')))),
  ])
  throw new Unreachable(`timed out after ${limit / 1000} s`, false)
}

/** The real adapter, over the simulated API. */
export const simulatedMediaServer = (host: Host, log: Log): MediaServer & { close(): void } =>
  createMediaServer({
    apiUrl: '',
    timeout: 5_000,
    threshold: 5,
    pathDefaults: {
      closeAfter: 2_000,
      startTimeout: 10_000,
      partDuration: 200,
      segmentDuration: 3_600_000,
      recordPath: '/recordings/%path/%path_%Y',
    },
    log,
    api: createApi(host),
  })
