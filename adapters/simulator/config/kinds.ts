import { isIP } from 'node:net'
import { formatDuration, formatSize, parseDuration, parseSize } from './duration.js'
import { type Json, mismatch, objectOf } from './json.js'

/** Checks a value and gives it the one spelling that the server answers with. Throws an Error with MediaMTX's own text. `where` is the field's full name. */
type Decode = (value: Json, where: string) => Json

const primitive =
  (type: 'string' | 'boolean', goType: string): Decode =>
  (value) => {
    // Go leaves a field as it is when it is given null.
    if (value === null) return type === 'string' ? '' : false
    const given = typeof value
    if (given !== type) throw mismatch(value, goType)
    return value
  }

const number =
  (goType: string, fits: (value: number) => boolean): Decode =>
  (value) => {
    if (value === null) return 0
    if (typeof value !== 'number') throw mismatch(value, goType)
    if (!fits(value)) throw mismatch(value, goType)
    return value
  }

const listOf =
  (item: Decode, goType: string): Decode =>
  (value, where) => {
    if (value === null) return []
    if (!Array.isArray(value)) throw mismatch(value, goType)
    return value.map((one, n) => item(one, `${where}[${n}]`))
  }

const oneOf =
  (values: readonly string[], complaint: (value: string) => string): Decode =>
  (value, where) => {
    const text = String(string(value, where))
    if (!values.includes(text)) throw new Error(complaint(text))
    return text
  }

const record =
  (members: Record<string, [kind: Decode, fallback: Json]>): Decode =>
  (value, where) => {
    const given = objectOf(value)
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(members, name))
    if (unknown !== undefined) throw new Error(`json: unknown field ${JSON.stringify(`${where}.${unknown}`)}`)
    return Object.fromEntries(
      Object.entries(members).map(([name, [kind, fallback]]) => {
        const one = given[name]
        return [name, one === undefined ? fallback : kind(one, `${where}.${name}`)]
      }),
    )
  }

const string = primitive('string', 'string')
const bool = primitive('boolean', 'bool')
const integer = Number.isSafeInteger
const int = number('int', integer)

const network: Decode = (value, where) => {
  const text = String(string(value, where))
  const [address = '', bits] = text.split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  if (family === 0 || (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= most)))
    throw new Error(`unable to parse IP/CIDR '${text}'`)
  return `${address}/${bits ?? most}`
}

const permissions = listOf(
  record({
    action: [
      oneOf(['publish', 'read', 'playback', 'api', 'metrics', 'pprof'], (text) => `invalid auth action: '${text}'`),
      'publish',
    ],
    path: [string, ''],
  }),
  '[]json.RawMessage',
)

const codecs = ['AV1', 'VP9', 'H265', 'H264', 'MPEG4Audio', 'Opus', 'G711', 'LPCM']

export const kinds = {
  string,
  bool,
  int,
  uint: number('uint', (value) => integer(value) && value >= 0),
  float: number('float64', () => true),
  duration: (value, where) => formatDuration(parseDuration(String(string(value, where)))),
  size: (value, where) => formatSize(parseSize(String(string(value, where)))),
  strings: listOf(string, '[]string'),
  uints: listOf(
    number('uint', (value) => integer(value) && value >= 0),
    '[]uint',
  ),
  floats: listOf(
    number('float64', () => true),
    '[]float64',
  ),
  networks: listOf(network, '[]string'),
  recordFormat: oneOf(['fmp4', 'mpegts'], (text) => `invalid record format '${text}'`),
  rtspTransport: oneOf(['automatic', 'udp', 'multicast', 'tcp'], (text) => `invalid transport '${text}'`),
  rtspTransports: (value, where) => {
    const list = listOf(
      oneOf(['udp', 'multicast', 'tcp'], (text) => `invalid transport: ${text}`),
      '[]string',
    )(value, where)
    return [...new Set(list as string[])].sort()
  },
  rtspRangeType: oneOf(['', 'clock', 'npt', 'smpte'], (text) => `invalid rtsp range type: '${text}'`),
  rtspAuthMethods: listOf(
    oneOf(['basic', 'digest'], (text) => `invalid authentication method: '${text}'`),
    '[]string',
  ),
  moqTransport: oneOf(['quic', 'webtransport'], (text) => `invalid MoQ transport '${text}'`),
  logLevel: oneOf(['error', 'warn', 'info', 'debug'], (text) => `invalid log level: '${text}'`),
  logDestinations: listOf(
    oneOf(['stdout', 'file', 'syslog'], (text) => `invalid log destination: ${text}`),
    '[]string',
  ),
  authMethod: oneOf(['internal', 'http', 'jwt'], (text) => `invalid authMethod: '${text}'`),
  encryption: oneOf(['no', 'optional', 'strict'], (text) => `invalid encryption: '${text}'`),
  hlsVariant: oneOf(['mpegts', 'fmp4', 'lowLatency'], (text) => `invalid HLS variant: '${text}'`),
  permissions,
  users: listOf(
    record({
      user: [string, ''],
      pass: [string, ''],
      ips: [listOf(network, '[]string'), []],
      permissions: [permissions, []],
    }),
    '[]json.RawMessage',
  ),
  tracks: listOf(
    record({
      codec: [oneOf(codecs, (text) => `invalid codec '${text}'`), ''],
      sampleRate: [int, 0],
      channelCount: [int, 0],
      muLaw: [bool, false],
    }),
    '[]json.RawMessage',
  ),
  forwards: listOf(
    record({ dest: [string, ''], destFingerprint: [string, ''], whipBearerToken: [string, ''] }),
    '[]json.RawMessage',
  ),
  iceServers: listOf(
    record({ url: [string, ''], username: [string, ''], password: [string, ''], clientOnly: [bool, false] }),
    '[]json.RawMessage',
  ),
} satisfies Record<string, Decode>

export type Kind = keyof typeof kinds
