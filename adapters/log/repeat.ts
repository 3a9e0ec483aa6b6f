import { spanText } from '../../machines/domain/amounts.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'

/** Options for the counting of repeated lines. */
export interface RepeatOptions {
  /** In ms. */
  period: number
  clock: Pick<Clock, 'monotonic'>
}

/** A message and the number of its repeats in the current period. */
interface Repeat {
  /** `isOver`: the log is closed. */
  write(how: string, fields: Record<string, number>, isOver: boolean): void
  since: number
  /** Time of the last repeat. */
  last: number
  count: number
}

/** Maximum number of messages to compare with. If there are more, the period of the oldest ends. */
const most = 1000

/**
 * Summarises repeated warnings and errors. Writes the first one at once, counts later ones with the same text and
 * fields, and writes the count at the end of each period, with the age of the last repeat: it may be over. A period
 * without repeats ends the series. Does not change other levels. `close` writes the remaining counts, as information:
 * nothing happens then.
 */
export function summariseRepeats(log: Log, { period, clock }: RepeatOptions): Log & { close(): void } {
  /** Oldest period first. */
  const repeats = new Map<string, Repeat>()
  let timer: NodeJS.Timeout | undefined

  /** Returns true if messages were repeated. */
  function endPeriod(key: string, { write, since, last, count }: Repeat, isOver = false): boolean {
    repeats.delete(key)
    const age = ageOf(last)
    const how = `${count === 1 ? 'once' : `${count} times`} more, last ${spanText(age)} ago`
    if (count > 0) write(how, { repeated: count, repeated_for_ms: ageOf(since), last_repeat_ms_ago: age }, isOver)
    return count > 0
  }

  const ageOf = (time: number) => Math.max(0, Math.round(clock.monotonic() - time))

  function beginPeriod(key: string, write: Repeat['write']) {
    const now = clock.monotonic()
    repeats.set(key, { write, since: now, last: now, count: 0 })
    timer ??= setTimeout(endPeriods, period).unref()
  }

  function endPeriods() {
    const now = clock.monotonic()
    for (const [key, repeat] of [...repeats]) {
      if (now < repeat.since + period) break
      if (endPeriod(key, repeat)) beginPeriod(key, repeat.write)
    }
    const [oldest] = repeats.values()
    timer = oldest && setTimeout(endPeriods, oldest.since + period - now).unref()
  }

  const summarise = (level: 'error' | 'warn') => (message: string, fields?: Record<string, unknown>) => {
    const key = keyOf(level, message, fields)
    const repeat = repeats.get(key)
    if (repeat) {
      repeat.count += 1
      repeat.last = clock.monotonic()
      return
    }
    log[level](message, fields)
    const [oldest] = repeats
    if (oldest && repeats.size >= most) endPeriod(...oldest)
    beginPeriod(key, (how, counts, isOver) =>
      log[isOver ? 'info' : level](`${how}: ${message}`, { ...fields, ...counts }),
    )
  }

  return {
    error: summarise('error'),
    warn: summarise('warn'),
    info: (message, fields) => log.info(message, fields),
    debug: (message, fields) => log.debug(message, fields),
    close: () => {
      clearTimeout(timer)
      timer = undefined
      for (const [key, repeat] of [...repeats]) endPeriod(key, repeat, true)
    },
  }
}

/** Errors are compared by name and message, because their stacks differ. */
function keyOf(level: string, message: string, fields: Record<string, unknown> = {}): string {
  const plain = (_: string, value: unknown) =>
    value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'bigint' ? `${value}` : value
  return attempt(() => JSON.stringify([level, message, fields], plain)) ?? `${level} ${message}`
}
