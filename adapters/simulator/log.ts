/** The levels of MediaMTX's log, except DEB, which the simulator does not use. */
export type Level = 'ERR' | 'WAR' | 'INF'
/** Writes one line. */
export type Log = (level: Level, text: string) => void

/** The levels of lines, and the values of `logLevel`, both from the most severe on. */
const levels: readonly Level[] = ['ERR', 'WAR', 'INF']
const logLevels: readonly string[] = ['error', 'warn', 'info', 'debug']

/** Writes lines in MediaMTX's format: `2026/11/21 12:54:07 INF [path cam0] …`, in local time. */
export function createLog(write: (line: string) => void, levelOf: () => string): Log {
  return (level, text) => {
    if (levels.indexOf(level) > logLevels.indexOf(levelOf())) return
    write(`${stamp(new Date())} ${level} ${text}\n`)
  }
}

/** Returns a log that writes `[label] ` in front of each text. */
export const labelled =
  (log: Log, label: string): Log =>
  (level, text) =>
    log(level, `[${label}] ${text}`)

const two = (value: number): string => String(value).padStart(2, '0')
function stamp(at: Date): string {
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('/')
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`
}
