import { hidden, isSecretName, maskedText } from '../../machines/domain/mask.js'

/** Limits of one log line. Deeper values and further items are dropped. */
const limits = { depth: 6, items: 100 }

/**
 * Returns a copy of any value for the log: masks credentials, converts errors to plain objects, replaces cycles. Never
 * throws.
 */
export function masked(value: unknown): unknown {
  try {
    return copy(value, 0, new Set())
  } catch {
    return '[unreadable]'
  }
}

function copy(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return maskedText(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (above.has(value)) return '[circular]'
  if (depth >= limits.depth) return '[deep]'
  const below = new Set(above).add(value)
  const inner = (each: unknown) => safely(() => copy(each, depth + 1, below))
  if (value instanceof Error) return entries(errorParts(value), inner)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return maskedText(value.href)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Map)
    return entries(
      [...value].map(([key, each]) => [maskedText(String(key)), () => each]),
      inner,
    )
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value]
    return [
      ...items.slice(0, limits.items).map(inner),
      ...(items.length > limits.items ? [`… ${items.length - limits.items} more`] : []),
    ]
  }
  return entries(
    Object.keys(value).map((key) => [key, () => (value as Record<string, unknown>)[key]]),
    inner,
  )
}

function entries(parts: [string, () => unknown][], inner: (value: unknown) => unknown): object {
  const kept = parts.slice(0, limits.items).map(([key, read]) => {
    const each = safely(read)
    const isHarmless = each === undefined || each === null || typeof each === 'boolean'
    return [key, isSecretName(key) && !isHarmless ? hidden : inner(each)]
  })
  return Object.fromEntries(
    parts.length > limits.items ? [...kept, ['…', `${parts.length - limits.items} more`]] : kept,
  )
}

/** Returns the fields of an error: its own (`code`, `data` …), and the standard ones that are not enumerable. */
function errorParts(error: Error): [string, () => unknown][] {
  const own = Object.keys(error).filter((key) => !['name', 'message', 'stack', 'cause'].includes(key))
  const named = ['name', 'message', ...own, 'cause', 'stack'].filter((key) => key in error)
  return named.map((key) => [key, () => Reflect.get(error, key)])
}

function safely(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return '[unreadable]'
  }
}
