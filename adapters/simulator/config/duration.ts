/** Go's durations with MediaMTX's days: `1d12h`, `1m0s`, `200ms`. Counted in nanoseconds. */
const units: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
const day = 86_400e9

/** Nanoseconds; throws Go's complaint. Empty is zero. */
export function parseDuration(text: string): number {
  const [lead = '', sign = '', days = '0'] = /^(-?)(\d+)d/.exec(text) ?? []
  const rest = text.slice(lead.length)
  const total = Number(days) * day + (rest === '' ? 0 : parseGoDuration(rest))
  return sign ? -total : total
}

function parseGoDuration(text: string): number {
  const quoted = JSON.stringify(text)
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return 0
  if (unsigned === '') throw new Error(`time: invalid duration ${quoted}`)
  let total = 0
  let rest = unsigned
  while (rest !== '') {
    const [all = '', number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? []
    if (all === '') throw new Error(`time: invalid duration ${quoted}`)
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`)
    const size = units[unit]
    if (size === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`)
    total += Math.round(Number(number) * size)
    rest = rest.slice(all.length)
  }
  return text.startsWith('-') ? -total : total
}

/** The one spelling that MediaMTX answers with: days folded, zero is the empty string. */
export function formatDuration(nanoseconds: number): string {
  const absolute = Math.abs(nanoseconds)
  const days = Math.floor(absolute / day)
  const rest = absolute % day
  return `${nanoseconds < 0 ? '-' : ''}${days > 0 ? `${days}d` : ''}${rest > 0 ? formatGoDuration(rest) : ''}`
}

function formatGoDuration(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const hours = Math.floor(nanoseconds / 3600e9)
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9)
  const seconds = (nanoseconds % 60e9) / 1e9
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

/** Of a canonical duration string. */
export const milliseconds = (duration: string): number => parseDuration(duration) / 1e6

const sizes = ['B', 'K', 'M', 'G', 'T', 'P', 'E']

/** Bytes of `50M`, `1.5G`, `512KiB`; throws MediaMTX's complaint. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d*\.?\d+)\s*([a-z]+)\s*$/i.exec(text) ?? []
  const power = sizes.indexOf(unit.toUpperCase().replace(/I?B$/, '') || 'B')
  const bytes = Math.floor(Number(number) * 1024 ** power)
  if (number === '' || power === -1 || bytes <= 0)
    throw new Error(
      'byte quantity must be a positive integer with a unit of measurement like M, MB, MiB, G, GiB, or GB',
    )
  return bytes
}

export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B'
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), sizes.length - 1)
  return `${(bytes / 1024 ** power).toFixed(1).replace(/\.0$/, '')}${sizes[power]}`
}
