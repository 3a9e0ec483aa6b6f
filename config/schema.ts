import { cameraList, codecFormats, frameRate, priority, skipFrames } from './cameras.js'
import { clientList } from './clients.js'
import { knownAddresses, ports, ranges, streamPath, streamPaths } from './discovery.js'
import {
  absoluteFolderOrNone,
  alias,
  decimal,
  duration,
  type Format,
  fileOrNone,
  folder,
  formatVersion,
  frameSize,
  host,
  hostOrNone,
  network,
  oneOf,
  size,
  sizeOrAuto,
  type TimeUnit,
  textLike,
  urlOrNone,
  webOrigin,
  whole,
  yesNo,
} from './formats.js'
import { listOf } from './groups.js'
import { jwtKeyList } from './jwtKeys.js'
import { text } from './raw.js'

/**
 * How a change of a key applies. `reconnects`: while the service runs, and only the cameras that it concerns reconnect.
 * `restart`: at the next start of the service.
 */
export type Applies = 'live' | 'reconnects' | 'restart'

/** One key, with the format of its value. */
export interface Setting<T> {
  doc: string
  applies: Applies
  default: T
  sensitive: boolean
  reads: Format<T>
  /** The default as text, for the documentation. */
  written: string
}

const setting = <T>(reads: Format<T>, written: string, doc: string, { secret = false } = {}): Setting<T> => {
  const value = reads.read(text(written), () => {})
  if (value === undefined) throw new Error(`the default ${written} must be ${reads.allowed}`)
  return { doc, applies: 'restart', default: value, sensitive: secret, reads, written }
}

/** A key whose change applies while the service runs. A test shows the new value at work. */
const live = <T>(of: Setting<T>, applies: Applies = 'live'): Setting<T> => ({ ...of, applies })

const time = (written: string, doc: string, min = '100ms', max?: string, unit?: TimeUnit) =>
  setting(duration(min, max, unit), written, doc)
const port = (written: string, doc: string) => setting(whole(1, 65_535), written, doc)
/** A port of the service itself. */
const ownPort = (written: string, doc: string) => setting(whole(0, 65_535), written, `${doc} 0: any free port.`)

/** A claim: its name, or the names on the path to it with dots between them. */
const claimName = textLike('the name of a claim, or a path such as realm_access.roles', (name) => {
  return name.length <= 256 && /^[^\s\p{Cc}]+$/u.test(name)
})

/** Every key of the configuration. docs/configuration.md is generated from it. */
export const schema = {
  version: setting(
    formatVersion,
    '1',
    'Version of the format of the file. A file without it has version 1. A newer version is a fault.',
  ),
  data_dir: setting(
    folder,
    './var',
    'Folder of recordings, snapshots, state and secrets. One service at a time locks it. ' +
      'A relative path starts at the working directory. The path must not contain `$` or `%`.',
  ),
  server: {
    host: setting(host, '127.0.0.1', 'Listen address of the WebSocket server and the file downloads; 0.0.0.0 for all.'),
    port: ownPort('8002', 'Port of the WebSocket server and the file downloads.'),
    websocket_path: setting(
      textLike('a path such as /ws', (path) => /^\/[\w.~/-]*$/.test(path)),
      '/ws',
      'Path of the WebSocket endpoint.',
    ),
    public_host: setting(
      hostOrNone,
      '',
      'Host in the URLs for clients. Empty: the address that the client connected to.',
    ),
    public_url: setting(
      urlOrNone('http', 'https'),
      '',
      'Address of the API behind a reverse proxy, with its path. Pages of this origin may connect. ' +
        'See [streams](streams.md#behind-a-reverse-proxy). Empty: there is no proxy.',
    ),
    trusted_proxies: setting(
      listOf(network),
      '',
      'Addresses and networks of reverse proxies. Only for their requests, the address of the client is read from ' +
        '`X-Forwarded-For`.',
    ),
    max_connections: setting(whole(1, 100_000), '1000', 'Maximum number of connections. Further ones get a 503.'),
    max_connections_per_address: setting(
      whole(1, 100_000),
      '256',
      'Maximum number of connections from one address (IPv6: one /64). Further ones get a 429.',
    ),
    max_unauthenticated_per_address: setting(
      whole(1, 100_000),
      '32',
      'Maximum number of connections from one address that have not authenticated yet. Further ones get a 429.',
    ),
    authentication_timeout: time(
      '60s',
      'A connection that has not authenticated within this time is closed (4401).',
      '1s',
      '1h',
    ),
    expiry_grace: time(
      '30s',
      'Time to authenticate again after a token has expired or was revoked. Then the connection is closed (4401).',
      '0s',
      '10m',
    ),
    allowed_ips: setting(listOf(network), '', 'Addresses and networks that may connect. Empty: all.'),
    also_listen: setting(listOf(host), '', 'Further listen addresses, with the same port.'),
    tls: {
      cert_file: setting(
        fileOrNone,
        '',
        'Certificate chain (PEM). With it the server only speaks wss and https. A changed file is read again.',
      ),
      key_file: setting(fileOrNone, '', 'Private key of the certificate (PEM, without a passphrase).'),
      client_ca_file: setting(fileOrNone, '', 'Certificates (PEM) of the authorities that sign client certificates.'),
      client_certificate: setting(
        oneOf('none', 'optional', 'required'),
        'none',
        'Whether clients authenticate with a certificate. optional: a client with a valid one needs no token. ' +
          'required: clients without one are refused.',
      ),
      clients: setting(clientList, '[]', 'Users and rights of client certificates; see [below](#servertlsclients).'),
    },
    max_message_size: setting(
      size('1K', '100M'),
      '1M',
      'Maximum size of a message from a client. A larger one closes the connection (1009).',
    ),
    max_send_buffer: setting(
      size('64K', '1G'),
      '4M',
      'Maximum amount of data that waits for a slow client. A client with more is disconnected, with a reason.',
    ),
    event_buffer: setting(whole(0, 100_000), '1000', 'Number of facts kept for clients that reconnect.'),
    ping_interval: time('30s', 'Interval between the pings of each connection.', '1s'),
    pong_wait: time('60s', 'A connection without any data for this long is closed.', '1s'),
    auto_close_after: time(
      '0s',
      'Longest time that start_streaming holds a stream. 0: until the client releases it or disconnects.',
      '0s',
    ),
    shutdown_timeout: time('10s', 'Time to close recordings and files at a stop.', '1s', '10m'),
  },
  mediamtx: {
    mode: setting(
      oneOf('auto', 'external', 'managed', 'embedded'),
      'auto',
      'external: a server that already runs at `mediamtx.host`. managed: the service starts a `mediamtx` binary. ' +
        'embedded: the simulator of this service. ' +
        'auto: external if one answers, else managed if there is a binary, else embedded.',
    ),
    host: setting(host, '127.0.0.1', 'Address of the media server.'),
    api_port: port('9997', 'Port of its control API.'),
    rtsp_port: port('8554', 'Its RTSP port.'),
    hls_port: port('8888', 'Its HLS port. If it is in use, a server of this service starts without HLS.'),
    webrtc_port: port('8889', 'Its WebRTC port. If it is in use, a server of this service starts without WebRTC.'),
    webrtc_udp_port: setting(
      whole(0, 65_535),
      '0',
      'UDP port of the media of WebRTC. 0: 8189, or any free port if it is in use. Behind a firewall, set a port.',
    ),
    webrtc_hosts: setting(
      listOf(host),
      '',
      'Public addresses or names of this host that browsers try for the media of WebRTC (ICE), besides the addresses ' +
        'of its interfaces. Needed behind NAT and in containers.',
    ),
    hls_variant: setting(
      oneOf('fmp4', 'lowLatency', 'mpegts'),
      'fmp4',
      'Kind of HLS. fmp4: for all players. lowLatency: less delay in browsers, but VLC cannot play it with signed ' +
        'URLs. mpegts: for old players.',
    ),
    tls: setting(
      oneOf('same', 'files', 'off'),
      'same',
      'Encryption of HLS and WebRTC of a server that this service starts. same: with the certificate of `server.tls`, ' +
        'if there is one. files: with `mediamtx.tls_cert_file`. off: none.',
    ),
    tls_cert_file: setting(fileOrNone, '', 'Certificate chain (PEM) for `mediamtx.tls: files`.'),
    tls_key_file: setting(fileOrNone, '', 'Private key of this certificate (PEM, without a passphrase).'),
    public_rtsp_url: setting(
      urlOrNone('rtsp', 'rtsps'),
      '',
      'Address of RTSP for clients, if it differs from host and port of the media server. The camera is appended.',
    ),
    public_hls_url: setting(urlOrNone('http', 'https'), '', 'The same for HLS, such as behind a reverse proxy.'),
    public_webrtc_url: setting(urlOrNone('http', 'https'), '', 'The same for WebRTC.'),
    auth_host: setting(
      host,
      '127.0.0.1',
      'Listen address for the questions of the media server about permissions. ' +
        'Change it only for an external server on another host.',
    ),
    auth_port: ownPort('0', 'Port for these questions. An external server needs a fixed one.'),
    timeout: time('10s', 'Time limit of one call of its control API.'),
    run_on_demand_start_timeout: time('20s', 'Time for a camera to deliver its first frame.', '1s', '10m'),
    run_on_demand_close_after: time('10s', 'A camera is stopped this long after its last use.', '1s', '1h'),
    health_check_interval: time('1s', 'Interval between the health checks of the media server.'),
    health_check_timeout: time('2s', 'Time limit of one health check.', '100ms', '1m'),
    hang_timeout: time(
      '10s',
      'A media server of ours that does not answer for this long is killed and restarted.',
      '1s',
      '1h',
    ),
    process_termination_timeout: time(
      '5s',
      'A managed server that has not ended after this time is killed.',
      '100ms',
      '1m',
    ),
    circuit_breaker: {
      failure_threshold: setting(
        whole(1, 1000),
        '5',
        'Number of failed calls in a row that open the circuit breaker. Further calls then fail at once. A refusal by ' +
          'the media server is no failure.',
      ),
      recovery_timeout: time('2s', 'Time after which an open circuit breaker lets one call through.'),
    },
    codec: {
      video_profile: setting(
        codecFormats.video_profile,
        'baseline',
        'H.264 profile of encoded streams (baseline: Constrained Baseline).',
      ),
      video_level: setting(
        codecFormats.video_level,
        'auto',
        'H.264 level. auto: 3.0, or the lowest level above it that allows the frame size and rate.',
      ),
      pixel_format: setting(codecFormats.pixel_format, 'yuv420p', 'Pixel format.'),
      bitrate: setting(codecFormats.bitrate, '2M', 'Maximum bit rate.'),
      preset: setting(
        codecFormats.preset,
        'ultrafast',
        'x264 preset. Slower ones give a better picture for more CPU. Hardware encoders do not use it.',
      ),
      encoder: setting(
        codecFormats.encoder,
        'auto',
        'Encoder of the streams of cameras without H.264. auto: the first hardware encoder that encodes a picture on ' +
          'this host, else libx264. A hardware encoder that fails is replaced by libx264, with a reason in the status ' +
          'of the camera. See [encoders](cameras.md#encoders).',
      ),
    },
  },
  camera: {
    poll_interval: time(
      '10s',
      'Interval between looks for USB cameras (besides the events of udev), and between checks of RTSP cameras.',
      '500ms',
    ),
    detection_timeout: time('10s', 'Time limit of one look for USB cameras.', '100ms', '5m'),
    capability_timeout: time('10s', 'Time limit for reading the formats of a camera.', '100ms', '5m'),
    retire_after: time(
      '24h',
      'A camera that is unplugged for this long leaves the list. Its id is kept for it.',
      '1s',
      '3650d',
    ),
    size: setting(frameSize, '1280x720', 'Largest frame size. The service uses the best mode up to it.'),
    fps: setting(frameRate, '30', 'Highest frame rate. The service uses the best mode up to it.'),
    adapt: live(
      setting(
        yesNo,
        'false',
        'Whether to lower the frame rate, then the size of a stream that the host is too slow to encode, and to raise ' +
          'them again later. Each step interrupts the stream, and a recording continues in a new file.',
      ),
    ),
  },
  cameras: live(
    setting(
      cameraList,
      '[]',
      'RTSP and virtual cameras, and settings of single USB cameras; see [below](#items-of-cameras). ' +
        'USB cameras need no entry.',
    ),
    'reconnects',
  ),
  config: {
    rollback_timeout: live(
      time(
        '30s',
        'A change of the configuration is reverted if the service is not healthy again within this time.',
        '1s',
        '10m',
      ),
    ),
    history: live(setting(whole(1, 100), '10', 'Number of good versions of the configuration file that are kept.')),
  },
  external_discovery: {
    enabled: setting(
      yesNo,
      'false',
      'Whether clients may scan for RTSP streams and add them as cameras. Scans only call the addresses below.',
    ),
    scan_interval: live(time('30s', 'Interval between scans. A client may change it. 0: on demand only.', '0s')),
    scan_timeout: time('30s', 'Time limit of one scan. What it found until then is kept.', '1s', '1h'),
    host_timeout: time('2s', 'Time limit for one address and port, with all its paths.', '100ms', '1m'),
    max_concurrent_scans: setting(whole(1, 256), '32', 'Number of addresses that are called at the same time.'),
    enable_startup_scan: setting(yesNo, 'false', 'Whether to scan once at the start.'),
    max_streams: live(setting(whole(1, 1000), '64', 'Maximum number of streams that clients may add.')),
    skydio: {
      enabled: live(setting(yesNo, 'false', 'Whether to look for Skydio drones.')),
      network_ranges: live(
        setting(
          ranges,
          '192.168.42.0/24',
          'Networks to scan; at most 65536 addresses together with those of `generic_uav`.',
        ),
      ),
      eo_port: live(port('5554', 'Port of the electro-optical camera.')),
      ir_port: live(port('6554', 'Port of the infrared camera.')),
      eo_stream_path: live(setting(streamPath, '/subject', 'Path of the electro-optical stream.')),
      ir_stream_path: live(setting(streamPath, '/infrared', 'Path of the infrared stream.')),
      enable_both_streams: live(setting(yesNo, 'true', 'Whether to look for the infrared stream too.')),
      known_ips: live(setting(knownAddresses, '192.168.42.10', 'Addresses to call before the networks.')),
    },
    generic_uav: {
      enabled: live(setting(yesNo, 'false', 'Whether to look for other RTSP sources.')),
      network_ranges: live(setting(ranges, '', 'Networks to scan.')),
      common_ports: live(setting(ports, '554,8554', 'Ports to call at each address; 322 with rtsps.')),
      stream_paths: live(setting(streamPaths, '/stream,/live,/video', 'Paths to try at each port.')),
      known_ips: live(setting(knownAddresses, '', 'Addresses to call before the networks.')),
    },
  },
  recording: {
    format: live(
      setting(
        oneOf('fmp4', 'mp4', 'mkv'),
        'fmp4',
        'Default format of recordings. The media server always writes fMP4, which survives a crash. After the stop, ' +
          '`fmp4` gets an index, `mp4` becomes a file without parts, `mkv` is remuxed to Matroska.',
      ),
    ),
    on_unplug: live(
      setting(
        oneOf('resume', 'stop'),
        'resume',
        'When the camera of a recording is lost: `resume` continues the recording when the camera is back, `stop` ends it as failed.',
      ),
    ),
    max_interruption: live(
      time(
        '0s',
        'A recording that cannot continue for this long ends as failed. 0: it waits until it is stopped, or until its time.',
        '0s',
        '3650d',
      ),
    ),
    priority: live(
      setting(
        priority,
        '50',
        'Priority of recordings, unless the camera has its own. When the disk is nearly full, recordings with a lower ' +
          'priority are interrupted first, and continue last. See [Priorities](#priorities).',
      ),
    ),
    segment_duration: time('1h', 'A recording continues in a new file after this time.', '1s', '24d'),
    index: setting(
      yesNo,
      'true',
      'Whether closed recordings get an index, with which a browser shows the duration at once and jumps to any time ' +
        'without reading the whole file. A copy of the file is made with low priority, and replaces the original when ' +
        'it is whole. Without it, `mp4` stays `fmp4`.',
    ),
    part_duration: time('200ms', 'Length of a part of the file. A crash loses at most one part.', '50ms', '10s'),
  },
  snapshots: {
    format: live(
      setting(alias(oneOf('jpg', 'png'), { jpeg: 'jpg' }), 'jpg', 'Default format of snapshots. jpeg is jpg.'),
    ),
    quality: live(setting(whole(1, 100), '90', 'Default JPEG quality of snapshots.')),
    freshness: live(time('1s', 'Default maximum age of the picture. 0: taken after the request.', '0s', '1h')),
    skip_frames: setting(
      skipFrames,
      'auto',
      'Number of frames that a snapshot from a USB camera skips, because the first ones are dark. ' +
        'auto: measured from time to time, until the brightness has settled, at most 12. Not used while it streams.',
    ),
    tier0_timeout: time('3s', 'Time limit of a picture taken directly from V4L2.', '100ms', '5m'),
    tier1_timeout: time('6s', 'Time limit of a picture that ffmpeg takes from the device.', '100ms', '5m'),
    tier2_timeout: time('5s', 'Time limit of a picture from the live stream.', '100ms', '5m'),
    tier3_timeout: time('20s', 'Time limit of a picture from a stream that is started for it.', '100ms', '5m'),
  },
  security: {
    jwt_secret_key: setting(
      textLike('text of at least 32 bytes, or empty', (key) => key === '' || Buffer.byteLength(key) >= 32),
      '',
      'Key that signs tokens. Empty: from `security.jwt_secret_file`, else from a systemd credential `jwt_secret`, ' +
        'else generated at the first start.',
      { secret: true },
    ),
    jwt_secret_file: setting(
      fileOrNone,
      '',
      'File with the key that signs tokens. Other users must not be able to read it.',
    ),
    jwt_expiry_hours: time(
      '48h',
      'Lifetime of a token that the command `token` issues without `--expires`.',
      '1s',
      '3650d',
      'h',
    ),
    jwt_keys: setting(
      jwtKeyList,
      '[]',
      'Public keys of other issuers whose tokens are accepted: files (PEM, JWK, JWKS), or JWKS URLs, ' +
        'which are read every 10 minutes and for a new `kid`. Each key only verifies with its own algorithm. ' +
        'Set `security.jwt_audience` too if the issuer serves other services.',
    ),
    jwt_issuer: setting(
      textLike('text, or empty'),
      '',
      'Required `iss` of every token; the service sets it in its own. Empty: any.',
    ),
    jwt_audience: setting(
      textLike('text, or empty'),
      '',
      'Required `aud` of every token; the service sets it in its own. Empty: any.',
    ),
    jwt_clock_tolerance: time('0s', 'Allowed difference between the clocks of issuers and of this host.', '0s', '5m'),
    jwt_iat_tolerance: time(
      '30s',
      'How far the time of issue (`iat`) of a token may be in the future; at least `security.jwt_clock_tolerance`. ' +
        'It does not change when a token expires.',
      '0s',
      '5m',
    ),
    jwt_claims: {
      user: setting(
        claimName,
        'user_id',
        'Claim with the user in tokens of other issuers, such as `sub`. The tokens of this service always have ' +
          '`user_id`, `role` and `cameras`. See [claims of other issuers](security.md#claims-of-other-issuers).',
      ),
      role: setting(
        claimName,
        'role',
        'Claim with the role; a path such as `realm_access.roles` names a claim in a claim. Of a list under such a ' +
          'name, the highest role counts, and other words are ignored.',
      ),
      cameras: setting(claimName, 'cameras', 'Claim with the list of cameras. A token without it is for all cameras.'),
    },
    streams: setting(
      oneOf('protected', 'open'),
      'protected',
      'protected: a stream needs a signed URL, a token or an API key. open: the media server serves everybody.',
    ),
    stream_url_life: time(
      '1h',
      'Lifetime of the URL of a stream. It also ends with the credential of the client that it was issued to.',
      '1s',
      '30d',
    ),
    stream_url_max_life: time(
      '30d',
      'Longest lifetime of the URL of a stream that a client may request by `life` of `get_stream_url`.',
      '1s',
      '3650d',
    ),
    stream_url_bind_address: setting(
      yesNo,
      'false',
      'Whether the URL of a stream is only valid for the address of the client that it was issued to. ' +
        'Not for clients with changing addresses.',
    ),
    file_url_life: time(
      '15m',
      'Lifetime of a download_url. It also ends with the credential of the client that it was issued to.',
      '1s',
      '30d',
    ),
    rate_limit_requests: live(
      setting(
        whole(1, 1_000_000),
        '1000',
        'Number of requests per window and user, weighted by the cost of the method. They may come all at once.',
      ),
    ),
    rate_limit_address_requests: live(
      setting(
        whole(1, 10_000_000),
        '5000',
        'The same for one address (IPv6: one /64) with all its users; at least the limit of a user.',
      ),
    ),
    rate_limit_window: live(time('1m', 'Length of the window.', '1s', '1d')),
    auth_failures: live(
      setting(
        whole(1, 1000),
        '5',
        'Number of failed logins in a row before an address is locked out. Each further failure doubles the time.',
      ),
    ),
    auth_pause_max: live(time('5m', 'Longest lockout. An hour without a failure resets the count.', '1s', '1d')),
    cors_origins: setting(
      listOf(webOrigin),
      'http://localhost:3000,https://localhost:3000',
      'Origins of web pages that may connect. Other clients send no origin and may always connect.',
    ),
  },
  api_key_management: {
    default_expiry: time('90d', 'Default lifetime of an API key.', '1m', '3650d'),
    max_keys: setting(whole(1, 10_000), '100', 'Maximum number of valid API keys.'),
  },
  logging: {
    level: live(
      setting(
        alias(oneOf('error', 'warn', 'info', 'debug'), {
          warning: 'warn',
          fatal: 'error',
          panic: 'error',
          trace: 'debug',
        }),
        'info',
        'Lowest level that is logged.',
      ),
    ),
    format: setting(
      oneOf('auto', 'json', 'text'),
      'auto',
      'auto: text on a terminal, else JSON lines (under systemd with their priority).',
    ),
    dir: setting(
      absoluteFolderOrNone,
      '',
      'Folder for log files, beside the log on standard output. `camera-service.log` has a JSON line per message; ' +
        'older files are compressed: `camera-service.log.1.gz` is the newest. For this service alone. Empty: there are none.',
    ),
    max_file_size: setting(size('100K', '1G'), '10M', 'Size at which a log file is closed and the next one begins.'),
    max_file_days: setting(
      whole(1, 365),
      '1',
      'Number of midnights after which a log file is closed, counted from the start of the file or of the service.',
    ),
    max_files: setting(whole(1, 100), '7', 'Number of closed log files that are kept.'),
    repeat_period: time(
      '60s',
      'Repeated warnings and errors are logged once, then counted once per period.',
      '1s',
      '1d',
    ),
  },
  storage: {
    fallback_path: setting(
      absoluteFolderOrNone,
      '',
      'Folder for recordings while the main one (`recordings` of `data_dir`) is missing, read-only, faulty, or stays ' +
        'full; best on another disk. It is created if it is missing. Empty: there is none. ' +
        'See [Fallback folder](#fallback-folder).',
    ),
    warn_percent: live(
      setting(whole(1, 100), '80', 'Disk usage, of bytes or inodes, in percent from which clients are warned.'),
    ),
    block_percent: live(
      setting(
        whole(1, 100),
        '90',
        'Disk usage, of bytes or inodes, in percent from which recordings are refused and interrupted.',
      ),
    ),
    min_free: live(
      setting(
        sizeOrAuto('0', '1000T'),
        'auto',
        'Free space below which recordings are refused and interrupted; below twice as much clients are warned. ' +
          'auto: 100M, but at most 5 % of the disk. 0: only `storage.block_percent` counts.',
      ),
    ),
    free_target: live(
      setting(
        size('0', '1000T'),
        '0',
        'Free space that retention keeps, if it is enabled and not `manual`: it deletes the oldest files when less is ' +
          'free. 0: on a full disk it deletes at once what its policy names, and nothing else. ' +
          'See [Deletion for free space](#deletion-for-free-space).',
      ),
    ),
    check_interval: live(
      time(
        '5s',
        'Longest interval between measurements of the disk. Each writes and removes a small file. While the disk fills ' +
          'up they come sooner, up to four times a second, and recordings stop before they could fill it.',
        '100ms',
        '1h',
      ),
    ),
  },
  retention_policy: {
    enabled: live(
      setting(
        yesNo,
        'false',
        'Whether to delete old recordings and snapshots. The keys of this group apply until a client sets a policy, ' +
          'which is kept.',
      ),
    ),
    type: live(
      setting(
        oneOf('age', 'size', 'manual'),
        'age',
        'age: delete files older than `max_age_days`. size: delete the oldest until all take at most `max_size_gb`. ' +
          'manual: delete nothing. A file of a running recording is never deleted.',
      ),
    ),
    max_age_days: live(
      setting(
        whole(1, 365),
        '30',
        'Number of days that files are kept. See [Deletion by age and the clock](#deletion-by-age-and-the-clock).',
      ),
    ),
    max_size_gb: live(
      setting(decimal(0.001, 100_000), '10', 'Maximum size of all recordings and snapshots, in GB (10⁹ bytes).'),
    ),
    check_interval: live(time('1h', 'How often to look for files to delete; first one minute after the start.', '1s')),
  },
  audit: {
    max_size: setting(size('100K', '1G'), '10M', 'Size at which the audit log continues in a new file.'),
    max_files: setting(whole(2, 200), '20', 'Number of its files that are kept. The oldest are deleted.'),
  },
  journal: {
    enabled: setting(
      yesNo,
      'true',
      'Whether to keep a journal of all changes of state, for `explain` and `get_history`. Without it, `explain` ' +
        'returns the present state alone.',
    ),
    max_size: setting(size('100K', '1G'), '8M', 'Maximum size of the journal. The oldest entries are removed.'),
    max_age: time('30d', 'How long its entries are kept.', '1h', '3650d'),
  },
  http_health: {
    enabled: setting(
      yesNo,
      'true',
      'Whether to serve /health, /health/live, /health/ready, /health/detailed, /health/mediamtx, /health/cameras ' +
        'and /healthz.',
    ),
    host: setting(host, '127.0.0.1', 'Their listen address.'),
    port: ownPort('8003', 'Their port.'),
    internal_only: setting(
      yesNo,
      'true',
      'Whether only this host and private networks may read them. Others get a 403.',
    ),
    allowed_ips: setting(
      listOf(network),
      '',
      'The only addresses and networks that may read them. Empty: as `http_health.internal_only` says.',
    ),
    enable_metrics: setting(yesNo, 'true', 'Whether to serve /metrics for Prometheus too.'),
  },
  inspect: {
    enabled: setting(
      yesNo,
      'false',
      'Whether to serve /inspect/ws on `server.port`: the running actors, live, for receivers of `@statelyai/inspect` ' +
        'with the credential of an administrator. See [Live inspection](#live-inspection).',
    ),
    allowed_ips: setting(
      listOf(network),
      '127.0.0.0/8,::1',
      'Addresses and networks that may inspect; `server.allowed_ips` applies too. Empty: all. Others get a 403.',
    ),
    max_clients: setting(whole(1, 16), '2', 'Maximum number of receivers. Further ones get a 503.'),
  },
  console: {
    enabled: setting(
      yesNo,
      'true',
      'Whether to serve the console, a page for browsers, at the address of the WebSocket server. It shows nothing ' +
        'without a token or an API key.',
    ),
  },
  simulation: {
    enabled: setting(
      yesNo,
      'false',
      'Whether to offer the method `simulate`, which simulates faults; see [simulation.md](simulation.md). ' +
        'Only possible while `server.host` is loopback.',
    ),
    demo_camera: setting(yesNo, 'false', 'Whether to add a virtual camera when no other camera is found at the start.'),
  },
}

type ValuesOf<S> = S extends Setting<infer T> ? T : { readonly [K in keyof S]: ValuesOf<S[K]> }

/** All settings. Durations in ms, sizes in bytes, bit rates in bits per second. `data_dir` is absolute. */
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

/** Values by key. */
type Values = ReadonlyMap<string, unknown>

/** The configuration with these values. A key without a value has its default. */
export const configurationOf = (values: Values) => filled(schema, '', values) as Configuration

const filled = (group: object, prefix: string, values: Values): object =>
  Object.fromEntries(
    Object.entries(group).map(([name, node]: [string, object]) => {
      const key = prefix + name
      return [name, isSetting(node) ? (values.get(key) ?? node.default) : filled(node, `${key}.`, values)]
    }),
  )

/** `server.port` → `CAMERA_SERVICE_SERVER_PORT`. */
export const environmentName = (key: string) => `CAMERA_SERVICE_${key.toUpperCase().replaceAll('.', '_')}`
