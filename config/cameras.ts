import { hidden, maskedParameters } from '../machines/domain/mask.js'
import type { CameraEntry } from '../machines/domain/ports.js'
import { parseStreamUrl } from '../machines/domain/streamUrl.js'
import { bitrate, decimal, type Format, frameSize, instead, oneOf, textLike, whole, yesNo } from './formats.js'
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

const notPlayed = 'browsers and most players do not play it'
const everyWord = <const T extends string>(words: readonly string[], value: T): Record<string, T> =>
  Object.fromEntries(words.map((word) => [word, value]))

/** Only what the baseline, main and high profiles of x264 can hold: 4:2:0. */
export const codecFormats = {
  video_profile: instead(
    oneOf('baseline', 'main', 'high'),
    everyWord(['high10', 'high422', 'high444', 'high444p'], 'high'),
    notPlayed,
  ),
  video_level: level,
  pixel_format: instead(
    oneOf('yuv420p', 'yuvj420p', 'nv12'),
    everyWord(
      ['yuv422p', 'yuvj422p', 'yuv444p', 'yuvj444p', 'nv16', 'yuv420p10le', 'yuv422p10le', 'yuv444p10le'],
      'yuv420p',
    ),
    notPlayed,
  ),
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

const fields = {
  name: textLike('a name of at most 64 of a-z, 0-9, _ and -', (value) => /^[a-z0-9_-]{1,64}$/.test(value)),
  source,
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
  enabled: 'Default true. `false` ignores the camera.',
  size: 'Requested frame size. Default `camera.size`.',
  fps: 'Requested frame rate. Default `camera.fps`.',
  codec: 'Overrides of `mediamtx.codec` for this camera.',
  priority: 'Priority of its recordings. Default `recording.priority`. A higher one is interrupted later.',
  retention:
    'Limits for the files of this camera while retention is enabled and not `manual`, beside the policy: ' +
    '`max_age_days`, and `max_size_gb` of its recordings and snapshots. They apply while the camera is in the list.',
})

const item = mapped(
  groupOf(fields, ['name', 'source']),
  ({ name, source, enabled = true, size, fps, codec, priority, retention }): CameraEntry => ({
    name,
    source,
    enabled,
    settings: { name, ...size, ...present({ fps, codec, priority, limits: retention }) },
  }),
)

/** The list `cameras`. */
export const cameraList = groupsOf(item, 'cameras', [
  { key: 'name', idOf: ({ name }) => name, rule: (name) => `must be unique: another camera is called ${name}` },
  {
    key: 'source',
    idOf: ({ source }) => (source.kind === 'usb' ? source.match : undefined),
    rule: () => 'must be unique: another entry names the same USB camera',
  },
])
