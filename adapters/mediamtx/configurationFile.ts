import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostInUrl, isAddress, isAnyHost } from '../../machines/domain/address.js'
import { duration, type PathDefaults, recordBody } from './pathBody.js'

export interface ServerPorts {
  api: number
  rtsp: number
  hls: number
  webrtc: number
  /** UDP port of WebRTC's media. */
  webrtcUdp: number
}

export interface ServerConfiguration {
  ports: ServerPorts
  /** Where RTSP, HLS and WebRTC listen; the API listens on 127.0.0.1. */
  host: string
  offers: { hls: boolean; webrtc: boolean }
  pathDefaults: PathDefaults
  /** `[major, minor, patch]`; absent: unknown, taken for a new one. */
  version?: readonly [number, number, number]
  /** The address that the server asks before anybody may read, publish or use its API. Absent: everybody may read. */
  auth?: { address: string }
}

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value }

const loopback = ['127.0.0.1/32', '::1/128']

/**
 * Returns mediamtx.yml: one key a line, each value as JSON (which YAML contains). There is no path in it. The service adds
 * the paths of cameras through the API, so that one bad path cannot keep the server from starting. There is no
 * `all_others`, so an unknown name is refused.
 */
export function configurationText(configuration: ServerConfiguration): string {
  const { pathDefaults } = configuration
  const top = Object.entries(globals(configuration)).map(line(''))
  const defaults = {
    source: 'publisher',
    record: false,
    ...recordBody(pathDefaults),
    runOnDemandStartTimeout: duration(pathDefaults.startTimeout),
    runOnDemandCloseAfter: duration(pathDefaults.closeAfter),
    sourceOnDemandStartTimeout: duration(pathDefaults.startTimeout),
    sourceOnDemandCloseAfter: duration(pathDefaults.closeAfter),
  }
  return [
    '# Written by the camera service at each start of the media server: changes are lost.',
    ...top,
    'pathDefaults:',
    ...Object.entries(defaults).map(line('  ')),
    'paths: {}',
    '',
  ].join('\n')
}

const line =
  (indent: string) =>
  ([key, value]: [string, Value]): string =>
    `${indent}${key}: ${JSON.stringify(value)}`

function globals({ ports, host, offers, version, auth }: ServerConfiguration): Record<string, Value> {
  const since = (major: number, minor: number, patch = 0) =>
    version === undefined || compare(version, [major, minor, patch]) >= 0
  return {
    logLevel: 'info',
    logDestinations: ['stdout'],
    ...(auth ? asked(auth) : unasked(host)),
    api: true,
    apiAddress: `127.0.0.1:${ports.api}`,
    // A page in a browser on this host must not use the API.
    ...(since(1, 15, 4) && { apiAllowOrigins: [] }),
    rtsp: true,
    rtspTransports: ['tcp'],
    rtspAddress: address(host, ports.rtsp),
    hls: offers.hls,
    // How long an HLS viewer that left still holds its camera.
    ...(offers.hls && { hlsAddress: address(host, ports.hls), hlsAlwaysRemux: false, hlsMuxerCloseAfter: '15s' }),
    webrtc: offers.webrtc,
    ...(offers.webrtc && {
      webrtcAddress: address(host, ports.webrtc),
      webrtcLocalUDPAddress: address(host, ports.webrtcUdp),
    }),
    rtmp: false,
    srt: false,
    ...(since(1, 19) && { moq: false }),
    metrics: false,
    pprof: false,
    playback: false,
  }
}

/** Nothing is excluded: up to 1.20.0 the default would open the API to everybody who reaches its port. */
const asked = ({ address }: { address: string }): Record<string, Value> => ({
  authMethod: 'http',
  authHTTPAddress: address,
  authHTTPExclude: [],
})

function unasked(host: string): Record<string, Value> {
  // Pipelines publish over the address that RTSP listens on, which need not be loopback.
  const own = isAddress(host) && !isAnyHost(host) ? [...loopback, host] : loopback
  return {
    authMethod: 'internal',
    authInternalUsers: [
      { user: 'any', pass: '', ips: [], permissions: [{ action: 'read' }] },
      { user: 'any', pass: '', ips: own, permissions: [{ action: 'publish' }] },
      { user: 'any', pass: '', ips: loopback, permissions: [{ action: 'api' }] },
    ],
  }
}

/** `:8554` is MediaMTX's way to listen everywhere, on IPv4 and IPv6. */
export const address = (host: string, port: number): string =>
  isAnyHost(host) ? `:${port}` : `${hostInUrl(host)}:${port}`

function compare(a: readonly number[], b: readonly number[]): number {
  const at = [0, 1, 2].find((i) => a[i] !== b[i])
  return at === undefined ? 0 : Number(a[at]) - Number(b[at])
}

/** Writes `<dir>/mediamtx.yml` in one step, readable by us alone (it holds a secret), and returns its name. */
export async function writeConfiguration(dir: string, configuration: ServerConfiguration): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, 'mediamtx.yml')
  const temporary = `${file}.tmp`
  await rm(temporary, { force: true })
  await writeFile(temporary, configurationText(configuration), { mode: 0o600, flag: 'wx' })
  await rename(temporary, file)
  return file
}
