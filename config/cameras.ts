import { hidden, maskedParameters } from '../machines/domain/mask.js'
import type { CameraEntry } from '../machines/domain/ports.js'
import { parseStreamUrl, urlWithUser } from '../machines/domain/streamUrl.js'
import { bitrate, decimal, duration, type Format, frameSize, oneOf, textLike, whole, yesNo } from './formats.js'
import { documented, groupOf, groupsOf, mapped } from './groups.js'
import { concealed, type Raw, text } from './raw.js'

const levels = ['3.0', '3.1', '3.2', '4.0', '4.1', '4.2', '5.0', '5.1', '5.2']

/** YAML reads 3.0 without quotes as the number 3. */
const level: Format<string> = {
  allowed: `auto or one of ${levels.join(', ')}`,
  read: (raw, report) => {
    const value = raw.kind === 'scalar' ? raw.value : undefined
    const text = typeof value === 'number' ? value.toFixed(1) : value
    const found = ['auto', ...levels].find(
      (each) => each === text && (typeof value !== 'number' || Number(each) === value),
    )
    if (found === undefined) report(`must be ${level.allowed}`, raw)
    return found
  },
}

/** Only what the baseline, main and high profiles of x264 can hold: 4:2:0. */
export const codecFormats = {
  video_profile: oneOf('baseline', 'main', 'high'),
  video_level: level,
  pixel_format: oneOf('yuv420p', 'yuvj420p', 'nv12'),
  preset: oneOf('ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'),
  bitrate: bitrate('64k', '100M'),
}

/** Frames per second. */
export const frameRate = decimal(1, 240)

/** Of recordings: the higher one stays longer. */
export const priority = whole(0, 100)

const source: Format<CameraEntry['source']> = {
  allowed: 'virtual, rtsp://… , rtsps://… or usb:<serial or port>',
  read: (raw, report) => {
    const value = raw.kind === 'scalar' && typeof raw.value === 'string' ? raw.value : ''
    if (isCut(raw)) {
      report('must be in quotes: YAML takes what follows " #" as a comment', concealed(raw))
      return undefined
    }
    if (value === 'virtual') return { kind: 'virtual' }
    if (/^usb:\S/.test(value)) return { kind: 'usb', match: value.slice('usb:'.length).trim() }
    const result = /^rtsps?:\/\//i.test(value) ? parseStreamUrl(value) : undefined
    if (result && 'url' in result) return { kind: 'rtsp', url: result.url }
    // Behind a scheme everything may be a password.
    const place = value.includes(':') ? text(value.replace(/:.*/s, `:${hidden}`), raw.line) : raw
    report(result ? `${result.rule}; ${result.hint}` : `must be ${source.allowed}`, place)
    return undefined
  },
}

/** True if the rest of a password is probably in a YAML comment: an @ in it, or a parameter that goes on behind #. */
function isCut(raw: Raw): boolean {
  if (raw.kind !== 'scalar' || typeof raw.value !== 'string' || raw.comment === undefined) return false
  const { value, comment } = raw
  const isAttached = !/^\s/.test(comment)
  const endsInUser = comment.includes('@') && (isAttached || !value.includes('@'))
  return endsInUser || (isAttached && maskedParameters(value) !== value)
}

const codecOverrides = mapped(groupOf(codecFormats), (codec) =>
  present({
    profile: codec.video_profile,
    level: codec.video_level,
    pixelFormat: codec.pixel_format,
    preset: codec.preset,
    bitrate: codec.bitrate,
  }),
)

const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const limits = mapped(
  groupOf({ max_age_days: whole(1, 365), max_size_gb: decimal(0.001, 100_000) }),
  ({ max_age_days, max_size_gb }) => present({ maxAgeDays: max_age_days, maxSizeGb: max_size_gb }),
)

/** As `openssl x509 -fingerprint -sha256` prints it, or without colons. Returns lower-case hex digits. */
const fingerprint: Format<string> = {
  allowed: 'the SHA-256 fingerprint of a certificate: 64 hex digits, also with colons',
  read: (raw, report) => {
    const value = raw.kind === 'scalar' && typeof raw.value === 'string' ? raw.value : ''
    const digits = value
      .replace(/^sha256[ -]?(?:fingerprint)?[:=]/i, '')
      .replaceAll(':', '')
      .toLowerCase()
    if (/^[0-9a-f]{64}$/.test(digits)) return digits
    report(`must be ${fingerprint.allowed}`, raw)
    return undefined
  },
}

/** The keys of RTSP cameras. */
const rtspFields = {
  user: textLike('a user name', (value) => value !== ''),
  password: textLike('a text; put digits in quotes', (value) => value !== ''),
  password_file: textLike('the path of a file', (value) => value !== '' && !/\p{Cc}/u.test(value)),
  transport: oneOf('auto', 'tcp', 'udp'),
  fingerprint,
  keepalive: oneOf('describe', 'options', 'off'),
  check_interval: duration('1s', '1d'),
}

const fields = {
  name: textLike('a name of at most 64 of a-z, 0-9, _ and -', (value) => /^[a-z0-9_-]{1,64}$/.test(value)),
  source,
  ...rtspFields,
  enabled: yesNo,
  size: frameSize,
  fps: frameRate,
  codec: codecOverrides,
  priority,
  retention: limits,
}

/** The keys of one item, for the documentation. */
export const cameraFields = documented(fields, {
  name: 'Required, unique. The name for people. RTSP and virtual cameras are also identified by it.',
  source:
    'Required. Percent-encode special characters in the user and password of `rtsp://user:password@host/path`. ' +
    '`usb:` selects a USB camera by its serial number or port path, to change its settings or to ignore it.',
  user:
    'RTSP: the user, beside the URL. Nothing needs to be encoded. It needs `password` or `password_file`, and no user ' +
    'in the URL.',
  password: 'RTSP: the password of `user`.',
  password_file: 'RTSP: the file that contains the password of `user`. It is read at each use.',
  transport:
    'RTSP: how the media server reads the camera. Default `auto`: UDP, then TCP. `tcp` helps against grey or torn ' +
    'pictures.',
  fingerprint:
    'rtsps: SHA-256 fingerprint of the certificate, for cameras that signed it themselves. This certificate is ' +
    'trusted, and no other. The reason `certificate_untrusted` tells the one that was seen.',
  keepalive:
    'RTSP: how the service asks whether the camera is there. Default `describe`. `options` is lighter, for cameras ' +
    'that wake at each DESCRIBE. `off`: it does not ask while the camera is connected.',
  check_interval:
    'RTSP: longest time between two such questions, after ever longer pauses. Default `camera.poll_interval`, without ' +
    'longer pauses. For cameras with a battery: `1h`.',
  enabled: 'Default true. `false` ignores the camera.',
  size: 'Requested frame size. Default `camera.size`.',
  fps: 'Requested frame rate. Default `camera.fps`.',
  codec: 'Overrides of `mediamtx.codec` for this camera.',
  priority: 'Priority of its recordings. Default `recording.priority`. A higher one is interrupted later.',
  retention:
    'Limits for the files of this camera while retention is enabled and not `manual`, beside the policy: ' +
    '`max_age_days`, and `max_size_gb` of its recordings and snapshots. They apply while the camera is in the list.',
})

const group = groupOf(fields, ['name', 'source'])
type FieldValues = NonNullable<ReturnType<typeof group.read>>

/** Returns the rule that the keys of an RTSP camera break together, and the key. */
function rtspFault(given: FieldValues): [key: string, rule: string] | undefined {
  const { source, user, password, password_file, fingerprint } = given
  const first = Object.keys(rtspFields).find((key) => given[key as keyof typeof rtspFields] !== undefined)
  if (first === undefined) return undefined
  if (source.kind !== 'rtsp') return [first, 'is only for RTSP cameras']
  const passwordKey = password === undefined ? 'password_file' : 'password'
  const hasPassword = (password ?? password_file) !== undefined
  if (password !== undefined && password_file !== undefined)
    return ['password_file', 'must not be set beside password: the password is in one of them']
  if (user === undefined && hasPassword) return [passwordKey, 'needs user']
  if (user !== undefined && !hasPassword) return ['user', 'needs password or password_file']
  if (user !== undefined && /^rtsps?:\/\/[^/?#]*@/i.test(source.url))
    return ['user', 'must not be set beside a user in the URL: leave one of them out']
  if (fingerprint !== undefined && !source.url.startsWith('rtsps:'))
    return ['fingerprint', 'is only for rtsps:// sources']
  return undefined
}

/** Adds what the other keys say to the source. A password of the entry goes into the URL, encoded. */
function rtspSource(given: FieldValues): CameraEntry['source'] {
  const { source, user, password, password_file: passwordFile, transport, fingerprint, keepalive } = given
  if (source.kind !== 'rtsp') return source
  const isWhole = user !== undefined && password !== undefined
  return {
    ...source,
    ...(isWhole ? { url: urlWithUser(source.url, user, password) } : present({ user, passwordFile })),
    ...present({ fingerprint, checkInterval: given.check_interval }),
    ...(transport !== undefined && transport !== 'auto' && { transport }),
    ...(keepalive !== undefined && keepalive !== 'describe' && { keepalive }),
  }
}

const checked: typeof group = {
  ...group,
  read: (raw, report) => {
    const value = group.read(raw, report)
    const fault = value && rtspFault(value)
    if (!fault) return value
    const [key, rule] = fault
    const place = raw.kind === 'map' ? raw.entries.find((entry) => entry.key === key)?.value : undefined
    report(rule, key === 'password' && place ? concealed(place) : (place ?? raw), `.${key}`)
    return undefined
  },
}

const item = mapped(checked, (entry): CameraEntry => {
  const { name, enabled = true, size, fps, codec, priority, retention } = entry
  return {
    name,
    source: rtspSource(entry),
    enabled,
    settings: { name, ...size, ...present({ fps, codec, priority, limits: retention }) },
  }
})

/** The list `cameras`. */
export const cameraList = groupsOf(item, 'cameras', [
  { key: 'name', idOf: ({ name }) => name, rule: (name) => `must be unique: another camera is called ${name}` },
  {
    key: 'source',
    idOf: ({ source }) => (source.kind === 'usb' ? source.match : undefined),
    rule: () => 'must be unique: another entry names the same USB camera',
  },
])
