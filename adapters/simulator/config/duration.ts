/** Nanoseconds of each unit of Go's durations. */
const units: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
const day = 86_400e9

/**
 * Returns the nanoseconds of a duration such as `1d12h`, `1m0s` or `200ms`; 0 for an empty text. Days may stand in
 * front. Throws for any other text.
 */
export function parseDuration(text: string): number {
  const [, sign = '', days = '0', rest = ''] = /^([-+]?)(?:(\d+)d)?(.*)$/s.exec(text) ?? []
  if (rest === '' && days === '0' && sign !== '') throw new Error(`time: invalid duration ${JSON.stringify(text)}`)
  const total = Number(days) * day + (rest === '' || rest === '0' ? 0 : sumOf(rest))
  return sign === '-' ? -total : total
}

function sumOf(text: string): number {
  let total = 0
  for (let at = 0; at < text.length; ) {
    const [all = '', number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(text.slice(at)) ?? []
    const quoted = JSON.stringify(text)
    if (all === '') throw new Error(`time: invalid duration ${quoted}`)
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`)
    const size = units[unit]
    if (size === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`)
    total += Math.round(Number(number) * size)
    at += all.length
  }
  return total
}

/** Returns the spelling that the API answers with: whole days in front, and an empty text for zero. */
export function formatDuration(nanoseconds: number): string {
  const absolute = Math.abs(nanoseconds)
  const days = Math.floor(absolute / day)
  const rest = absolute % day
  return `${nanoseconds < 0 ? '-' : ''}${days > 0 ? `${days}d` : ''}${rest > 0 ? formatBelowDay(rest) : ''}`
}

function formatBelowDay(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const hours = Math.floor(nanoseconds / 3600e9)
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9)
  const seconds = (nanoseconds % 60e9) / 1e9
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

/** Returns the milliseconds of a duration. Throws like `parseDuration`. */
export const milliseconds = (duration: string): number => parseDuration(duration) / 1e6

const sizes = ['B', 'K', 'M', 'G', 'T', 'P', 'E']

/** Returns the bytes of a size such as `50M`, `1.5G` or `512KiB`. Throws for any other text. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d*\.?\d+)\s*([a-z]+)\s*$/i.exec(text) ?? []
  const power = sizes.indexOf(unit.toUpperCase().replace(/I?B$/, '') || 'B')
  const bytes = Math.floor(Number(number) * 1024 ** power)
  if (number !== '' && power !== -1 && bytes > 0) return bytes
  throw new Error('byte quantity must be a positive integer with a unit of measurement like M, MB, MiB, G, GiB, or GB')
}

/** Returns the spelling that the API answers with. `bytes` is above 0. */
export function formatSize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), sizes.length - 1)
  return `${(bytes / 1024 ** power).toFixed(1).replace(/\.0$/, '')}${sizes[power]}`
}
