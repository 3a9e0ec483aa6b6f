import { fstatSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import winston from 'winston'
import type { LogControl, LogLevel } from '../../machines/domain/logLevels.js'
import { maskedText } from '../../machines/domain/mask.js'
import { masked } from '../../machines/domain/masked.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import type { LogFolder } from './logFolder.js'

/** The level, format and destination of the log. */
export interface LogOptions {
  level: LogLevel
  /** `auto`: text on a terminal, else JSON lines. Under systemd each line begins with its priority. */
  format: 'auto' | 'json' | 'text'
  /** Default: standard output. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; fd?: number }
  /** Gets the same lines as JSON, those that are hushed, too. */
  folder?: Pick<LogFolder, 'write'>
  clock?: WallClock
  /** The source of JOURNAL_STREAM. */
  env?: Readonly<Record<string, string | undefined>>
}

/** The root log, which owns the stream. */
export interface RootLog extends Log, LogControl {
  /** True if it writes lines for a person at a terminal. */
  isForPeople: boolean
  /** Writes warnings and errors only, until the returned function is called. */
  hush(): () => void
  /** The last lines, as JSON. */
  recent(): readonly string[]
  /** Resolves when all lines are written, or after a second. Later lines are dropped. */
  close(): Promise<void>
}

/** Lines that are kept. */
const mostRecent = 500

type Line = { level: LogLevel; time: string; message: string; fields: Record<string, unknown> }

const levels = { error: 0, warn: 1, info: 2, debug: 3 }
/** The syslog priorities, which systemd reads at the start of a line: sd-daemon(3). */
const priorities = { error: 3, warn: 4, info: 6, debug: 7 }

/** Writes one line per message to one stream. No call throws or waits, even if the stream is broken. */
export function createLog({
  level,
  format,
  stream = process.stdout,
  folder,
  clock = Date,
  env = process.env,
}: LogOptions): RootLog {
  let least = level
  const ofModules = new Map<unknown, LogLevel>()
  let isHushed = false
  const recent: string[] = []
  const style = format === 'auto' ? (isJournal(stream, env) ? 'journal' : stream.isTTY ? 'text' : 'json') : format
  const isForPeople = style === 'text' && stream.isTTY === true
  const hasColours = isForPeople && !env.NO_COLOR && env.TERM !== 'dumb'
  const shown = (line: Line) => (hasColours ? coloured(line) : write[style](line))
  const written = winston.format((info) => ({ ...info, [Symbol.for('message')]: shown(info.line as Line) }))
  const logger = winston.createLogger({
    levels,
    level: 'debug',
    format: written(),
    transports: [new winston.transports.Stream({ stream, eol: '\n' })],
  })
  // Without listeners, the service would crash when the process that reads the log ends.
  stream.on('error', () => {})
  logger.on('error', () => {})

  const logAt = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (!logger.writable || !(stream.writable || folder)) return
    if (levels[level] > levels[ofModules.get(fields?.module) ?? least]) return
    try {
      const time = new Date(clock.now()).toISOString()
      // All fields are in one member, because `message` and `level` have a special meaning in winston.
      const line: Line = { level, time, message: maskedText(String(message)), fields: record(masked(fields ?? {})) }
      const asJson = json(line)
      recent.push(asJson)
      folder?.write(asJson)
      if (recent.length > mostRecent) recent.shift()
      if (!stream.writable || (isHushed && levels[level] > levels.warn)) return
      logger.log({ level, message: '', line })
    } catch {
      // A failure of the log cannot be logged.
    }
  }

  return {
    error: logAt('error'),
    warn: logAt('warn'),
    info: logAt('info'),
    debug: logAt('debug'),
    recent: () => [...recent],
    isForPeople,
    hush() {
      isHushed = true
      return () => {
        isHushed = false
      }
    },
    levels: () => ({ level: least, modules: Object.fromEntries(ofModules) }),
    setLevel(next) {
      least = next
    },
    setModuleLevel(module, next) {
      if (next === undefined) ofModules.delete(module)
      else ofModules.set(module, next)
    },
    async close() {
      if (logger.writable) logger.end()
      await finished(logger, { readable: false })
      await flushed(stream)
    },
  }
}

const record = (value: unknown) => (typeof value === 'object' && value !== null ? { ...value } : { fields: value })

/**
 * JOURNAL_STREAM is the device and inode of the journal. Child processes inherit it even if their output is redirected.
 */
function isJournal(stream: { fd?: number }, env: Readonly<Record<string, string | undefined>>): boolean {
  if (!env.JOURNAL_STREAM) return false
  if (stream.fd === undefined) return true
  const { fd } = stream
  const output = attempt(() => fstatSync(fd))
  return output !== undefined && env.JOURNAL_STREAM === `${output.dev}:${output.ino}`
}

/** The fields follow time, level and message, and never replace them. */
function json({ level, time, message, fields }: Line): string {
  const others = Object.entries(fields).map(([key, value]) => [
    ['time', 'level', 'message'].includes(key) ? `${key}_` : key,
    value,
  ])
  return JSON.stringify({ time, level, message, ...Object.fromEntries(others) })
}

function text({ level, time, message, fields }: Line): string {
  const parts = Object.entries(fields).map(([key, value]) => `${key}=${word(value)}`)
  return [time, level.padEnd(5), printable(message), ...parts].join(' ')
}

/** Escape sequences of a terminal: red, yellow, green, dim. */
const colours = { error: 31, warn: 33, info: 32, debug: 2 }

/** The same as `text`, with the level in its colour. */
const coloured = (line: Line): string =>
  text(line).replace(` ${line.level}`, ` \u001b[${colours[line.level]}m${line.level}\u001b[0m`)

/** An error is shortened to its message. */
function word(value: unknown): string {
  const plain =
    typeof value === 'object' && value !== null && 'message' in value && 'stack' in value ? value.message : value
  if (typeof plain === 'string' && /^[\w.:/@+-]+$/.test(plain)) return plain
  return printable(JSON.stringify(plain) ?? 'undefined')
}

/** Escapes control characters, because a camera's name must not move the cursor or start a new line. */
const printable = (words: string) =>
  words.replace(/[\p{Cc}\u2028\u2029]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

const write = { json, text, journal: (line: Line) => `<${priorities[line.level]}>${json(line)}` }

/** Waits for at most a second, because the process that reads the log may have stopped reading. */
function flushed(stream: NodeJS.WritableStream): Promise<void> {
  if (!stream.writable) return Promise.resolve()
  return new Promise((done) => {
    const limit = setTimeout(done, 1000)
    stream.write('', () => {
      clearTimeout(limit)
      done()
    })
  })
}
