import type { CameraEntry } from '../machines/domain/ports.js'
import { urlWithUser } from '../machines/domain/streamUrl.js'
import { duration, type Format, file, oneOf, textLike } from './formats.js'
import { present } from './groups.js'
import { warnOfCut } from './raw.js'

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

const passwordText = textLike('a text; put digits in quotes', (value) => value !== '')
const password: Format<string> = {
  ...passwordText,
  read: (raw, report) => {
    warnOfCut(raw, report)
    return passwordText.read(raw, report)
  },
}

/** The keys of RTSP cameras. */
export const rtspFields = {
  user: textLike('a user name', (value) => value !== ''),
  password,
  password_file: file,
  transport: oneOf('auto', 'tcp', 'udp'),
  fingerprint,
  keepalive: oneOf('describe', 'options', 'off'),
  check_interval: duration('1s', '1d'),
}

/** For the documentation. */
export const rtspDocs = {
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
}

/** What an entry says about its source. */
type Entry = { source: CameraEntry['source'] } & {
  [Key in keyof typeof rtspFields]?: NonNullable<ReturnType<(typeof rtspFields)[Key]['read']>>
}

/** Returns the rule that the keys of an RTSP camera break together, and the key. */
export function rtspFault(given: Entry): [key: string, rule: string] | undefined {
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
export function rtspSource(given: Entry): CameraEntry['source'] {
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
