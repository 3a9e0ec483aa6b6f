import { resolve, sep } from 'node:path'
import { instant } from '../clock.js'

/** The time in a file's name. */
export interface Moment {
  /** Microseconds since 1970. */
  at: number
  /** The zone in which it is written, in minutes east of Greenwich. */
  offset: number
}

/** Returns the moment of microseconds since 1970, in the local time zone. */
export const momentOf = (at: number): Moment => ({ at, offset: -new Date(Math.floor(at / 1000)).getTimezoneOffset() })

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')
const zoneOf = (offset: number, colon: string): string =>
  offset === 0
    ? 'Z'
    : `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}${colon}${pad(Math.abs(offset) % 60)}`

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
export function fileOf(pattern: string, { at, offset }: Moment): string {
  const wallClock = new Date(Math.floor(at / 1000) + offset * 60_000).toISOString()
  const [year = '', month = '', day = '', hour = '', minute = '', second = ''] = wallClock.split(/\D/)
  const values: Record<string, string> = {
    '%Y': year,
    '%m': month,
    '%d': day,
    '%H': hour,
    '%M': minute,
    '%S': second,
    '%f': pad(at % 1e6, 6),
    '%s': String(Math.floor(at / 1e6)),
    '%z': zoneOf(offset, ''),
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
    const moment = readMoment(values)
    const path = values.path
    return moment && { moment, ...(path === undefined ? {} : { path }) }
  }
}

/** `undefined` when there is no such day or time. */
function readMoment({ Y, m, d, H, M, S, s, z, f = '0' }: Record<string, string>): Moment | undefined {
  if (s !== undefined) return momentOf(Number(s) * 1e6 + Number(f))
  const time = `${Y}-${m}-${d}T${H}:${M}:${S}`
  if (z !== undefined) return parseMoment(`${time}.${f}${z.replace(/\d\d$/, ':$&')}`)
  const milliseconds = Date.parse(time)
  return Number.isNaN(milliseconds) ? undefined : momentOf(milliseconds * 1000 + Number(f))
}

/** Formats a moment as RFC 3339, in its own zone. */
export const formatMoment = ({ at, offset }: Moment): string =>
  instant(at + offset * 60e6).replace('Z', zoneOf(offset, ':'))

/** Reads RFC 3339. Returns `undefined` for any other text. */
export function parseMoment(text: string): Moment | undefined {
  const [, time, fraction = '', sign, hours = 0, minutes = 0] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text) ?? []
  const milliseconds = Date.parse(`${time}Z`)
  if (Number.isNaN(milliseconds)) return undefined
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  return { at: milliseconds * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0')) - offset * 60e6, offset }
}
