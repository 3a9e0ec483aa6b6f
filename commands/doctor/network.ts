import type { Configuration } from '../../config/schema.js'
import { hostInUrl, reachable } from '../../machines/domain/address.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'

/** The running service, as far as this user can see. */
export interface RunningService {
  /** Absent: it belongs to another user, or does not run. */
  pid?: number
  /** What its health port answers. */
  answers: boolean
}

interface Claim {
  key: string
  host: string
  port: number
  udp?: boolean
}

type Asked = Pick<DoctorHost, 'bindFault' | 'listener' | 'children'>

/** The ports of the service, and those of a media server that it starts. `isExternal`: that one has its own. */
export async function checkPorts(
  config: Configuration,
  host: Asked,
  { service, isExternal }: { service: RunningService; isExternal: boolean },
): Promise<Finding[]> {
  const children = host.children(config.data_dir)
  const isOurs = (pid: number) => pid === service.pid || children.includes(pid)
  return Promise.all(
    claimsOf(config, isExternal).map(async (claim) => {
      const { key, port, udp = false } = claim
      const check = `port ${port}`
      const code = await host.bindFault({ ...claim, udp })
      if (code === undefined) return ok(check, `free (${key})`)
      if (code === 'EACCES')
        return fail(check, `only root may use it (${key})`, `set ${key} to a port above 1023, behind a reverse proxy`)
      if (code === 'EADDRNOTAVAIL')
        return fail(
          check,
          `${claim.host} is no address of this host (${key})`,
          `set the host beside ${key} to 127.0.0.1`,
        )
      if (code !== 'EADDRINUSE') return fail(check, `it cannot be used: ${code} (${key})`, `set ${key} to another port`)
      const { pid, command } = host.listener(port, udp ? 'udp' : 'tcp') ?? {}
      if (pid !== undefined && isOurs(pid)) return ok(check, `in use by this service, pid ${pid} (${key})`)
      if (pid === undefined && service.answers) return ok(check, `in use, as far as visible by this service (${key})`)
      const who = pid === undefined ? 'a program of another user' : `${command} (pid ${pid})`
      const find = pid === undefined ? `find it with: ss -${udp ? 'u' : 't'}lnp sport = :${port}` : `end ${command}`
      return fail(check, `in use by ${who} (${key})`, `${find}; or set ${key} to another port`)
    }),
  )
}

function claimsOf({ server, http_health: health, mediamtx }: Configuration, isExternal: boolean): Claim[] {
  const { host } = server
  const own = [
    { key: 'server.port', host, port: server.port },
    ...(health.enabled ? [{ key: 'http_health.port', host: health.host, port: health.port }] : []),
    { key: 'mediamtx.auth_port', host: mediamtx.auth_host, port: mediamtx.auth_port },
  ]
  const media = [
    { key: 'mediamtx.api_port', host: '127.0.0.1', port: mediamtx.api_port },
    { key: 'mediamtx.rtsp_port', host, port: mediamtx.rtsp_port },
    { key: 'mediamtx.hls_port', host, port: mediamtx.hls_port },
    { key: 'mediamtx.webrtc_port', host, port: mediamtx.webrtc_port },
    { key: 'mediamtx.webrtc_udp_port', host, port: mediamtx.webrtc_udp_port, udp: true },
  ]
  // 0: any free port.
  return [...own, ...(isExternal ? [] : media)].filter(({ port }) => port !== 0)
}

/** Whether a service runs with this data directory, and answers at its health port. */
export async function findService(
  { data_dir, http_health: health }: Configuration,
  host: Pick<DoctorHost, 'holder' | 'get'>,
): Promise<RunningService & { mediaServer?: Record<string, unknown> }> {
  const pid = host.holder(`${data_dir}/service.lock`)?.pid
  const at = `http://${hostInUrl(reachable(health.host))}:${health.port}/health/mediamtx`
  const reply = health.enabled && health.port !== 0 ? await host.get(at) : undefined
  const answers = typeof reply?.body.state === 'string'
  return { answers, ...(pid !== undefined && { pid }), ...(answers && { mediaServer: reply.body }) }
}

/** `isDefault`: it was looked for where the defaults would have it. */
export function serviceFinding({ pid, answers }: RunningService, isDefault = false): Finding {
  if (pid === undefined && !answers && isDefault)
    return warn(
      'service',
      'it is not where the defaults would have it',
      'repair the configuration, then run this again',
    )
  if (pid === undefined && !answers) return ok('service', 'it does not run')
  const where = pid === undefined ? 'it runs as another user' : `it runs, pid ${pid}`
  if (answers) return ok('service', where)
  return warn('service', `${where}, and does not answer at its health port`, 'journalctl -u camera-service, or its log')
}
