import type { Configuration } from '../../config/schema.js'
import { hostInUrl } from '../../machines/domain/address.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'
import type { findService } from './network.js'

const check = 'MediaMTX'

type Version = readonly [number, number, number]
/** What the service can use since a version. */
const features: readonly (readonly [Version, string])[] = [
  [[1, 15, 2], 'its restarts are noticed at once'],
  [[1, 15, 4], 'its API is closed to web pages'],
  [[1, 18, 0], 'single viewers of HLS can be ended'],
]
const oldest: Version = [1, 11, 0]

type Asked = Pick<
  DoctorHost,
  'mediaServerAt' | 'mediaProgram' | 'mediaVersion' | 'get' | 'mount' | 'children' | 'listener'
>
type Service = Awaited<ReturnType<typeof findService>>

/** Whether the media server is one that this service does not start. */
export async function isExternal(
  { mediamtx, data_dir }: Configuration,
  host: Pick<DoctorHost, 'mediaServerAt' | 'children' | 'listener'>,
): Promise<boolean> {
  if (mediamtx.mode !== 'auto') return mediamtx.mode === 'external'
  const pid = host.listener(mediamtx.api_port, 'tcp')?.pid
  if (pid !== undefined && host.children(data_dir).includes(pid)) return false
  return (await host.mediaServerAt({ host: mediamtx.host, port: mediamtx.api_port })) === 'mediamtx'
}

/** MediaMTX: where it is, its version, what it can, whether it answers and whether it asks this service. */
export async function checkMediaServer(
  config: Configuration,
  host: Asked,
  { service, external }: { service: Service; external: boolean },
): Promise<Finding[]> {
  const { mode } = config.mediamtx
  const found = external
    ? await externalFindings(config, host)
    : mode === 'embedded'
      ? [ok(check, 'the built-in simulator is selected (mediamtx.mode): RTSP only')]
      : await programFindings(config, host)
  return [...found, ...linkFindings(service)]
}

async function programFindings({ mediamtx, data_dir }: Configuration, host: Asked): Promise<Finding[]> {
  const program = await host.mediaProgram(data_dir)
  const get = 'camera-service download-mediamtx as the user of the service, or put mediamtx into /usr/local/bin'
  if (program === undefined) {
    const missing = 'there is no program mediamtx on the PATH or in the data directory'
    return mediamtx.mode === 'managed'
      ? [fail(check, `${missing}, and mediamtx.mode is managed: no camera can be used`, get)]
      : [warn(check, `${missing}: the simulator runs instead, without HLS and WebRTC`, get)]
  }
  const isOwn = program.where !== 'on the PATH'
  const options = isOwn ? ((await host.mount(data_dir))?.options ?? []) : []
  if (options.includes('noexec'))
    return [fail(check, 'it is in the data directory, whose disk is mounted noexec', 'put it into /usr/local/bin')]
  const version = await host.mediaVersion(program.file)
  if (version === undefined)
    return [warn(check, `${program.file} prints no version`, `run ${program.file} --version; download it again`)]
  return [versionFinding(version, program.where)]
}

function versionFinding(version: Version, where: string): Finding {
  const text = `${version.join('.')}, ${where}`
  const isSince = (first: Version) => compared(version, first) >= 0
  if (!isSince(oldest))
    return fail(check, `${text}: versions before ${oldest.join('.')} are not supported`, 'install a newer MediaMTX')
  const missing = features.filter(([first]) => !isSince(first)).map(([, feature]) => feature)
  if (missing.length > 0)
    return warn(check, `${text}: it is old. With a newer one: ${missing.join('; ')}`, 'install a newer MediaMTX')
  return ok(check, `${text}: ${features.map(([, feature]) => feature).join('; ')}`)
}

const compared = (one: Version, other: Version): number => one[0] - other[0] || one[1] - other[1] || one[2] - other[2]

async function externalFindings({ mediamtx, security }: Configuration, host: Asked): Promise<Finding[]> {
  const place = { host: mediamtx.host, port: mediamtx.api_port }
  const at = `${mediamtx.host}:${mediamtx.api_port}`
  const who = await host.mediaServerAt(place)
  if (who === 'nobody')
    return [
      fail(check, `nobody answers at ${at}`, 'start it, with `api: yes` in mediamtx.yml; or set mediamtx.api_port'),
    ]
  if (who === 'other')
    return [fail(check, `the program at ${at} is not MediaMTX`, 'set mediamtx.host and mediamtx.api_port')]
  const asks = 'authMethod: http and authHTTPAddress in mediamtx.yml, as docs/operate.md describes'
  if (who === 'locked') {
    if (mediamtx.auth_port !== 0) return [ok(check, `it answers at ${at}, and asks for permission before it says more`)]
    return [fail(check, `it answers at ${at}, but requires credentials`, `set mediamtx.auth_port, and ${asks}`)]
  }
  const url = `http://${hostInUrl(mediamtx.host)}:${mediamtx.api_port}/v3`
  const [info, global] = await Promise.all([host.get(`${url}/info`), host.get(`${url}/config/global/get`)])
  const [, ...numbers] = /^v(\d+)\.(\d+)\.(\d+)/.exec(String(info?.body.version)) ?? []
  const [major, minor, patch] = numbers.map(Number)
  const isKnown = major !== undefined && minor !== undefined && patch !== undefined
  const findings = isKnown
    ? [versionFinding([major, minor, patch], `at ${at}`)]
    : [warn(check, `it answers at ${at}, and does not say its version`, 'MediaMTX 1.15.2 and later say it')]
  const method = global?.body.authMethod
  if (security.streams !== 'open' && method !== 'http')
    findings.push(fail(check, 'it does not ask this service for permission: anybody can watch', `set ${asks}`))
  if (method === 'http' && !isOurPort(String(global?.body.authHTTPAddress), mediamtx.auth_port))
    findings.push(fail(check, 'it asks another address than that of this service for permission', `set ${asks}`))
  return findings
}

const isOurPort = (address: string, port: number): boolean =>
  URL.canParse(address) && Number(new URL(address).port) === port && new URL(address).pathname === '/media/auth'

/** What the running service says. */
function linkFindings({ mediaServer }: Service): Finding[] {
  if (mediaServer === undefined || mediaServer.state === 'up') return []
  const why = typeof mediaServer.message === 'string' ? `: ${mediaServer.message}` : ''
  return [
    warn(check, `the running service says: ${String(mediaServer.state)}${why}`, 'camera-service explain mediamtx'),
  ]
}
