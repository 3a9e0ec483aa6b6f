import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hostInUrl, isAddress, isAnyHost } from '../../machines/domain/address.js'
import { writeAtomically } from '../data/atomic.js'
import { duration, type PathDefaults, recordBody } from './pathBody.js'

export interface ServerPorts {
  api: number
  rtsp: number
  hls: number
  webrtc: number
  /** UDP port of WebRTC's media. */
  webrtcUdp: number
}

/** The protocols for clients besides RTSP. */
export interface ServerOffers {
  hls: boolean
  webrtc: boolean
}

/** How HLS and WebRTC are served to clients. */
export interface MediaOptions {
  /** As MediaMTX calls it. */
  hlsVariant: 'fmp4' | 'lowLatency' | 'mpegts'
  /** Hosts that browsers try for the media of WebRTC, besides the addresses of this host. */
  webrtcHosts: readonly string[]
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  /** PEM files, absolute. MediaMTX reads them again when they change. Absent: without encryption. */
  tls?: { certFile: string; keyFile: string }
}

export interface ServerConfiguration {
  ports: ServerPorts
  /** The address for RTSP, HLS and WebRTC; the API listens on 127.0.0.1. */
  host: string
  offers: ServerOffers
  media: MediaOptions
  pathDefaults: PathDefaults
  /** `[major, minor, patch]`; absent: unknown, treated as a new version. */
  version?: readonly [number, number, number]
  /** The address for the authentication requests of the server. Absent: every client may read. */
  auth?: { address: string }
}

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value }

const loopback = ['127.0.0.1/32', '::1/128']

/**
 * Returns mediamtx.yml: one key per line, each value as JSON, which is valid YAML. It contains no paths: the service
 * adds them through the API, so that an invalid path does not prevent the start. Without `all_others`, unknown names
 * are refused.
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

function globals({ ports, host, offers, media, version, auth }: ServerConfiguration): Record<string, Value> {
  const since = (major: number, minor: number, patch = 0) =>
    version === undefined || compare(version, [major, minor, patch]) >= 0
  return {
    logLevel: 'info',
    logDestinations: ['stdout'],
    ...(auth ? asked(auth) : unasked(host)),
    api: true,
    apiAddress: `127.0.0.1:${ports.api}`,
    // Web pages in a browser on this host must not use the API.
    ...(since(1, 15, 4) && { apiAllowOrigins: [] }),
    rtsp: true,
    rtspTransports: ['tcp'],
    rtspAddress: address(host, ports.rtsp),
    hls: offers.hls,
    ...(offers.hls && {
      hlsAddress: address(host, ports.hls),
      ...encryption('hls', media),
      hlsTrustedProxies: media.trustedProxies,
      hlsVariant: media.hlsVariant,
      hlsAlwaysRemux: false,
      // How long the camera runs after the last HLS viewer left.
      hlsMuxerCloseAfter: '15s',
    }),
    webrtc: offers.webrtc,
    ...(offers.webrtc && {
      webrtcAddress: address(host, ports.webrtc),
      ...encryption('webrtc', media),
      webrtcTrustedProxies: media.trustedProxies,
      webrtcLocalUDPAddress: address(host, ports.webrtcUdp),
      webrtcAdditionalHosts: media.webrtcHosts,
    }),
    rtmp: false,
    srt: false,
    ...(since(1, 19) && { moq: false }),
    metrics: false,
    pprof: false,
    playback: false,
  }
}

const encryption = (protocol: 'hls' | 'webrtc', { tls }: MediaOptions): Record<string, Value> =>
  tls === undefined
    ? {}
    : {
        [`${protocol}Encryption`]: true,
        [`${protocol}ServerCert`]: tls.certFile,
        [`${protocol}ServerKey`]: tls.keyFile,
      }

/** No exclusions: up to 1.20.0 the default would allow every client that reaches the port to use the API. */
const asked = ({ address }: { address: string }): Record<string, Value> => ({
  authMethod: 'http',
  authHTTPAddress: address,
  authHTTPExclude: [],
})

function unasked(host: string): Record<string, Value> {
  // Pipelines publish to the address on which RTSP listens, which may not be loopback.
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

/** Returns the address in MediaMTX's notation; `:8554` listens on all addresses, IPv4 and IPv6. */
export const address = (host: string, port: number): string =>
  isAnyHost(host) ? `:${port}` : `${hostInUrl(host)}:${port}`

function compare(a: readonly number[], b: readonly number[]): number {
  const at = [0, 1, 2].find((i) => a[i] !== b[i])
  return at === undefined ? 0 : Number(a[at]) - Number(b[at])
}

/** Writes `<dir>/mediamtx.yml` in one step, with mode 0600 because it contains a secret. Resolves with its path. */
export async function writeConfiguration(dir: string, configuration: ServerConfiguration): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, 'mediamtx.yml')
  await writeAtomically(file, configurationText(configuration), { hasReserve: false })
  return file
}
