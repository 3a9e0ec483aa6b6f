import type { Clock, Log } from '../../machines/domain/ports.js'

export interface RepeatOptions {
  /** In ms. */
  period: number
  clock: Clock
}

interface Repeat {
  tell(repeated: Record<string, unknown>): void
  since: number
  count: number
  timer: NodeJS.Timeout
}

/** More kinds of complaint than this at a time are no repeats; the oldest is let go. */
const most = 1000

/**
 * Warnings and errors that say the same (message and fields) are told the first time at once, then as a count at the end
 * of each period in which they came again; after a quiet period they are new. Other levels pass. `close` tells what is left.
 */
export function summariseRepeats(log: Log, { period, clock }: RepeatOptions): Log & { close(): void } {
  const repeats = new Map<string, Repeat>()

  function settle(key: string, repeat: Repeat) {
    clearTimeout(repeat.timer)
    repeats.delete(key)
    if (repeat.count > 0) repeat.tell({ repeated: repeat.count, repeated_for_ms: clock.now() - repeat.since })
    return repeat.count > 0
  }

  function follow(key: string, tell: Repeat['tell']) {
    const timer = setTimeout(() => {
      if (settle(key, repeat)) follow(key, tell)
    }, period)
    timer.unref()
    const repeat: Repeat = { tell, since: clock.now(), count: 0, timer }
    repeats.set(key, repeat)
  }

  const complain = (level: 'error' | 'warn') => (message: string, fields?: Record<string, unknown>) => {
    const key = keyOf(level, message, fields)
    const repeat = repeats.get(key)
    if (repeat) {
      repeat.count += 1
      return
    }
    log[level](message, fields)
    const [oldest] = repeats
    if (oldest && repeats.size >= most) settle(...oldest)
    follow(key, (repeated) => log[level](message, { ...fields, ...repeated }))
  }

  return {
    error: complain('error'),
    warn: complain('warn'),
    info: (message, fields) => log.info(message, fields),
    debug: (message, fields) => log.debug(message, fields),
    close: () => {
      for (const [key, repeat] of [...repeats]) settle(key, repeat)
    },
  }
}

/** Errors by their words: their stacks and identities differ where they mean the same. */
function keyOf(level: string, message: string, fields: Record<string, unknown> = {}): string {
  try {
    return JSON.stringify([level, message, fields], (_, value: unknown) =>
      value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'bigint' ? `${value}` : value,
    )
  } catch {
    return `${level} ${message}`
  }
}
