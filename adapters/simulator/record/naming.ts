import { resolve, sep } from 'node:path'

/** The wall-clock time in a file's name. `offset`: its zone, in minutes east of Greenwich. */
export interface Moment {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  microsecond: number
  offset: number
}

/** Returns the moment of microseconds since 1970, in the local time zone. */
export function momentOf(at: number): Moment {
  const date = new Date(Math.floor(at / 1000))
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    microsecond: ((at % 1e6) + 1e6) % 1e6,
    offset: -date.getTimezoneOffset(),
  }
}

/** Returns the seconds since 1970. */
const unixOf = ({ year, month, day, hour, minute, second, offset }: Moment): number =>
  Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset * 60

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')
const zoneOf = (offset: number, colon: string): string =>
  `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}${colon}${pad(Math.abs(offset) % 60)}`

/** Returns the absolute pattern of the files of a path. Without `path`, `%path` stays in the pattern. */
export const patternOf = (
  { recordPath, recordFormat }: { recordPath: string; recordFormat: string },
  path = '%path',
): string => resolve(`${recordPath.replaceAll('%path', path)}.${recordFormat === 'mpegts' ? 'ts' : 'mp4'}`)

/** Returns the folder that contains all files of a pattern, in it or below. */
export function folderOf(pattern: string): string {
  const parts = pattern.split(sep)
  const first = parts.findIndex((part) => part.includes('%'))
  return parts.slice(0, first === -1 ? -1 : first).join(sep) || sep
}

/** Returns the name of the file that starts at a moment. */
export function fileOf(pattern: string, moment: Moment): string {
  const values: Record<string, string> = {
    '%Y': pad(moment.year, 4),
    '%m': pad(moment.month),
    '%d': pad(moment.day),
    '%H': pad(moment.hour),
    '%M': pad(moment.minute),
    '%S': pad(moment.second),
    '%f': pad(moment.microsecond, 6),
    '%s': String(unixOf(moment)),
    '%z': moment.offset === 0 ? 'Z' : zoneOf(moment.offset, ''),
  }
  return pattern.replace(/%[YmdHMSfsz]/g, (code) => values[code] ?? code)
}

const digits: Record<string, string> = {
  Y: '(\\d{4})',
  m: '(\\d{2})',
  d: '(\\d{2})',
  H: '(\\d{2})',
  M: '(\\d{2})',
  S: '(\\d{2})',
  f: '(\\d{6})',
  s: '(\\d{10})',
  z: '(Z|[+-]\\d{4})',
  path: '(.*?)',
}

/** Returns a function that recognises the files of a pattern. `path` is set when the pattern contains `%path`. */
export function createRecogniser(pattern: string): (file: string) => { moment: Moment; path?: string } | undefined {
  const codes: string[] = []
  const source = pattern
    .split(/(%path|%[YmdHMSfsz])/)
    .map((piece) => {
      const code = piece.startsWith('%') ? piece.slice(1) : ''
      const group = digits[code]
      if (group === undefined) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      codes.push(code)
      return group
    })
    .join('')
  const expression = new RegExp(`^${source}$`)
  return (file) => {
    const match = expression.exec(file)
    if (!match) return undefined
    const values = Object.fromEntries(codes.map((code, n) => [code, match[n + 1] ?? '']))
    const path = values.path
    return { moment: readMoment(values), ...(path === undefined ? {} : { path }) }
  }
}

function readMoment(values: Record<string, string>): Moment {
  const number = (code: string): number => Number(values[code] ?? 0)
  if (values.s !== undefined) return { ...momentOf(number('s') * 1e6), microsecond: number('f') }
  const [year, month, day, hour, minute, second] = [
    number('Y'),
    number('m'),
    number('d'),
    number('H'),
    number('M'),
    number('S'),
  ]
  const zone = values.z
  const offset =
    zone === undefined
      ? -new Date(year, month - 1, day, hour, minute, second).getTimezoneOffset()
      : zone === 'Z'
        ? 0
        : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)))
  return { year, month, day, hour, minute, second, microsecond: number('f'), offset }
}

/** Formats a moment as RFC 3339, in its own zone. */
export function formatMoment(moment: Moment): string {
  const { year, month, day, hour, minute, second, microsecond, offset } = moment
  const fraction = pad(microsecond, 6).replace(/0+$/, '')
  const zone = offset === 0 ? 'Z' : zoneOf(offset, ':')
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
  const time = `${pad(hour)}:${pad(minute)}:${pad(second)}`
  return `${date}T${time}${fraction ? `.${fraction}` : ''}${zone}`
}

/** Reads RFC 3339. Returns `undefined` for any other text. */
export function parseMoment(text: string): Moment | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text)
  if (!match) return undefined
  const number = (n: number): number => Number(match[n] ?? 0)
  return {
    year: number(1),
    month: number(2),
    day: number(3),
    hour: number(4),
    minute: number(5),
    second: number(6),
    microsecond: Number((match[7] ?? '').slice(0, 6).padEnd(6, '0')),
    offset: (match[8] === '-' ? -1 : 1) * (number(9) * 60 + number(10)),
  }
}

/** Returns the milliseconds since 1970. */
export const millisecondsOf = (moment: Moment): number => unixOf(moment) * 1000 + moment.microsecond / 1000
