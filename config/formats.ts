// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration file has such texts
import { homedir } from 'node:os'
import { isAddress, isNetwork, urlOrigin } from '../machines/domain/address.js'
import { hintOf } from '../machines/domain/nearest.js'
import type { Raw, Report, Scalar } from './raw.js'

/** How a setting is written and read. */
export interface Format<T> {
  /** Completes "must be …". */
  allowed: string
  /** Returns the value, or reports its faults and returns `undefined`. */
  read(raw: Raw, report: Report): T | undefined
}

const scalar = <T>(allowed: string, parse: (value: unknown) => T | undefined): Format<T> => ({
  allowed,
  read: (raw, report) => {
    const value = raw.kind === 'scalar' ? parse(raw.value) : undefined
    if (value === undefined) report(`must be ${allowed}`, raw)
    return value
  },
})

const within = (value: number | undefined, min: number, max: number) =>
  value !== undefined && value >= min && value <= max ? value : undefined

/** Reads a number from YAML, or digits with nothing behind them. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** A number. */
export const decimal = (min: number, max: number) =>
  scalar(`a number from ${min} to ${max}`, (value) => within(numberOf(value), min, max))

/** A whole number. */
export const whole = (min: number, max: number) =>
  scalar(`a whole number from ${min} to ${max}`, (value) => {
    const number = within(numberOf(value), min, max)
    return Number.isInteger(number) ? number : undefined
  })

/** The version of the format of the configuration file. */
export const newestFormat = 1

/** A version of the format. A newer one may mean something else by the same keys. */
export const formatVersion: Format<number> = {
  allowed: `a whole number from 1 to ${newestFormat}`,
  read: (raw, report) => {
    const version = raw.kind === 'scalar' ? numberOf(raw.value) : undefined
    if (version !== undefined && Number.isInteger(version) && version >= 1 && version <= newestFormat) return version
    const isNewer = version !== undefined && version > newestFormat
    const advice = 'is newer than this service knows: start the newer service, or write the file for version'
    report(isNewer ? `${advice} ${newestFormat}` : `must be ${formatVersion.allowed}`, raw)
    return undefined
  },
}

const words = { true: ['true', 'yes', 'on', '1'], false: ['false', 'no', 'off', '0'] }

/** A boolean in the words of YAML and of environment files. */
export const yesNo = scalar('true or false', (value) => {
  if (typeof value === 'boolean') return value
  const word = typeof value === 'string' ? value.toLowerCase() : ''
  if (words.true.includes(word)) return true
  return words.false.includes(word) ? false : undefined
})

/** One of some words. A wrong one gets the nearest. */
export const oneOf = <const T extends string>(...options: T[]): Format<T> => {
  const allowed = `one of ${options.join(', ')}`
  return {
    allowed,
    read: (raw, report) => {
      const word = raw.kind === 'scalar' ? raw.value : undefined
      const found = options.find((option) => option === word)
      const hint = typeof word === 'string' ? hintOf(word, options) : ''
      if (found === undefined) report(`must be ${allowed}${hint}`, raw)
      return found
    },
  }
}

/** A format that reads some words as one of its values. */
export const alias = <T>(format: Format<T>, words: Readonly<Record<string, NoInfer<T>>>): Format<T> => ({
  ...format,
  read: (raw, report) => (isWordOf(words, raw) ? words[raw.value] : format.read(raw, report)),
})

/** The same with a warning: earlier services used the words, and the value is not quite what they ask for. */
export const instead = <T>(format: Format<T>, words: Readonly<Record<string, NoInfer<T>>>, why: string): Format<T> => ({
  ...format,
  read: (raw, report) => {
    if (!isWordOf(words, raw)) return format.read(raw, report)
    report(`is read as ${words[raw.value]}: ${why}`, raw, '', 'warning')
    return words[raw.value]
  },
})

const isWordOf = (words: object, raw: Raw): raw is Scalar & { value: string } =>
  raw.kind === 'scalar' && typeof raw.value === 'string' && Object.hasOwn(words, raw.value)

/** Text of a certain shape. Numbers and booleans are refused, because YAML may have dropped a zero or a dot. */
export const textLike = (allowed: string, fits: (value: string) => boolean = () => true) =>
  scalar(allowed, (value) => (typeof value === 'string' && fits(value) ? value : undefined))

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i
const isHost = (value: string) => isAddress(value) || hostName.test(value)
/** A host. */
export const host = textLike('a host name or an IP address', isHost)
/** A host, or empty text. */
export const hostOrNone = textLike('a host name or an IP address, or empty', (value) => value === '' || isHost(value))

const urlParts = /^([a-z]+):\/\/(?:\[([0-9a-f:.]+)\]|([^/:?#@[\]\s]+))(?::(\d{1,5}))?((?:\/[\w.~%-]+)*)\/*$/i

/**
 * The address of a server as clients reach it, or empty text. Returns it in canonical form: without the default port
 * and without a slash at its end.
 */
export const urlOrNone = (...schemes: string[]) =>
  scalar<string>(
    `an address such as ${schemes.at(-1)}://cameras.example.org:8443/path (${schemes.join(' or ')}; ` +
      'no user, query or fragment), or empty',
    (value) => {
      if (value === '') return ''
      const [, given = '', address, name = '', port, path = ''] = urlParts.exec(String(value)) ?? []
      const scheme = given.toLowerCase()
      const number = port === undefined ? undefined : Number(port)
      const hasHost = address === undefined ? isHost(name) : isAddress(address)
      const hasPort = number === undefined || (number >= 1 && number <= 65_535)
      if (typeof value !== 'string' || !schemes.includes(scheme) || !hasHost || !hasPort) return undefined
      return `${urlOrigin(scheme, (address ?? name).toLowerCase(), number)}${path}`
    },
  )

/** `192.168.1.0/24`, `fd00::/8`, `192.0.2.7`. IPv4-mapped IPv6 is refused: such clients are compared as IPv4. */
export const network = textLike('an address or a network such as 192.168.1.0/24 or fd00::/8', (value) => {
  return isNetwork(value) && !/^::ffff:/i.test(value)
})

const isPath = (value: string) => !/\p{Cc}/u.test(value)
/**
 * A path, in which `~` is the home folder of the user. Other texts that a shell would replace are faults: nobody wants
 * a folder called `~` or `$HOME`.
 */
const pathLike = (allowed: string, fits: (path: string) => boolean): Format<string> => ({
  allowed,
  read: (raw, report) => {
    const refuse = (rule: string) => void report(rule, raw)
    const path = raw.kind === 'scalar' && typeof raw.value === 'string' ? raw.value : undefined
    if (path === undefined || !isPath(path)) return refuse(`must be ${allowed}`)
    if (/^\$\w/.test(path)) return refuse('must not begin with $: the file may contain variables as ${HOME}')
    if (/^~[^/]/.test(path)) return refuse('must not begin with ~ and a name: ~/ is the home folder of the service')
    const whole = path.startsWith('~') ? inHome(path.slice(1)) : path
    if (whole === undefined) return refuse('begins with ~, but the user of the service has no home folder')
    return fits(whole) ? whole : refuse(`must be ${allowed}`)
  },
})

const inHome = (rest: string): string | undefined => {
  try {
    return homedir() + rest
  } catch {
    return undefined
  }
}

/** The path of a folder. */
export const folder = pathLike('the path of a folder', (value) => value !== '')
/** The absolute path of a folder, or empty text. */
export const absoluteFolderOrNone = pathLike(
  'the absolute path of a folder, or empty',
  (value) => value === '' || value.startsWith('/'),
)
/** The path of a file. */
export const file = pathLike('the path of a file', (value) => value !== '')
/** The path of a file, or empty text. */
export const fileOrNone = pathLike('the path of a file, or empty', () => true)

const unitsOfTime = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const namesOfTime = { ms: 'ms', s: 'seconds', m: 'minutes', h: 'hours', d: 'days' }
/** The unit of a bare number. */
export type TimeUnit = keyof typeof unitsOfTime
const amount = String.raw`(\d+(?:\.\d+)?)`
const durationText = new RegExp(
  `^(?=\\d)(?:${amount}d)?(?:${amount}h)?(?:${amount}m(?!s))?(?:${amount}s)?(?:${amount}ms)?$`,
)

/** Reads `10s`, `500ms`, `1h30m`, `2d`, or a bare number in `unit`. Returns ms; `undefined` for other text. */
export function durationOf(value: unknown, unit: TimeUnit): number | undefined {
  const bare = numberOf(value)
  if (bare !== undefined) return bare < 0 ? undefined : Math.round(bare * unitsOfTime[unit])
  const match = typeof value === 'string' ? durationText.exec(value) : null
  if (!match) return undefined
  const { d, h, m, s, ms } = unitsOfTime
  return Math.round([d, h, m, s, ms].reduce((sum, size, index) => sum + Number(match[index + 1] ?? 0) * size, 0))
}

/** A duration in ms. `max` is 24 days by default, because the timers of Node end at 2^31−1 ms. */
export const duration = (min: string, max = '24d', unit: TimeUnit = 's') => {
  const [least = 0, most = 0] = [durationOf(min, 's'), durationOf(max, 's')]
  const allowed = `a duration from ${min} to ${max} (10s, 500ms, 1h30m; a bare number is in ${namesOfTime[unit]})`
  return scalar(allowed, (value) => within(durationOf(value, unit), least, most))
}

/** A format for a bare number, or a number with a prefix for a power of `base`. */
const multiple = (name: string, examples: string, shape: RegExp, base: number) => {
  const parse = (value: unknown) => {
    const bare = numberOf(value)
    if (bare !== undefined) return Number.isSafeInteger(bare) ? bare : undefined
    const match = typeof value === 'string' ? shape.exec(value) : null
    if (!match) return undefined
    return Math.round(Number(match[1]) * base ** ('KMGT'.indexOf((match[2] ?? '').toUpperCase()) + 1))
  }
  return (min: string, max: string) => {
    const [least = 0, most = 0] = [parse(min), parse(max)]
    return scalar(`${name} from ${min} to ${max} (${examples})`, (value) => within(parse(value), least, most))
  }
}

/** A size in bytes. K, M, G and T are powers of 1024, with or without `B` or `iB`. */
export const size = multiple('a size', '50M, 1G; a bare number is in bytes', /^(\d+(?:\.\d+)?)([KMGT])(?:i?B)?$/i, 1024)

/** A whole number, or `auto`. */
export const wholeOrAuto = (min: number, max: number): Format<number | 'auto'> => {
  const numbers = whole(min, max)
  const allowed = `auto or ${numbers.allowed}`
  return {
    allowed,
    read: (raw, report) =>
      raw.kind === 'scalar' && raw.value === 'auto'
        ? 'auto'
        : numbers.read(raw, (_, ...place) => report(`must be ${allowed}`, ...place)),
  }
}

/** A size, or `auto`. */
export const sizeOrAuto = (min: string, max: string): Format<number | 'auto'> => {
  const sizes = size(min, max)
  const allowed = `auto or ${sizes.allowed}`
  return {
    allowed,
    read: (raw, report) =>
      raw.kind === 'scalar' && raw.value === 'auto'
        ? 'auto'
        : sizes.read(raw, (_, ...place) => report(`must be ${allowed}`, ...place)),
  }
}

/** A bit rate in bits per second. k, M and G are powers of 1000, as in ffmpeg. */
export const bitrate = multiple(
  'a bitrate',
  '2M, 800k; a bare number is in bits per second',
  /^(\d+(?:\.\d+)?)([KMG])$/i,
  1000,
)

/** In pixels. */
export interface FrameSize {
  readonly width: number
  readonly height: number
}

/** Even numbers, because 4:2:0 video has no half pixels. */
export const frameSize = scalar<FrameSize>('a frame size such as 1280x720, even numbers from 16 to 7680', (value) => {
  const match = typeof value === 'string' ? /^(\d{2,4})x(\d{2,4})$/i.exec(value) : null
  const [width, height] = [Number(match?.[1]), Number(match?.[2])]
  const fits = (side: number) => side >= 16 && side <= 7680 && side % 2 === 0
  return fits(width) && fits(height) ? { width, height } : undefined
})

/** The origin of a web page, or `*` for all. */
export const webOrigin = textLike('an origin such as https://example.org:3000, or *', (value) => {
  if (value === '*') return true
  return URL.canParse(value) && new URL(value).origin === value.toLowerCase()
})
