import { choice, duration, flag, integer, list, network, object, size, text, type ValuesOf } from './kinds.js'

const transports = ['udp', 'multicast', 'tcp'] as const
const actions = ['publish', 'read', 'playback', 'api', 'metrics', 'pprof'] as const

const permission = object({
  action: choice(actions, 'publish', (given) => `invalid auth action: '${given}'`),
  path: text(),
})
const user = object({ user: text(), pass: text(), ips: list(network), permissions: list(permission) })

const permissions = (...names: (typeof actions)[number][]) => names.map((action) => ({ action, path: '' }))

/**
 * The global fields of MediaMTX v1.20.1 that the simulator knows, with their kinds and defaults; any other is refused.
 * They are those that have an effect here, and those that the camera service writes.
 */
export const globalFields = {
  logLevel: choice(['error', 'warn', 'info', 'debug'], 'info', (given) => `invalid log level: '${given}'`),
  logDestinations: list(
    choice(['stdout'], 'stdout', (given) => `unsupported log destination: '${given}'`),
    ['stdout'],
  ),
  readTimeout: duration('10s'),
  writeTimeout: duration('10s'),
  writeQueueSize: integer(512),
  authMethod: choice(['internal', 'http'], 'internal', (given) => `unsupported authMethod: '${given}'`),
  authInternalUsers: list(user, [
    { user: 'any', pass: '', ips: [], permissions: permissions('publish', 'read', 'playback') },
    {
      user: 'any',
      pass: '',
      ips: ['127.0.0.1/32', '::1/128'],
      permissions: permissions('api', 'metrics', 'pprof'),
    },
  ]),
  authHTTPAddress: text(),
  authHTTPExclude: list(permission),
  api: flag(),
  apiAddress: text(':9997'),
  apiAllowOrigins: list(text(), ['*']),
  rtsp: flag(true),
  rtspTransports: list(
    choice(transports, 'tcp', (given) => `invalid transport: ${given}`),
    ['multicast', 'tcp', 'udp'],
  ),
  rtspAddress: text(':8554'),
  hls: flag(true),
  hlsAddress: text(':8888'),
  hlsAlwaysRemux: flag(),
  hlsMuxerCloseAfter: duration('1m0s'),
  webrtc: flag(true),
  webrtcAddress: text(':8889'),
  webrtcLocalUDPAddress: text(':8189'),
  rtmp: flag(true),
  srt: flag(true),
  moq: flag(true),
  metrics: flag(),
  pprof: flag(),
  playback: flag(),
}

/** The same for the fields of a path. */
export const pathFields = {
  name: text(),
  source: text('publisher'),
  sourceFingerprint: text(),
  rtspTransport: choice(['automatic', ...transports], 'automatic', (given) => `invalid transport '${given}'`),
  sourceOnDemand: flag(),
  sourceOnDemandStartTimeout: duration('10s'),
  sourceOnDemandCloseAfter: duration('10s'),
  maxReaders: integer(0),
  record: flag(),
  recordPath: text('./recordings/%path/%Y-%m-%d_%H-%M-%S-%f'),
  recordFormat: choice(['fmp4', 'mpegts'], 'fmp4', (given) => `invalid record format '${given}'`),
  recordPartDuration: duration('1s'),
  recordMaxPartSize: size('50M'),
  recordSegmentDuration: duration('1h0m0s'),
  recordDeleteAfter: duration('1d'),
  overridePublisher: flag(true),
  runOnDemand: text(),
  runOnDemandRestart: flag(),
  runOnDemandStartTimeout: duration('10s'),
  runOnDemandCloseAfter: duration('10s'),
  runOnRecordSegmentCreate: text(),
  runOnRecordSegmentComplete: text(),
}

/** What the API shows as the global configuration. Durations are texts. */
export type GlobalConf = ValuesOf<typeof globalFields>

/** What the API shows as the configuration of a path. Durations and sizes are texts. */
export type PathConf = ValuesOf<typeof pathFields>

/** A right to do one thing; an empty `path` means every path. */
export type Permission = GlobalConf['authHTTPExclude'][number]
