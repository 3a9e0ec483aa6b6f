/** Limits of what one log line may hold; beyond them it is cut. */
const limits = { depth: 6, items: 100, text: 8192, read: 16_384 }

const hidden = '***'
const secretKey = /password|passwd|secret|token|authorization|credential|api[_-]?key|cookie/i

/**
 * A copy that is safe to write: no credentials in URLs, queries, headers and tokens, none under a telling key, errors as
 * plain objects, cycles and surplus cut. Never throws.
 */
export function masked(value: unknown): unknown {
  try {
    return copy(value, 0, new Set())
  } catch {
    return '[unreadable]'
  }
}

export function maskedText(words: string): string {
  const cut = words.length > limits.read ? words.slice(0, limits.read) : words
  const safe = patterns.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), cut)
  return safe.length > limits.text || cut !== words ? `${safe.slice(0, limits.text)}…` : safe
}

const patterns: [RegExp, string][] = [
  // Up to the last @ before a slash; after a colon also beyond it, since a password may hold what it should have escaped.
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>:@]{0,2000}:[^\s"'<>]{0,2000}@/gi, `$1${hidden}@`],
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]{0,2000}@/gi, `$1${hidden}@`],
  [/\beyJ[\w-]+\.[\w.-]*/g, hidden],
  [/\bcsk_[\w-]{16,}/g, hidden],
  [/\b(sig=)[^\s&;,"']+/gi, `$1${hidden}`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*)[^\r\n]+/gi, `$1${hidden}`],
  [/\b(Bearer\s+)[^\s,;"']+/gi, `$1${hidden}`],
  [/("[\w-]{0,40}(?:password|passwd|secret|token|api_?key)[\w-]{0,40}"\s*:\s*)"(?:[^"\\]|\\.)*"/gi, `$1"${hidden}"`],
  [/((?:password|passwd|secret|token|api_?key)[\w-]{0,40}=)[^\s&;,"']+/gi, `$1${hidden}`],
]

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
    const harmless = each === undefined || each === null || typeof each === 'boolean'
    return [key, secretKey.test(key) && !harmless ? hidden : inner(each)]
  })
  return Object.fromEntries(
    parts.length > limits.items ? [...kept, ['…', `${parts.length - limits.items} more`]] : kept,
  )
}

/** An error's own fields (`code`, `data` …) and those that are not enumerable. */
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
