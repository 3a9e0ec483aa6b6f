import { cameraList, codecFormats, frameRate } from './cameras.js'
import {
  duration,
  type Format,
  fileOrNone,
  folder,
  frameSize,
  host,
  hostOrNone,
  listOf,
  oneOf,
  size,
  type TimeUnit,
  textLike,
  webOrigin,
  whole,
  yesNo,
} from './formats.js'
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

const time = (written: string, doc: string, min = '100ms', max?: string, unit?: TimeUnit) => setting(duration(min, max, unit), written, doc)
const port = (written: string, doc: string) => setting(whole(1, 65_535), written, doc)
/** Of our own servers: 0 takes any free port. */
const ownPort = (written: string, doc: string) => setting(whole(0, 65_535), written, `${doc} 0: any free one.`)

export const schema = {
  data_dir: setting(folder, './var', 'Folder of recordings, snapshots, state and secrets; locked by one service. Relative to the working directory.'),
  server: {
    host: setting(host, '127.0.0.1', 'Address that the WebSocket server and the file downloads listen on; 0.0.0.0 for all.'),
    port: ownPort('8002', 'Port of the WebSocket server and the file downloads.'),
    websocket_path: setting(
      textLike('a path such as /ws', (path) => /^\/[\w.~/-]*$/.test(path)),
      '/ws',
      'Path of the WebSocket endpoint.',
    ),
    public_host: setting(hostOrNone, '', 'Host in the URLs that clients get. Empty: the address that the client came in by.'),
    max_connections: setting(whole(1, 100_000), '1000', 'Connections at a time; further ones are answered with 503.'),
    max_message_size: setting(size('1K', '100M'), '1M', 'Largest message of a client; a larger one closes its connection (1009).'),
    max_send_buffer: setting(size('64K', '1G'), '4M', 'What may wait for a client that reads slowly; beyond it the client is dropped with a reason.'),
    ping_interval: time('30s', 'How often each connection is pinged.', '1s'),
    pong_wait: time('60s', 'A connection that has shown no sign of life for so long is closed.', '1s'),
    auto_close_after: time('0s', 'start_streaming holds a stream for at most this long. 0: until its holder lets go or leaves.', '0s'),
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
    timeout: time('10s', 'Limit of one call of its control API.'),
    run_on_demand_start_timeout: time('20s', 'A camera must deliver its first frame within this time of being asked.', '1s', '10m'),
    run_on_demand_close_after: time('10s', 'A camera is let go so long after its last use.', '1s', '1h'),
    health_check_interval: time('1s', 'How often the media server is asked whether it is there.'),
    health_check_timeout: time('2s', 'Limit of that question.', '100ms', '1m'),
    process_termination_timeout: time('5s', 'A managed server that has not ended by then is killed.', '100ms', '1m'),
    circuit_breaker: {
      failure_threshold: setting(whole(1, 1000), '5', 'Failed calls in a row that open the breaker: further calls then fail at once.'),
      recovery_timeout: time('2s', 'Pause before an open breaker lets one call try.'),
    },
    codec: {
      video_profile: setting(codecFormats.video_profile, 'baseline', 'H.264 profile of what the service encodes itself (baseline: Constrained Baseline).'),
      video_level: setting(codecFormats.video_level, 'auto', 'H.264 level. auto: 3.0, or the lowest above it whose limits the picture fits.'),
      pixel_format: setting(codecFormats.pixel_format, 'yuv420p', 'Pixel format.'),
      bitrate: setting(codecFormats.bitrate, '2M', 'Bits per second at most.'),
      preset: setting(codecFormats.preset, 'ultrafast', 'x264 preset: slower ones make a better picture for more CPU.'),
    },
  },
  camera: {
    poll_interval: time('10s', 'How often cameras are looked for: USB cameras besides the events of udev, RTSP cameras by asking them.', '500ms'),
    detection_timeout: time('10s', 'Limit of one look for USB cameras.', '100ms', '5m'),
    capability_timeout: time('10s', 'Limit of one question for a camera’s formats.', '100ms', '5m'),
    retire_after: time('24h', 'A camera that is away for so long leaves the list; its id stays its own.', '1s', '3650d'),
    size: setting(frameSize, '1280x720', 'Frame size: the best mode up to it is chosen.'),
    fps: setting(frameRate, '30', 'Frame rate: the best mode up to it is chosen.'),
  },
  cameras: setting(cameraList, '[]', 'Cameras that cannot be discovered or that need settings; see below. USB cameras need no entry.'),
  recording: {
    format: setting(oneOf('fmp4', 'mp4', 'mkv'), 'fmp4', 'Format of a recording that names none. mp4 is fmp4 by another name; mkv is remuxed after the stop.'),
    segment_duration: time('1h', 'A recording goes on in a new file after this time.', '1s', '24d'),
    part_duration: time('200ms', 'Length of a part of the file: what a crash loses at most.', '50ms', '10s'),
  },
  snapshots: {
    format: setting(oneOf('jpg', 'png'), 'jpg', 'Format of a snapshot that names none.'),
    quality: setting(whole(1, 100), '90', 'JPEG quality of a snapshot that names none.'),
    freshness: time('1s', 'How old the picture of a snapshot may be whose request does not say. 0: not taken before the request.', '0s', '1h'),
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
    jwt_secret_file: setting(fileOrNone, '', 'File that holds the key of the tokens; others must not be able to read it.'),
    jwt_expiry_hours: time('48h', 'Life of a token that `token` issues without `--expires`.', '1s', '3650d', 'h'),
    rate_limit_requests: setting(whole(1, 1_000_000), '1000', 'Requests that one client may make per window.'),
    rate_limit_window: time('1m', 'The window.', '1s', '1d'),
    cors_origins: setting(
      listOf(webOrigin),
      'http://localhost:3000,https://localhost:3000',
      'Web pages that may connect; clients that are no web page send no origin and always may.',
    ),
  },
  logging: {
    level: setting(oneOf('error', 'warn', 'info', 'debug'), 'info', 'The least important messages that are logged.'),
    format: setting(oneOf('auto', 'json', 'text'), 'auto', 'auto: text on a terminal, else JSON lines (under systemd with their priority).'),
    repeat_period: time('60s', 'A warning or error that repeats is logged at once, then counted once per this period.', '1s', '1d'),
  },
  storage: {
    warn_percent: setting(whole(1, 100), '80', 'Percent of the disk in use at which clients are warned.'),
    block_percent: setting(whole(1, 100), '90', 'Percent of the disk in use at which recordings are refused and stopped.'),
    check_interval: time('5s', 'How often the disk is measured.', '100ms', '1h'),
  },
  http_health: {
    enabled: setting(yesNo, 'true', 'Serve /health, /health/live, /health/ready and /health/detailed.'),
    host: setting(host, '127.0.0.1', 'Address that they listen on.'),
    port: ownPort('8003', 'Their port.'),
  },
  simulation: {
    enabled: setting(yesNo, 'false', 'Admit the method `simulate`, which plays faults of virtual cameras. Refused unless `server.host` is loopback.'),
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
