import { join } from 'node:path'
import { isLoopback } from '../machines/domain/address.js'
import { spanText } from '../machines/domain/amounts.js'
import { mediaTls, needsEncryption } from './derive/mediaServer.js'
import { addressesIn, mostAddresses } from './discovery.js'
import type { Configuration } from './schema.js'

/** A broken rule of several keys. The fault names the key that was set last. */
export interface SharedFault {
  /** The values of the keys, as shown. */
  values: Readonly<Record<string, string>>
  rule: string
}

/** Secrets that earlier services of this name published as examples. */
const publishedKeys = [
  'edge-device-secret-key-change-in-production',
  'test-secret-key-for-testing-only-do-not-use-in-production',
]

/** Checks the rules that concern several keys, and those of paths. `data_dir` is absolute. */
export function checkTogether(config: Configuration): { faults: SharedFault[]; warnings: string[] } {
  const { server, mediamtx, storage, simulation, security } = config
  const faults = samePorts(config)
  const demand = (holds: boolean, values: Record<string, unknown>, rule: string) => {
    if (holds) return
    faults.push({ values: Object.fromEntries(Object.entries(values).map(([key, each]) => [key, String(each)])), rule })
  }
  demand(
    !/[$%]/.test(config.data_dir),
    { data_dir: JSON.stringify(config.data_dir) },
    'must not contain $ or %: the media server replaces them, and its files would be elsewhere',
  )
  for (const rule of faultsOfFallback(config))
    demand(false, { 'storage.fallback_path': JSON.stringify(storage.fallback_path) }, rule)
  const { warn_percent, block_percent } = storage
  demand(
    warn_percent < block_percent,
    { 'storage.warn_percent': warn_percent, 'storage.block_percent': block_percent },
    `storage.warn_percent (${warn_percent}) must be less than storage.block_percent (${block_percent})`,
  )
  const [ping, pong] = [spanText(server.ping_interval), spanText(server.pong_wait)]
  demand(
    server.ping_interval < server.pong_wait,
    { 'server.ping_interval': ping, 'server.pong_wait': pong },
    `server.ping_interval (${ping}) must be less than server.pong_wait (${pong})`,
  )
  demand(
    !simulation.enabled || isLoopback(server.host),
    { 'server.host': server.host, 'simulation.enabled': simulation.enabled },
    `simulation is only for a service whose server.host (${server.host}) is loopback (127.0.0.1, ::1, localhost)`,
  )
  demand(
    !config.inspect.enabled || server.websocket_path !== '/inspect/ws',
    { 'server.websocket_path': server.websocket_path, 'inspect.enabled': config.inspect.enabled },
    'server.websocket_path must not be /inspect/ws while inspect.enabled is true: both would have one address',
  )
  const { cert_file, key_file, client_ca_file, client_certificate, clients } = server.tls
  demand(
    (cert_file === '') === (key_file === ''),
    { 'server.tls.cert_file': JSON.stringify(cert_file), 'server.tls.key_file': JSON.stringify(key_file) },
    `server.tls.${cert_file === '' ? 'key_file needs server.tls.cert_file' : 'cert_file needs server.tls.key_file'}`,
  )
  demand(
    client_certificate === 'none' || (cert_file !== '' && client_ca_file !== ''),
    {
      'server.tls.client_ca_file': JSON.stringify(client_ca_file),
      'server.tls.client_certificate': client_certificate,
    },
    `server.tls.client_certificate (${client_certificate}) needs server.tls.cert_file and server.tls.client_ca_file`,
  )
  demand(
    client_certificate !== 'none' || clients.length === 0,
    { 'server.tls.client_certificate': client_certificate, 'server.tls.clients': `${clients.length} clients` },
    'server.tls.clients needs server.tls.client_certificate: without it no client sends a certificate',
  )
  const { tls, tls_cert_file: mediaCert, tls_key_file: mediaKey } = mediamtx
  demand(
    tls === 'files' ? mediaCert !== '' && mediaKey !== '' : mediaCert === '' && mediaKey === '',
    {
      'mediamtx.tls': tls,
      'mediamtx.tls_cert_file': JSON.stringify(mediaCert),
      'mediamtx.tls_key_file': JSON.stringify(mediaKey),
    },
    tls === 'files'
      ? 'mediamtx.tls: files needs mediamtx.tls_cert_file and mediamtx.tls_key_file'
      : 'mediamtx.tls_cert_file and mediamtx.tls_key_file need mediamtx.tls: files',
  )
  demand(
    security.stream_url_life <= security.stream_url_max_life,
    {
      'security.stream_url_life': spanText(security.stream_url_life),
      'security.stream_url_max_life': spanText(security.stream_url_max_life),
    },
    'security.stream_url_life must be at most security.stream_url_max_life',
  )
  const { skydio, generic_uav } = config.external_discovery
  const addresses = addressesIn([...skydio.network_ranges, ...generic_uav.network_ranges])
  const inAll = `${addresses} addresses in all`
  demand(
    addresses <= mostAddresses,
    {
      'external_discovery.skydio.network_ranges': inAll,
      'external_discovery.generic_uav.network_ranges': inAll,
    },
    `the network_ranges of external_discovery may hold at most ${mostAddresses} addresses in all`,
  )
  const warnings = publishedKeys.includes(security.jwt_secret_key)
    ? ['security.jwt_secret_key is a published example: everybody can make tokens for this service']
    : []
  if (mediamtx.mode === 'external' && security.streams === 'protected' && mediamtx.auth_port === 0) {
    warnings.push(
      'an external media server cannot ask this service for permission of its readers while ' +
        'mediamtx.auth_port is 0: give it a fixed port',
    )
  }
  return { faults, warnings: [...warnings, ...blockedStreams(config)] }
}

/** Browsers block streams without encryption on pages with it. An external media server is asked at the start. */
function blockedStreams(config: Configuration): string[] {
  const { mode } = config.mediamtx
  const needed = needsEncryption(config)
  if (mode === 'external' || mode === 'embedded' || mediaTls(config) || !(needed.hls || needed.webrtc)) return []
  return [
    'browsers block HLS and WebRTC of the media server, because they are not encrypted and the pages of this ' +
      'service are: set mediamtx.tls to same or files, or mediamtx.public_hls_url and mediamtx.public_webrtc_url',
  ]
}

/** The broken rules of `storage.fallback_path`. */
function faultsOfFallback({ storage: { fallback_path: path }, data_dir, mediamtx }: Configuration): string[] {
  if (path === '') return []
  const isIn = (one: string, other: string) => join(one, '/').startsWith(join(other, '/'))
  const own = Object.entries(ownFolders).find(([name]) => isIn(path, join(data_dir, name)))
  const isElsewhere = mediamtx.mode === 'external' && !isLoopback(mediamtx.host)
  return [
    ...(/[$%]/.test(path) ? ['must not contain $ or %, like data_dir'] : []),
    ...(own
      ? [`must not be the folder of ${own[1]} (${own[0]} of data_dir), or a folder in it: select another one`]
      : []),
    ...(!own && isIn(join(data_dir, 'recordings'), path)
      ? ['must not be above the folder of the recordings: select a folder beside it, best on another disk']
      : []),
    ...(isElsewhere
      ? [`needs a media server on this host, which follows a link of this service: mediamtx.host is ${mediamtx.host}`]
      : []),
  ]
}

/** The folders of the data directory, and what they contain. */
const ownFolders = {
  recordings: 'the recordings',
  snapshots: 'the snapshots',
  state: 'the state',
  run: 'run files',
  secrets: 'the secrets',
  audit: 'the audit log',
}

/** Ports of one host must differ. A media server on another host has its own. */
function samePorts({ server, mediamtx, http_health }: Configuration): SharedFault[] {
  const ours = {
    'server.port': server.port,
    ...(http_health.enabled && { 'http_health.port': http_health.port }),
    'mediamtx.auth_port': mediamtx.auth_port,
  }
  const theirs = {
    'mediamtx.api_port': mediamtx.api_port,
    'mediamtx.rtsp_port': mediamtx.rtsp_port,
    'mediamtx.hls_port': mediamtx.hls_port,
    'mediamtx.webrtc_port': mediamtx.webrtc_port,
  }
  const elsewhere = mediamtx.mode === 'external' && !isLoopback(mediamtx.host)
  return (elsewhere ? [ours, theirs] : [{ ...ours, ...theirs }]).flatMap(findTwins)
}

function findTwins(ports: Record<string, number>): SharedFault[] {
  const taken = new Map<number, string>()
  return Object.entries(ports).flatMap(([key, port]) => {
    const other = taken.get(port)
    taken.set(port, other ?? key)
    if (other === undefined || port === 0) return []
    const values = { [other]: String(port), [key]: String(port) }
    return [{ values, rule: `${other} and ${key} must be different ports` }]
  })
}
