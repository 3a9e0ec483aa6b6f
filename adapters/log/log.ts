import { fstatSync } from 'node:fs'
import winston from 'winston'
import { maskedText } from '../../machines/domain/mask.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { masked } from './fields.js'

export interface LogOptions {
  level: 'error' | 'warn' | 'info' | 'debug'
  /** `auto`: text on a terminal, else JSON lines; under systemd with their priority in front. */
  format: 'auto' | 'json' | 'text'
  /** Default: standard output. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; fd?: number }
  clock?: Clock
  /** Where JOURNAL_STREAM is looked up. */
  env?: Readonly<Record<string, string | undefined>>
}

export interface RootLog extends Log {
  /** The same log with `fields` in each line. */
  child(fields: Record<string, unknown>): RootLog
  /** Resolves when everything is written, or cannot be; later lines are dropped. */
  close(): Promise<void>
}

type Level = keyof Log
type Line = { level: Level; time: string; message: string; fields: Record<string, unknown> }

const levels = { error: 0, warn: 1, info: 2, debug: 3 }
/** syslog's numbers, as sd-daemon(3) reads them at the start of a line. */
const priorities = { error: 3, warn: 4, info: 6, debug: 7 }

/** One line per message on one stream. No call throws or waits, also when the stream is gone. */
export function createLog({
  level,
  format,
  stream = process.stdout,
  clock = Date,
  env = process.env,
}: LogOptions): RootLog {
  const style = format === 'auto' ? (isJournal(stream, env) ? 'journal' : stream.isTTY ? 'text' : 'json') : format
  const written = winston.format((info) => {
    const line = info.line as Line
    return { ...info, [Symbol.for('message')]: write[style](line) }
  })
  const logger = winston.createLogger({
    levels,
    level,
    format: written(),
    transports: [new winston.transports.Stream({ stream, eol: '\n' })],
  })
  let open = true
  // The reader of a pipe may leave; without a listener that would be the end of the service.
  const onStreamError = (error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED'))
      open = false
  }
  stream.on('error', onStreamError)
  logger.on('error', () => {})

  const log = (at: Level, message: string, base: Record<string, unknown>, fields?: Record<string, unknown>) => {
    if (!open || levels[at] > levels[level]) return
    try {
      // The fields go in one member: winston would append a field called `message` to the message, and obey one called `level`.
      const all = { ...record(masked(base)), ...record(masked(fields ?? {})) }
      const line: Line = {
        level: at,
        time: new Date(clock.now()).toISOString(),
        message: maskedText(String(message)),
        fields: all,
      }
      logger.log({ level: at, message: '', line })
    } catch {
      // A log has nobody to complain to.
    }
  }

  let closing: Promise<void> | undefined
  const end = async () => {
    open = false
    await new Promise<void>((done) => {
      logger.once('finish', () => done())
      logger.end()
    })
    await flushed(stream)
  }
  const withFields = (base: Record<string, unknown>): RootLog => ({
    error: (message, fields) => log('error', message, base, fields),
    warn: (message, fields) => log('warn', message, base, fields),
    info: (message, fields) => log('info', message, base, fields),
    debug: (message, fields) => log('debug', message, base, fields),
    child: (fields) => withFields({ ...base, ...fields }),
    close: () => {
      closing ??= end()
      return closing
    },
  })
  return withFields({})
}

const record = (value: unknown) => (typeof value === 'object' && value !== null ? { ...value } : { fields: value })

/** systemd names device and inode of the stream that goes to its journal; whoever pipes our output elsewhere inherits the variable too. */
function isJournal(stream: { fd?: number }, env: Readonly<Record<string, string | undefined>>): boolean {
  if (!env.JOURNAL_STREAM) return false
  if (stream.fd === undefined) return true
  try {
    const { dev, ino } = fstatSync(stream.fd)
    return env.JOURNAL_STREAM === `${dev}:${ino}`
  } catch {
    return false
  }
}

/** Fields come after ours and never replace them. */
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

/** Of an error only its message: a person at a terminal reads on. */
function word(value: unknown): string {
  const plain =
    typeof value === 'object' && value !== null && 'message' in value && 'stack' in value ? value.message : value
  if (typeof plain === 'string' && /^[\w.:/@+-]+$/.test(plain)) return plain
  return printable(JSON.stringify(plain) ?? 'undefined')
}

/** Whoever names a camera must not move the cursor, nor begin a line of their own. */
const printable = (words: string) =>
  words.replace(/[\p{Cc}\u2028\u2029]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

const write = { json, text, journal: (line: Line) => `<${priorities[line.level]}>${json(line)}` }

/** At most a second: a reader that has stopped reading must not hold up the end. */
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
