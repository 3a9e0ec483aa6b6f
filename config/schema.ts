import { cameraList, codecFormats, frameRate } from './cameras.js'
import { clientList } from './clients.js'
import { knownAddresses, ports, ranges, streamPath, streamPaths } from './discovery.js'
import {
  decimal,
  duration,
  type Format,
  fileOrNone,
  folder,
  frameSize,
  host,
  hostOrNone,
  network,
  oneOf,
  size,
  type TimeUnit,
  textLike,
  webOrigin,
  whole,
  yesNo,
} from './formats.js'
import { listOf } from './groups.js'
import { jwtKeyList } from './jwtKeys.js'
import { text } from './raw.js'

/** One key: a convict schema entry that also knows how its value is written. */
export interface Setting<T> {
  doc: string
  default: T
  /** convict's own check of the merged value. */
  format: Format<T>['type']
  sensitive: boolean
  reads: Format<T>
  /** The default as a person would write it. */
  written: string
}

const setting = <T>(reads: Format<T>, written: string, doc: string, { secret = false } = {}): Setting<T> => {
  const value = reads.read(text(written), () => {})
  if (value === undefined) throw new Error(`the default ${written} must be ${reads.allowed}`)
  return { doc, default: value, format: reads.type, sensitive: secret, reads, written }
}

const time = (written: string, doc: string, min = '100ms', max?: string, unit?: TimeUnit) =>
  setting(duration(min, max, unit), written, doc)
const port = (written: string, doc: string) => setting(whole(1, 65_535), written, doc)
/** Of our own servers: 0 takes any free port. */
const ownPort = (written: string, doc: string) => setting(whole(0, 65_535), written, `${doc} 0: any free one.`)

export const schema = {
  data_dir: setting(
    folder,
    './var',
    'Folder of recordings, snapshots, state and secrets; locked by one service. Relative to the working directory.',
  ),
  server: {
    host: setting(
      host,
      '127.0.0.1',
      'Address that the WebSocket server and the file downloads listen on; 0.0.0.0 for all.',
    ),
    port: ownPort('8002', 'Port of the WebSocket server and the file downloads.'),
    websocket_path: setting(
      textLike('a path such as /ws', (path) => /^\/[\w.~/-]*$/.test(path)),
      '/ws',
      'Path of the WebSocket endpoint.',
    ),
    public_host: setting(
      hostOrNone,
      '',
      'Host in the URLs that clients get. Empty: the address that the client came in by.',
    ),
    max_connections: setting(whole(1, 100_000), '1000', 'Connections at a time; further ones are answered with 503.'),
    max_connections_per_address: setting(
      whole(1, 100_000),
      '256',
      'The same of one address (of IPv6: one /64); further ones are answered with 429, as those of the next key.',
    ),
    max_unauthenticated_per_address: setting(
      whole(1, 100_000),
      '32',
      'Connections of one address that have not said yet who they are.',
    ),
    authentication_timeout: time(
      '60s',
      'A connection that has not authenticated within this time is closed (4401).',
      '1s',
      '1h',
    ),
    expiry_grace: time(
      '30s',
      'Time to authenticate anew after a token has expired or was revoked; then the connection is closed (4401).',
      '0s',
      '10m',
    ),
    allowed_ips: setting(listOf(network), '', 'Addresses and networks that may connect at all; empty: all.'),
    also_listen: setting(listOf(host), '', 'Further addresses to listen on, with the same port.'),
    tls: {
      cert_file: setting(
        fileOrNone,
        '',
        'Certificate chain (PEM): with it the server speaks wss and https only. Read again when it changes.',
      ),
      key_file: setting(fileOrNone, '', 'Private key of the certificate (PEM, without a passphrase).'),
      client_ca_file: setting(fileOrNone, '', 'Certificates (PEM) of who may sign those of clients.'),
      client_certificate: setting(
        oneOf('none', 'optional', 'required'),
        'none',
        'Whether clients are asked for a certificate. optional: who shows a good one needs no token. required: nobody else gets in.',
      ),
      clients: setting(clientList, '[]', 'Who the clients are by their certificates; see below.'),
    },
    max_message_size: setting(
      size('1K', '100M'),
      '1M',
      'Largest message of a client; a larger one closes its connection (1009).',
    ),
    max_send_buffer: setting(
      size('64K', '1G'),
      '4M',
      'What may wait for a client that reads slowly; beyond it the client is dropped with a reason.',
    ),
    event_buffer: setting(whole(0, 100_000), '1000', 'Facts that are kept to be told again to clients that were away.'),
    ping_interval: time('30s', 'How often each connection is pinged.', '1s'),
    pong_wait: time('60s', 'A connection that has shown no sign of life for so long is closed.', '1s'),
    auto_close_after: time(
      '0s',
      'start_streaming holds a stream for at most this long. 0: until its holder lets go or leaves.',
      '0s',
    ),
    shutdown_timeout: time('10s', 'Time to end sessions and files at a stop.', '1s', '10m'),
  },
  mediamtx: {
    mode: setting(
      oneOf('auto', 'external', 'managed', 'embedded'),
      'auto',
      'external: runs already at `mediamtx.host`. managed: a `mediamtx` binary is started. embedded: the simulator of this service. ' +
        'auto: external if one answers, else managed if there is a binary, else embedded.',
    ),
    host: setting(host, '127.0.0.1', 'Address of the media server.'),
    api_port: port('9997', 'Port of its control API.'),
    rtsp_port: port('8554', 'Its RTSP port.'),
    hls_port: port('8888', 'Its HLS port.'),
    webrtc_port: port('8889', 'Its WebRTC port.'),
    auth_host: setting(
      host,
      '127.0.0.1',
      'Address on which this service answers the media server who may read; another one only for an external server elsewhere.',
    ),
    auth_port: ownPort('0', 'The port of that; an external server needs a fixed one.'),
    timeout: time('10s', 'Limit of one call of its control API.'),
    run_on_demand_start_timeout: time(
      '20s',
      'A camera must deliver its first frame within this time of being asked.',
      '1s',
      '10m',
    ),
    run_on_demand_close_after: time('10s', 'A camera is let go so long after its last use.', '1s', '1h'),
    health_check_interval: time('1s', 'How often the media server is asked whether it is there.'),
    health_check_timeout: time('2s', 'Limit of that question.', '100ms', '1m'),
    process_termination_timeout: time('5s', 'A managed server that has not ended by then is killed.', '100ms', '1m'),
    circuit_breaker: {
      failure_threshold: setting(
        whole(1, 1000),
        '5',
        'Failed calls in a row that open the breaker: further calls then fail at once.',
      ),
      recovery_timeout: time('2s', 'Pause before an open breaker lets one call try.'),
    },
    codec: {
      video_profile: setting(
        codecFormats.video_profile,
        'baseline',
        'H.264 profile of what the service encodes itself (baseline: Constrained Baseline).',
      ),
      video_level: setting(
        codecFormats.video_level,
        'auto',
        'H.264 level. auto: 3.0, or the lowest above it whose limits the picture fits.',
      ),
      pixel_format: setting(codecFormats.pixel_format, 'yuv420p', 'Pixel format.'),
      bitrate: setting(codecFormats.bitrate, '2M', 'Bits per second at most.'),
      preset: setting(codecFormats.preset, 'ultrafast', 'x264 preset: slower ones make a better picture for more CPU.'),
    },
  },
  camera: {
    poll_interval: time(
      '10s',
      'How often cameras are looked for: USB cameras besides the events of udev, RTSP cameras by asking them.',
      '500ms',
    ),
    detection_timeout: time('10s', 'Limit of one look for USB cameras.', '100ms', '5m'),
    capability_timeout: time('10s', 'Limit of one question for a camera’s formats.', '100ms', '5m'),
    retire_after: time(
      '24h',
      'A camera that is away for so long leaves the list; its id stays its own.',
      '1s',
      '3650d',
    ),
    size: setting(frameSize, '1280x720', 'Frame size: the best mode up to it is chosen.'),
    fps: setting(frameRate, '30', 'Frame rate: the best mode up to it is chosen.'),
  },
  cameras: setting(
    cameraList,
    '[]',
    'Cameras that cannot be discovered or that need settings; see below. USB cameras need no entry.',
  ),
  external_discovery: {
    enabled: setting(
      yesNo,
      'false',
      'Let clients look for RTSP streams and add them as cameras. Scans ask only the addresses that are named here.',
    ),
    scan_interval: time('30s', 'Pause between scans; a client may change it. 0: on demand only.', '0s'),
    scan_timeout: time('30s', 'Limit of one whole scan; what was found until then is kept.', '1s', '1h'),
    host_timeout: time('2s', 'Limit of asking one address and port, with all its paths.', '100ms', '1m'),
    max_concurrent_scans: setting(whole(1, 256), '32', 'How many addresses are asked at a time.'),
    enable_startup_scan: setting(yesNo, 'false', 'Scan once at the start too.'),
    max_streams: setting(whole(1, 1000), '64', 'How many streams clients may add.'),
    skydio: {
      enabled: setting(yesNo, 'false', 'Look for Skydio drones.'),
      network_ranges: setting(
        ranges,
        '192.168.42.0/24',
        'Networks to look in; at most 65536 addresses with those of `generic_uav`.',
      ),
      eo_port: port('5554', 'Port of the electro-optical camera.'),
      ir_port: port('6554', 'Port of the infrared camera.'),
      eo_stream_path: setting(streamPath, '/subject', 'Path of the electro-optical stream.'),
      ir_stream_path: setting(streamPath, '/infrared', 'Path of the infrared stream.'),
      enable_both_streams: setting(yesNo, 'true', 'Look for the infrared stream too.'),
      known_ips: setting(knownAddresses, '192.168.42.10', 'Addresses to ask besides the networks, first.'),
    },
    generic_uav: {
      enabled: setting(yesNo, 'false', 'Look for other RTSP sources.'),
      network_ranges: setting(ranges, '', 'Networks to look in.'),
      common_ports: setting(ports, '554,8554', 'Ports to ask at each address; 322 by rtsps.'),
      stream_paths: setting(streamPaths, '/stream,/live,/video', 'Paths to ask for at each port.'),
      known_ips: setting(knownAddresses, '', 'Addresses to ask besides the networks, first.'),
    },
  },
  recording: {
    format: setting(
      oneOf('fmp4', 'mp4', 'mkv'),
      'fmp4',
      'Format of a recording that names none. mp4 is fmp4 by another name; mkv is remuxed after the stop.',
    ),
    segment_duration: time('1h', 'A recording goes on in a new file after this time.', '1s', '24d'),
    part_duration: time('200ms', 'Length of a part of the file: what a crash loses at most.', '50ms', '10s'),
  },
  snapshots: {
    format: setting(oneOf('jpg', 'png'), 'jpg', 'Format of a snapshot that names none.'),
    quality: setting(whole(1, 100), '90', 'JPEG quality of a snapshot that names none.'),
    freshness: time(
      '1s',
      'How old the picture of a snapshot may be whose request does not say. 0: not taken before the request.',
      '0s',
      '1h',
    ),
    tier0_timeout: time('3s', 'Limit of the picture straight from V4L2.', '100ms', '5m'),
    tier1_timeout: time('6s', 'Limit of the picture by ffmpeg from the device.', '100ms', '5m'),
    tier2_timeout: time('5s', 'Limit of the picture from the live stream.', '100ms', '5m'),
    tier3_timeout: time('20s', 'Limit of the picture from a stream that is woken for it.', '100ms', '5m'),
  },
  security: {
    jwt_secret_key: setting(
      textLike('text of at least 32 bytes, or empty', (key) => key === '' || Buffer.byteLength(key) >= 32),
      '',
      'Key of the tokens. Empty: from `security.jwt_secret_file`, else a systemd credential `jwt_secret`, else generated at the first start.',
      { secret: true },
    ),
    jwt_secret_file: setting(
      fileOrNone,
      '',
      'File that holds the key of the tokens; others must not be able to read it.',
    ),
    jwt_expiry_hours: time('48h', 'Life of a token that `token` issues without `--expires`.', '1s', '3650d', 'h'),
    jwt_keys: setting(
      jwtKeyList,
      '[]',
      'Whose tokens are believed besides our own: public keys in files (PEM, JWK, JWKS), or JWKS URLs that are asked every 10 minutes and for a `kid` that is new. ' +
        'Each key verifies by its own algorithm alone. Set `security.jwt_audience` too when the issuer serves others.',
    ),
    jwt_issuer: setting(
      textLike('text, or empty'),
      '',
      'What each token must hold as `iss`; our own do. Empty: anything.',
    ),
    jwt_audience: setting(
      textLike('text, or empty'),
      '',
      'What each token must hold as `aud`; our own do. Empty: anything.',
    ),
    jwt_clock_tolerance: time('0s', 'By how much the clocks of issuers may differ from ours.', '0s', '5m'),
    streams: setting(
      oneOf('protected', 'open'),
      'protected',
      'protected: a stream opens to a URL that the service has signed, to a token or to an API key. open: to whoever reaches the ports of the media server.',
    ),
    stream_url_life: time(
      '1h',
      'How long the URL of a stream is good for; never longer than the credential of whom it was given to.',
      '1s',
      '30d',
    ),
    stream_url_bind_address: setting(
      yesNo,
      'false',
      'URLs of streams are good only for the address that asked for them; not for clients behind changing addresses.',
    ),
    file_url_life: time(
      '15m',
      'How long a download_url is good for; never longer than the credential of whom it was given to.',
      '1s',
      '30d',
    ),
    rate_limit_requests: setting(
      whole(1, 1_000_000),
      '1000',
      'Requests that one user may make per window, or at once; weighted by what a method costs.',
    ),
    rate_limit_address_requests: setting(
      whole(1, 10_000_000),
      '5000',
      'The same of one address (of IPv6: one /64), over all its users; never less than that of a user.',
    ),
    rate_limit_window: time('1m', 'The window.', '1s', '1d'),
    auth_failures: setting(
      whole(1, 1000),
      '5',
      'Wrong credentials in a row that an address may show; each further one makes it wait, twice as long as the last.',
    ),
    auth_pause_max: time('5m', 'The longest such wait; an hour without a failure ends it all.', '1s', '1d'),
    cors_origins: setting(
      listOf(webOrigin),
      'http://localhost:3000,https://localhost:3000',
      'Web pages that may connect; clients that are no web page send no origin and always may.',
    ),
  },
  api_key_management: {
    default_expiry: time('90d', 'Life of an API key that is created without one.', '1m', '3650d'),
    max_keys: setting(whole(1, 10_000), '100', 'API keys that may be valid at a time.'),
  },
  logging: {
    level: setting(oneOf('error', 'warn', 'info', 'debug'), 'info', 'The least important messages that are logged.'),
    format: setting(
      oneOf('auto', 'json', 'text'),
      'auto',
      'auto: text on a terminal, else JSON lines (under systemd with their priority).',
    ),
    repeat_period: time(
      '60s',
      'A warning or error that repeats is logged at once, then counted once per this period.',
      '1s',
      '1d',
    ),
  },
  storage: {
    warn_percent: setting(whole(1, 100), '80', 'Percent of the disk in use at which clients are warned.'),
    block_percent: setting(
      whole(1, 100),
      '90',
      'Percent of the disk in use at which recordings are refused and stopped.',
    ),
    check_interval: time('5s', 'How often the disk is measured.', '100ms', '1h'),
  },
  retention_policy: {
    enabled: setting(
      yesNo,
      'false',
      'Delete old recordings and snapshots by itself. The keys of this group hold until a client sets a policy, which is kept.',
    ),
    type: setting(
      oneOf('age', 'size', 'manual'),
      'age',
      'age: what is older than `max_age_days`. size: the oldest, until all files take at most `max_size_gb`. manual: nothing. Never a file that is being recorded.',
    ),
    max_age_days: setting(whole(1, 365), '30', 'Days that files are kept.'),
    max_size_gb: setting(
      decimal(0.001, 100_000),
      '10',
      'What recordings and snapshots may take together, in GB (10⁹ bytes).',
    ),
    check_interval: time('1h', 'How often it is looked for what is to go; first a minute after the start.', '1s'),
  },
  audit: {
    max_size: setting(size('100K', '1G'), '10M', 'Size at which the audit log goes on in a new file.'),
    max_files: setting(whole(2, 200), '20', 'Files of it that are kept; the oldest goes when there are more.'),
  },
  http_health: {
    enabled: setting(
      yesNo,
      'true',
      'Serve /health, /health/live, /health/ready, /health/detailed, /health/mediamtx, /health/cameras and /healthz.',
    ),
    host: setting(host, '127.0.0.1', 'Address that they listen on.'),
    port: ownPort('8003', 'Their port.'),
    internal_only: setting(yesNo, 'true', 'Answer this machine and private networks only; others get a 403.'),
    allowed_ips: setting(
      listOf(network),
      '',
      'Addresses and networks that are answered, and no others; empty: as `http_health.internal_only` says.',
    ),
    enable_metrics: setting(yesNo, 'true', 'Serve /metrics for Prometheus beside them.'),
  },
  simulation: {
    enabled: setting(
      yesNo,
      'false',
      'Admit the method `simulate`, which plays faults of virtual cameras. Refused unless `server.host` is loopback.',
    ),
    demo_camera: setting(yesNo, 'false', 'Add a virtual camera when no other camera is found at the start.'),
  },
}

type ValuesOf<S> = S extends Setting<infer T> ? T : { readonly [K in keyof S]: ValuesOf<S[K]> }

/** All settings by their keys. Durations in ms, sizes in bytes, bit rates in bits per second; `data_dir` is absolute. */
export type Configuration = ValuesOf<typeof schema>

/** Every key with its setting, in the order of the schema. */
export const settings: ReadonlyMap<string, Setting<unknown>> = new Map(leaves(schema, ''))

function leaves(group: object, prefix: string): [string, Setting<unknown>][] {
  return Object.entries(group).flatMap(([name, node]: [string, object]) =>
    isSetting(node) ? [[prefix + name, node] satisfies [string, Setting<unknown>]] : leaves(node, `${prefix}${name}.`),
  )
}

function isSetting(node: object): node is Setting<unknown> {
  return 'reads' in node
}

/** `server.port` → `CAMERA_SERVICE_SERVER_PORT`. */
export const environmentName = (key: string) => `CAMERA_SERVICE_${key.toUpperCase().replaceAll('.', '_')}`
