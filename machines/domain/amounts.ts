/** Amounts in sentences for people: rounded, with a unit. */

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `12.3 MB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** `33.3 %`. */
export const percentText = (percent: number): string => `${toDecimals(percent, 1)} %`

/** Frames per second, at most two decimals: `14.99`. */
export const rateText = (fps: number): string => String(toDecimals(fps, 2))

/** A time in ms in its two largest units: `350 ms`, `2.5 s`, `1 min 5 s`, `2 h 5 min`, `4 d 1 h`. */
export function spanText(ms: number): string {
  const sign = ms < 0 ? '-' : ''
  const whole = Math.abs(ms)
  if (whole < 1_000) return `${sign}${Math.round(whole)} ms`
  if (whole < 10_000) return `${sign}${toDecimals(whole / 1_000, 1)} s`
  const seconds = Math.round(whole / 1_000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0)
  return sign + shown.map(([count, unit]) => `${count} ${unit}`).join(' ')
}

/** A measured value as people read it. */
export const rounded = (value: number): number =>
  Math.abs(value) < 1 ? Number(value.toPrecision(2)) : toDecimals(value, 2)

/** `1 reader`, `2 readers`. */
export const count = (amount: number, one: string, many = `${one}s`): string => `${amount} ${amount === 1 ? one : many}`

const toDecimals = (value: number, decimals: number): number => Math.round(value * 10 ** decimals) / 10 ** decimals
