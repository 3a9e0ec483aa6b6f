export type Level = 'ERR' | 'WAR' | 'INF' | 'DEB'
export type Log = (level: Level, text: string) => void

const order: Record<string, Level[]> = {
  error: ['ERR'],
  warn: ['ERR', 'WAR'],
  info: ['ERR', 'WAR', 'INF'],
  debug: ['ERR', 'WAR', 'INF', 'DEB'],
}

/** Lines as MediaMTX writes them: `2026/11/21 12:54:07 INF [path cam0] …`, local time. */
export function createLog(write: (line: string) => void, levelOf: () => string): Log {
  return (level, text) => {
    if (!(order[levelOf()] ?? []).includes(level)) return
    write(`${stamp(new Date())} ${level} ${text}\n`)
  }
}

/** The same log with `[label] ` before each text. */
export const labelled =
  (log: Log, label: string): Log =>
  (level, text) =>
    log(level, `[${label}] ${text}`)

const two = (value: number): string => String(value).padStart(2, '0')
const stamp = (at: Date): string =>
  `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
