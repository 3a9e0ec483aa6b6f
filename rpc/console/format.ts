/** Values as people read them. Pure; times are epoch ms, durations ms. */

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `12.3 MB`. */
export const bytesText = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** A running time: `0:07`, `12:05`, `1:02:03`. */
export const clockText = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(rest)}` : `${minutes}:${twoDigits(rest)}`
}

/** A duration in its two largest units: `3 s`, `5 min`, `2 h 5 min`, `4 d 1 h`. */
export const durationText = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}

/** `now`, `3 s ago`, `in 5 min`. */
export const agoText = (at: number, now: number): string => {
  const age = now - at
  if (Math.abs(age) < 1000) return 'now'
  return age > 0 ? `${durationText(age)} ago` : `in ${durationText(-age)}`
}

/** A local time, with the date unless it is today. */
export const timeText = (at: number, now: number, locale?: string): string => {
  const date = new Date(at)
  const time = date.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  if (date.toDateString() === new Date(now).toDateString()) return time
  return `${date.toLocaleDateString(locale, { day: 'numeric', month: 'short', year: 'numeric' })}, ${time}`
}

/** The day of a list: `Today`, `Yesterday`, or the date. */
export const dayText = (at: number, now: number, locale?: string): string => {
  const day = new Date(at)
  if (day.toDateString() === new Date(now).toDateString()) return 'Today'
  const before = new Date(now)
  before.setDate(before.getDate() - 1)
  if (day.toDateString() === before.toDateString()) return 'Yesterday'
  return day.toLocaleDateString(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
}

/** `1 camera`, `2 cameras`. */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** `device_busy` → `Device busy`, `forRemoval` → `For removal`. */
export const wordText = (code: string): string => {
  const words = code
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** A value of the configuration. */
export const valueText = (value: unknown): string => {
  if (value === '' || value === null || (Array.isArray(value) && value.length === 0)) return '(empty)'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Groups by day, in the order of the list. */
export const byDay = <T>(items: readonly T[], timeOf: (item: T) => number): { at: number; items: T[] }[] => {
  const days: { at: number; key: string; items: T[] }[] = []
  for (const item of items) {
    const at = timeOf(item)
    const key = new Date(at).toDateString()
    const last = days.at(-1)
    if (last?.key === key) last.items.push(item)
    else days.push({ at, key, items: [item] })
  }
  return days.map(({ at, items: own }) => ({ at, items: own }))
}
