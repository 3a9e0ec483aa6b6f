import { bitrate, decimal, type Format, frameSize, oneOf, textLike, yesNo } from './formats.js'
import { hintOf } from './nearest.js'
import { type Raw, type Report, text } from './raw.js'
import { parseYaml } from './yaml.js'

export interface Codec {
  readonly profile: 'baseline' | 'main' | 'high'
  readonly level: string
  readonly pixelFormat: string
  readonly preset: string
  readonly bitrate: number
}

/** One item of `cameras:`, in the shape that the rest of the service knows as CameraEntry. */
export interface CameraItem {
  name: string
  source: { kind: 'virtual' } | { kind: 'rtsp'; url: string } | { kind: 'usb'; match: string }
  enabled: boolean
  settings: { name?: string; width?: number; height?: number; fps?: number; codec?: Partial<Codec> }
}

const levels = ['3.0', '3.1', '3.2', '4.0', '4.1', '4.2', '5.0', '5.1', '5.2']

/** YAML reads an unquoted 3.0 as the number 3. */
const level: Format<string> = {
  allowed: `auto or one of ${levels.join(', ')}`,
  type: 'String',
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

/** Only what x264's baseline, main and high profiles can hold: 4:2:0. */
export const codecFormats = {
  video_profile: oneOf('baseline', 'main', 'high'),
  video_level: level,
  pixel_format: oneOf('yuv420p', 'yuvj420p', 'nv12'),
  preset: oneOf('ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'),
  bitrate: bitrate('64k', '100M'),
}

export const frameRate = decimal(1, 240)

const source: Format<CameraItem['source']> = {
  allowed: 'virtual, rtsp://… , rtsps://… or usb:<serial or port>',
  type: 'Object',
  read: (raw, report) => {
    const value = raw.kind === 'scalar' && typeof raw.value === 'string' ? raw.value : ''
    if (value === 'virtual') return { kind: 'virtual' }
    if (/^usb:\S/.test(value)) return { kind: 'usb', match: value.slice('usb:'.length).trim() }
    if (/^rtsps?:\/\/[^\s/]/i.test(value) && !/\s/.test(value) && URL.canParse(value) && new URL(value).hostname !== '')
      return { kind: 'rtsp', url: value }
    report(`must be ${source.allowed}`, raw)
    return undefined
  },
}

const name = textLike('a name of at most 64 of a-z, 0-9, _ and -', (value) => /^[a-z0-9_-]{1,64}$/.test(value))

const fields = { name, source, enabled: yesNo, size: frameSize, fps: frameRate }

/** What may stand in one item, for the documentation; `codec` takes the keys of `mediamtx.codec`. */
export const cameraFields: Record<string, { allowed: string; doc: string }> = {
  name: {
    allowed: name.allowed,
    doc: 'Required, unique. What people call the camera; of RTSP and virtual cameras also their identity.',
  },
  source: {
    allowed: source.allowed,
    doc: 'Required. `usb:` names a camera by the serial number or the port path that it reports, to give it settings or to ignore it.',
  },
  enabled: { allowed: yesNo.allowed, doc: 'Default true; `false` ignores the camera.' },
  size: { allowed: frameSize.allowed, doc: 'Frame size asked for; default `camera.size`.' },
  fps: { allowed: frameRate.allowed, doc: 'Frame rate asked for; default `camera.fps`.' },
  codec: {
    allowed: `a group of keys: ${Object.keys(codecFormats).join(', ')}`,
    doc: 'Overrides of `mediamtx.codec` for this camera.',
  },
}

/** A YAML list; in the environment its text (JSON is YAML). */
export const cameraList: Format<CameraItem[]> = {
  allowed: 'a list of cameras',
  type: 'Array',
  read: (raw, report) => {
    const list = raw.kind === 'scalar' && typeof raw.value === 'string' ? (parseYaml(raw.value).root ?? raw) : raw
    if (list.kind !== 'list') {
      report('must be a list of cameras', raw)
      return undefined
    }
    const items = list.items.map((item, index) =>
      readItem(item, (rule, value, below = '') => report(rule, value, `[${index}]${below}`)),
    )
    const whole = items.filter((item) => item !== undefined)
    const twins = findTwins(whole.length === items.length ? whole : [], list.items, report)
    return whole.length === items.length && !twins ? whole : undefined
  },
}

function readItem(raw: Raw, report: Report): CameraItem | undefined {
  const values = readMap(raw, Object.keys(cameraFields), report)
  if (!values) return undefined
  let good = values.good
  const read = <T>(key: string, format: Format<T>): T | undefined => {
    const value = values.map.get(key)
    const result = value && format.read(value, (rule, at, below = '') => report(rule, at, `.${key}${below}`))
    if (value && result === undefined) good = false
    return result
  }
  const [itemName, itemSource, enabled, frame, fps] = [
    read('name', fields.name),
    read('source', fields.source),
    read('enabled', fields.enabled),
    read('size', fields.size),
    read('fps', fields.fps),
  ]
  const codec = read('codec', codecOverrides)
  for (const key of ['name', 'source']) if (!values.map.has(key)) report(`has no ${key}`, raw)
  if (!good || itemName === undefined || itemSource === undefined) return undefined
  return {
    name: itemName,
    source: itemSource,
    enabled: enabled ?? true,
    settings: {
      name: itemName,
      ...frame,
      ...(fps === undefined ? {} : { fps }),
      ...(codec === undefined ? {} : { codec }),
    },
  }
}

const codecOverrides: Format<Partial<Codec>> = {
  allowed: 'a group of keys',
  type: 'Object',
  read: (raw, report) => {
    const values = readMap(raw, Object.keys(codecFormats), report)
    if (!values) return undefined
    let good = values.good
    const read = <T>(key: keyof typeof codecFormats, format: Format<T>): T | undefined => {
      const value = values.map.get(key)
      const result = value && format.read(value, (rule, at) => report(rule, at, `.${key}`))
      if (value && result === undefined) good = false
      return result
    }
    const { video_profile, video_level, pixel_format, preset, bitrate } = codecFormats
    const codec = {
      profile: read('video_profile', video_profile),
      level: read('video_level', video_level),
      pixelFormat: read('pixel_format', pixel_format),
      preset: read('preset', preset),
      bitrate: read('bitrate', bitrate),
    }
    return good ? present(codec) : undefined
  },
}

const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** The map's values by key; unknown, repeated and empty keys are reported and make it not good. */
export function readMap(
  raw: Raw,
  keys: string[],
  report: Report,
): { map: Map<string, Raw>; good: boolean } | undefined {
  if (raw.kind !== 'map') {
    report(`must be a group of keys (${keys.join(', ')})`, raw)
    return undefined
  }
  const map = new Map<string, Raw>()
  let good = true
  const refuse = (rule: string, value: Raw, key: string) => {
    good = false
    report(rule, value, `.${key}`)
  }
  for (const { key, value } of raw.entries) {
    if (!keys.includes(key)) refuse(`is not a known key${hintOf(key, keys)}`, value, key)
    else if (map.has(key)) refuse('is set twice', value, key)
    else if (value.kind === 'scalar' && value.value === null) refuse('has no value', value, key)
    else map.set(key, value)
  }
  return { map, good }
}

function findTwins(items: CameraItem[], raws: Raw[], report: Report): boolean {
  let found = false
  const names = new Set<string>()
  const devices = new Set<string>()
  items.forEach((item, index) => {
    const refuse = (rule: string, key: string) => {
      found = true
      const raw = raws[index]
      const value = raw?.kind === 'map' ? raw.entries.find((entry) => entry.key === key)?.value : undefined
      report(rule, value ?? raw ?? text(''), `[${index}].${key}`)
    }
    if (names.has(item.name)) refuse(`must be unique: another camera is called ${item.name}`, 'name')
    names.add(item.name)
    if (item.source.kind !== 'usb') return
    if (devices.has(item.source.match)) refuse('must be unique: another entry names the same USB camera', 'source')
    devices.add(item.source.match)
  })
  return found
}
