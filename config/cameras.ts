import { isDisplayName } from '../machines/domain/displayName.js'
import { hardwareEncoders } from '../machines/domain/encoder.js'
import { isModel, keyOf } from '../machines/domain/entries.js'
import { hidden, maskedParameters } from '../machines/domain/mask.js'
import type { CameraEntry } from '../machines/domain/ports.js'
import { parseStreamUrl } from '../machines/domain/streamUrl.js'
import {
  bitrate,
  decimal,
  type Format,
  frameSize,
  instead,
  oneOf,
  textLike,
  whole,
  wholeOrAuto,
  yesNo,
} from './formats.js'
import { documented, groupOf, groupsOf, mapped, present } from './groups.js'
import { concealed, type Raw, text } from './raw.js'
import { rtspDocs, rtspFault, rtspFields, rtspSource } from './rtspSource.js'

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
  encoder: oneOf('auto', 'libx264', ...hardwareEncoders),
}

/** Frames per second. */
export const frameRate = decimal(1, 240)

/** Of recordings: the higher one stays longer. */
export const priority = whole(0, 100)

/** Of snapshots that are taken from the device. */
export const skipFrames = wholeOrAuto(0, 120)
/** The number of a node changes with each plug. */
const numbered = /^\/dev\/video\d+$/
const link = /^\/dev\/v4l\/by-(?:id|path)\/[^/\s]+$/

/** Returns the source, or the rule that the text breaks. */
function usbSource(text: string): CameraEntry['source'] | string {
  if (numbered.test(text))
    return (
      'must not be a numbered node, whose number changes: write usb: with the serial, the port or vendor:product ' +
      '(046d:0825), or with the link below /dev/v4l/by-path'
    )
  if (text.startsWith('/') && !link.test(text)) return 'must be a link below /dev/v4l/by-id or /dev/v4l/by-path'
  return { kind: 'usb', match: isModel(text.toLowerCase()) ? text.toLowerCase() : text }
}

/** The same. A link of a USB camera means that camera. */
function v4l2Source(path: string): CameraEntry['source'] | string {
  if (!/^\/dev\/(?!.*\.\.)[^\s]+$/.test(path))
    return 'must be v4l2: and the path of a device, as in v4l2:/dev/v4l/by-path/…'
  const isUsb = link.test(path) && /(?:^|[-/])usb(?:v\d)?-/.test(path.replace(/^.*\//, '/'))
  return isUsb ? { kind: 'usb', match: path } : { kind: 'v4l2', path }
}

const source: Format<CameraEntry['source']> = {
  allowed: 'virtual, rtsp://… , rtsps://… , usb:<serial, port or vendor:product> or v4l2:/dev/v4l/by-path/…',
  read: (raw, report) => {
    const value = raw.kind === 'scalar' && typeof raw.value === 'string' ? raw.value : ''
    if (isCut(raw)) {
      report('must be in quotes: YAML takes what follows " #" as a comment', concealed(raw))
      return undefined
    }
    if (value === 'virtual') return { kind: 'virtual' }
    const [, scheme, rest] = /^(usb|v4l2):\s*(\S.*)$/s.exec(value.trim()) ?? []
    if (scheme !== undefined && rest !== undefined) {
      const device = scheme === 'usb' ? usbSource(rest) : v4l2Source(rest)
      if (typeof device === 'object') return device
      report(device, raw)
      return undefined
    }
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

/** The encoder is no property of the stream: a camera whose H.264 is copied does not become one that is encoded. */
const codecOverrides = mapped(groupOf(codecFormats), ({ encoder, ...codec }) =>
  present({
    encoder,
    codec: present({
      profile: codec.video_profile,
      level: codec.video_level,
      pixelFormat: codec.pixel_format,
      preset: codec.preset,
      bitrate: codec.bitrate,
    }),
  }),
)

/** Composed, so that the same name is the same text on every keyboard. */
const displayName = mapped(
  textLike(
    'a name of at most 64 printable characters, without a space at its ends; put digits in quotes',
    isDisplayName,
  ),
  (name) => name.normalize('NFC'),
)

const limits = mapped(
  groupOf({ max_age_days: whole(1, 365), max_size_gb: decimal(0.001, 100_000) }),
  ({ max_age_days, max_size_gb }) => present({ maxAgeDays: max_age_days, maxSizeGb: max_size_gb }),
)

const fields = {
  name: displayName,
  // It must be able to say the name that the camera had.
  key: displayName,
  source,
  ...rtspFields,
  enabled: yesNo,
  size: frameSize,
  fps: frameRate,
  codec: codecOverrides,
  priority,
  retention: limits,
  skip_frames: skipFrames,
}

/** The keys of one item, for the documentation. */
export const cameraFields = documented(fields, {
  name:
    'Required, unique. The name for people: any printable text, as in `Front Door`. RTSP and virtual cameras without ' +
    'a `key` are also identified by it.',
  key:
    'Identifies an RTSP or virtual camera, so that `name` can change: a camera with another key is another camera. ' +
    'Any printable text, as a name. Default: the name.',
  source:
    'Required. Percent-encode special characters in the user and password of `rtsp://user:password@host/path`. ' +
    '`usb:` selects a USB camera by its serial number, its port path, its link below `/dev/v4l`, or all cameras of a ' +
    'model (`usb:046d:0825`), to change their settings or to ignore them. `v4l2:` uses a capture device that is not ' +
    'USB (CSI, loopback), by its path.',
  ...rtspDocs,
  enabled: 'Default true. `false` ignores the camera.',
  size: 'Requested frame size. Default `camera.size`.',
  fps: 'Requested frame rate. Default `camera.fps`.',
  codec: 'Overrides of `mediamtx.codec` for this camera.',
  priority: 'Priority of its recordings. Default `recording.priority`. A higher one is interrupted later.',
  skip_frames: 'Number of frames that its snapshots skip, or `auto`. Default `snapshots.skip_frames`.',
  retention:
    'Limits for the files of this camera while retention is enabled and not `manual`, beside the policy: ' +
    '`max_age_days`, and `max_size_gb` of its recordings and snapshots. They apply while the camera is in the list.',
})

const group = groupOf(fields, ['name', 'source'])

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
  const { name, key, enabled = true, size, fps, codec, priority, retention, skip_frames } = entry
  return {
    name,
    ...present({ key }),
    source: rtspSource(entry),
    enabled,
    settings: { name, ...size, ...codec, ...present({ fps, priority, limits: retention, skipFrames: skip_frames }) },
  }
})

/** The list `cameras`. */
export const cameraList = groupsOf(item, 'cameras', [
  { key: 'name', idOf: ({ name }) => name, rule: (name) => `must be unique: another camera is called ${name}` },
  {
    key: 'key',
    idOf: (entry) => (entry.source.kind === 'v4l2' ? undefined : keyOf(entry)),
    rule: () => 'must be unique: another camera has this key, or this name and no key',
  },
  {
    key: 'source',
    idOf: ({ source }) => (source.kind === 'usb' ? source.match : source.kind === 'v4l2' ? source.path : undefined),
    rule: () => 'must be unique: another entry names the same USB camera',
  },
])
