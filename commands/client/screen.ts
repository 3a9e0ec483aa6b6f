/** What the terminal can show. */
export interface Screen {
  /** Whether standard output understands colours. */
  colours: boolean
  /** Shows a line of progress in place of the last one; an empty text removes it. Absent: nobody would see it. */
  progress?(text: string): void
}

interface Stream {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/** Colours and progress only on a terminal. NO_COLOR: see no-color.org. */
export function screenOf(streams: { out: Stream; err: Stream }, env: NodeJS.ProcessEnv): Screen {
  const { out, err } = streams
  const isDumb = env.TERM === 'dumb'
  return {
    colours: out.isTTY === true && !env.NO_COLOR && !isDumb,
    ...(err.isTTY === true &&
      !isDumb && {
        progress: (text: string) => {
          // A line that is wider than the terminal could not be replaced. A terminal without a size reports 0.
          err.write(`\r\u001b[K${text.slice(0, Math.max(1, (err.columns || 80) - 1))}`)
        },
      }),
  }
}

const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 }
export type Colour = keyof typeof codes

/** Colours a text, if the terminal has colours. */
export const paint = ({ colours }: Pick<Screen, 'colours'>, colour: Colour | undefined, text: string): string =>
  colours && colour !== undefined && text !== '' ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text

/** The text of a service for a terminal: without characters that control it. */
export const clean = (text: string): string =>
  text.replace(/\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')

/** A cell of a table. */
export type Cell = string | { text: string; colour: Colour | undefined }

/** A table with columns of equal width. Cells may come from a service: they are cleaned. */
export function table(screen: Screen, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => {
      const { text, colour } = typeof cell === 'string' ? { text: cell, colour: undefined } : cell
      return { text: clean(text), colour }
    }),
  )
  const heading = head.map((text) => ({ text, colour: 'bold' as const }))
  const widths = head.map((_, column) => Math.max(...[heading, ...cells].map((row) => row[column]?.text.length ?? 0)))
  return [heading, ...cells]
    .map((row) =>
      row
        .map(({ text, colour }, column) => {
          const isLast = column === row.length - 1
          return paint(screen, colour, text) + (isLast ? '' : ' '.repeat((widths[column] ?? 0) - text.length))
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Lines of a name and its values, as in `explain`. */
export const list = (rows: readonly (readonly [string, readonly string[]])[]): string[] =>
  rows.flatMap(([name, values]) => values.map((value, index) => `  ${(index === 0 ? name : '').padEnd(11)}${value}`))

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `12.3 MB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** A measured value as people read it. */
export const rounded = (value: number): number =>
  Math.abs(value) < 1 ? Number(value.toPrecision(2)) : Math.round(value * 100) / 100

/** `1 reader`, `2 readers`. */
export const count = (amount: number, one: string, many = `${one}s`): string => `${amount} ${amount === 1 ? one : many}`

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** A time in seconds: `0:07`, `12:05`, `1:02:03`. */
export function clockText(time: number): string {
  const seconds = Math.max(0, Math.floor(time))
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(rest)}` : `${minutes}:${twoDigits(rest)}`
}

/** A duration in seconds in its two largest units: `3 s`, `2 h 5 min`, `4 d 1 h`. */
export function durationText(time: number): string {
  const seconds = Math.max(0, Math.round(time))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}

/** `2026-01-02 03:04:05Z` for an ISO time. */
export const timeText = (time: string): string => time.replace('T', ' ').replace(/\.\d+/, '')
