import { ConfigRefusal } from '../../machines/domain/configuration.js'
import { ServiceError } from '../../machines/domain/errors.js'
import { Failure } from '../../machines/domain/reason.js'

/** A value as JSON. Objects with the member `$` stand for what JSON cannot hold. */
export type Code = null | boolean | number | string | Code[] | { [key: string]: Code }

/** The errors that guards tell apart, each before the class that it extends. Adapters throw subclasses of them. */
const errors = { ConfigRefusal, ServiceError, Failure, Error }

/**
 * Returns a value as JSON: also `undefined`, infinite numbers, maps, sets and errors (without the stack). Functions and
 * symbols become a mark. If `shared`, an object that occurs twice is written once, because guards compare by identity.
 */
export function encode(value: unknown, shared = true): Code {
  const twice = shared ? objectsThatOccurTwice(value) : new Set<object>()
  const numbers = new Map<object, number>()
  const of = (each: unknown): Code => {
    if (typeof each !== 'object' || each === null) return encodeSimple(each)
    if (!twice.has(each)) return parts(each)
    const known = numbers.get(each)
    if (known !== undefined) return { $: 'same', n: known }
    const n = numbers.size
    numbers.set(each, n)
    return { $: 'shared', n, v: parts(each) }
  }
  const parts = (each: object): Code => {
    if (Array.isArray(each)) return each.map(of)
    if (each instanceof Map) return { $: 'map', v: [...each].map(([key, item]) => [of(key), of(item)]) }
    if (each instanceof Set) return { $: 'set', v: [...each].map(of) }
    if (each instanceof Error) return { $: 'error', is: classOf(each), v: members(errorMembers(each)) }
    if (ArrayBuffer.isView(each)) return { $: 'bytes', v: each.byteLength }
    const coded = members(each)
    return '$' in each ? { $: 'object', v: coded } : coded
  }
  const members = (each: object): { [key: string]: Code } =>
    Object.fromEntries(Object.entries(each).map(([key, item]) => [key, of(item)]))
  return of(value)
}

function encodeSimple(value: unknown): Code {
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  if (typeof value === 'bigint') return { $: 'bigint', v: String(value) }
  if (typeof value === 'function' || typeof value === 'symbol') return { $: 'opaque' }
  return value as Code
}

/** The reverse of `encode`. What was a function is `undefined`. */
export function decode(code: Code): unknown {
  const shared: unknown[] = []
  const of = (each: Code): unknown => {
    if (typeof each !== 'object' || each === null) return each
    if (Array.isArray(each)) return each.map(of)
    return '$' in each ? tagged(each) : members(each)
  }
  const members = (each: { [key: string]: Code }) =>
    Object.fromEntries(Object.entries(each).map(([key, item]) => [key, of(item)]))
  const tagged = ({ $: tag, n, v, is }: { [key: string]: Code }): unknown => {
    switch (tag) {
      case 'shared':
        shared[Number(n)] = of(v ?? null)
        return shared[Number(n)]
      case 'same':
        return shared[Number(n)]
      case 'map':
        return new Map(of(v ?? []) as [unknown, unknown][])
      case 'set':
        return new Set(of(v ?? []) as unknown[])
      case 'error':
        return errorOf(String(is), members((v ?? {}) as { [key: string]: Code }))
      case 'bytes':
        return new Uint8Array(Number(v))
      case 'object':
        return members((v ?? {}) as { [key: string]: Code })
      case 'number':
        return Number(v)
      case 'bigint':
        return BigInt(String(v))
      default:
        return undefined
    }
  }
  return of(code)
}

const classOf = (error: Error): string =>
  Object.entries(errors).find(([, ErrorClass]) => error instanceof ErrorClass)?.[0] ?? 'Error'

/** The stack names files of the host, and no guard reads it. */
function errorMembers(error: Error): object {
  const { name, message } = error
  const own = Object.entries(error).filter(([key]) => key !== 'stack')
  return { name, message, ...Object.fromEntries(own) }
}

function errorOf(name: string, fields: Record<string, unknown>): Error {
  const error: Error = Object.create((Object.entries(errors).find(([each]) => each === name)?.[1] ?? Error).prototype)
  return Object.defineProperties(error, {
    ...Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [
        key,
        { value, enumerable: key !== 'message', writable: true, configurable: true },
      ]),
    ),
    stack: { value: '', enumerable: false, writable: true, configurable: true },
  })
}

function objectsThatOccurTwice(value: unknown): Set<object> {
  const seen = new Set<object>()
  const twice = new Set<object>()
  const visit = (each: unknown) => {
    if (typeof each !== 'object' || each === null) return
    if (seen.has(each)) return void twice.add(each)
    seen.add(each)
    if (each instanceof Map) for (const [key, item] of each) [key, item].forEach(visit)
    else if (each instanceof Set) [...each].forEach(visit)
    else if (each instanceof Error) visit(errorMembers(each))
    else if (!ArrayBuffer.isView(each)) Object.values(each).forEach(visit)
  }
  visit(value)
  return twice
}
