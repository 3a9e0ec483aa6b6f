import { durationOf } from '../../config/formats.js'
import { UsageError } from './command.js'

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

interface Rule {
  min: string
  max: string
  example: string
  /** Only whole seconds. */
  isWhole?: boolean
  /** What `0` means, if it is allowed. */
  zero?: string
}

/**
 * Reads the value of an option that takes a duration, in ms; `undefined`: it is not given. Unlike in the configuration,
 * a smaller unit must be less than the larger one before it: `9h99m` is a slip. Throws UsageError.
 */
export function durationFrom(values: ReadonlyMap<string, string>, option: string, rule: Rule): number | undefined {
  const text = values.get(option)
  if (text === undefined) return undefined
  const { min, max, example, isWhole = false, zero } = rule
  const ms = durationOf(text, 's')
  const isAllowed =
    ms !== undefined &&
    ((ms === 0 && zero !== undefined) || (ms >= (durationOf(min, 's') ?? 0) && ms <= (durationOf(max, 's') ?? 0)))
  if (isAllowed && isTidy(text) && (!isWhole || ms % 1000 === 0)) return ms
  const whole = isWhole ? ' in whole seconds' : ''
  const examples = `such as ${example}${zero === undefined ? '' : `, or 0 (${zero})`}`
  const same = isAllowed && !isTidy(text) ? `; ${tidy(ms)} is the same time` : ''
  throw new UsageError(
    `--${option} must be a duration from ${min} to ${max}${whole}, ${examples}, not ${JSON.stringify(text)}${same}`,
  )
}

function isTidy(text: string): boolean {
  let above = Number.POSITIVE_INFINITY
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[dhms])/g)) {
    const size = units[unit as keyof typeof units]
    if (Number(amount) * size >= above) return false
    above = size
  }
  return true
}

/** `37h` → `1d13h`. */
function tidy(time: number): string {
  let rest = time
  const parts = Object.entries(units).map(([unit, size]) => {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    return amount === 0 ? '' : `${amount}${unit}`
  })
  return parts.join('')
}
