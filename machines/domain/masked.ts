import { hidden, isSecretName, maskedText } from './mask.js'

/** Limits of a copy. Deeper values and further items are dropped, longer texts cut. */
export interface MaskLimits {
  depth: number
  items: number
  /** Characters of a text. */
  text?: number
  /** Members to hide besides those that `isSecretName` finds. */
  hides?(name: string): boolean
}

/** Limits of one log line. */
const logLimits: MaskLimits = { depth: 6, items: 100 }

/**
 * Returns a copy of any value for people: masks credentials, converts errors to plain objects, replaces cycles. Never
 * throws. By default with the limits of a log line.
 */
export function masked(value: unknown, limits: MaskLimits = logLimits): unknown {
  try {
    return copy(value, { depth: 0, above: new Set(), limits })
  } catch {
    return '[unreadable]'
  }
}

interface Place {
  depth: number
  above: ReadonlySet<object>
  limits: MaskLimits
}

function copy(value: unknown, { depth, above, limits }: Place): unknown {
  if (typeof value === 'string') return cut(maskedText(value), limits)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (above.has(value)) return '[circular]'
  if (depth >= limits.depth) return '[deep]'
  const below: Place = { depth: depth + 1, above: new Set(above).add(value), limits }
  const inner = (each: unknown) => safely(() => copy(each, below))
  if (value instanceof Error) return entries(errorParts(value), inner, limits)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return maskedText(value.href)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Map)
    return entries(
      [...value].map(([key, each]) => [maskedText(String(key)), () => each]),
      inner,
      limits,
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
    limits,
  )
}

const cut = (text: string, { text: most = text.length }: MaskLimits): string =>
  text.length > most ? `${text.slice(0, most)}…` : text

function entries(
  parts: [string, () => unknown][],
  inner: (value: unknown) => unknown,
  { items, hides = () => false }: MaskLimits,
): object {
  const kept = parts.slice(0, items).map(([key, read]) => {
    const each = safely(read)
    const isHarmless = each === undefined || each === null || typeof each === 'boolean'
    return [key, (isSecretName(key) || hides(key)) && !isHarmless ? hidden : inner(each)]
  })
  return Object.fromEntries(parts.length > items ? [...kept, ['…', `${parts.length - items} more`]] : kept)
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
