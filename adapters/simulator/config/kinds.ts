import { isNetwork } from '../../../machines/domain/address.js'
import { formatDuration, formatSize, parseDuration, parseSize } from './duration.js'

/** Any value of JSON or YAML. */
export type Json = null | boolean | number | string | Json[] | JsonObject
/** An object of JSON. */
export type JsonObject = { [name: string]: Json }

/**
 * Returns the value as the API writes it. Throws an Error when it has the wrong type or is not allowed. `where` is the
 * full name of the field.
 */
type Decode<T> = (value: Json, where: string) => T

/** A field of the configuration: how its value is read, and its default. */
export interface Field<T> {
  decode: Decode<T>
  fallback: T
}

/** Clients of MediaMTX know this text, so it is the same here. */
const mismatch = (value: Json, wanted: string): Error => {
  const given = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  const name = given === 'boolean' ? 'bool' : given === 'number' && wanted === 'int' ? `number ${value}` : given
  return new Error(`json: cannot unmarshal ${name} into Go value of type ${wanted}`)
}

/** Takes a value of one type as it is. `type`: Go's name of the type. */
const plain =
  <T extends Json>(type: string, isOne: (value: Json) => value is T): Decode<T> =>
  (value) => {
    if (!isOne(value)) throw mismatch(value, type)
    return value
  }
const decodeText = plain('string', (value) => typeof value === 'string')
const decodeFlag = plain('bool', (value) => typeof value === 'boolean')
const decodeInteger = plain('int', (value): value is number => Number.isSafeInteger(value))

/** The members of an object. `null` counts as an object without members. Throws for anything else. */
export function objectOf(value: Json): JsonObject {
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, 'map[string]json.RawMessage')
  return value
}

type Fields = Record<string, Field<unknown>>
/** The values of some fields. */
export type ValuesOf<F extends Fields> = { [Name in keyof F]: F[Name] extends Field<infer T> ? T : never }

/** Decodes the given members. Refuses an unknown name before a wrong value. A `null` member counts as absent. */
export function decodeMembers<F extends Fields>(fields: F, value: Json, prefix = ''): Partial<ValuesOf<F>> {
  const given = Object.entries(objectOf(value))
  const unknown = given.find(([name]) => !Object.hasOwn(fields, name))
  if (unknown) throw new Error(`json: unknown field ${JSON.stringify(prefix + unknown[0])}`)
  const present = given.filter(([, one]) => one !== null)
  return Object.fromEntries(present.map(([name, one]) => [name, fields[name]?.decode(one, prefix + name)])) as Partial<
    ValuesOf<F>
  >
}

/** Returns the defaults of some fields. */
export const defaultsOf = <F extends Fields>(fields: F): ValuesOf<F> =>
  Object.fromEntries(Object.entries(fields).map(([name, { fallback }]) => [name, fallback])) as ValuesOf<F>

/** A text. */
export const text = (fallback = ''): Field<string> => ({ decode: decodeText, fallback })
/** `true` or `false`. */
export const flag = (fallback = false): Field<boolean> => ({ decode: decodeFlag, fallback })
/** A whole number. */
export const integer = (fallback: number): Field<number> => ({ decode: decodeInteger, fallback })
/** A list of values of one kind. */
export const list = <T>({ decode }: Field<T>, fallback: T[] = []): Field<T[]> => ({
  decode: (value, where) => {
    if (!Array.isArray(value)) throw mismatch(value, 'array')
    return value.map((one, n) => decode(one, `${where}[${n}]`))
  },
  fallback,
})

/** A text such as `1m0s`, in MediaMTX's own spelling. */
export const duration = (fallback: string): Field<string> => ({
  decode: (value, where) => formatDuration(parseDuration(decodeText(value, where))),
  fallback,
})

/** A text such as `50M`, in MediaMTX's own spelling. */
export const size = (fallback: string): Field<string> => ({
  decode: (value, where) => formatSize(parseSize(decodeText(value, where))),
  fallback,
})

/** One of some texts. `complaint` makes the message for a text that is none of them. */
export const choice = <const T extends string>(
  values: readonly T[],
  fallback: T,
  complaint: (given: string) => string,
): Field<T> => ({
  decode: (value, where) => {
    const given = decodeText(value, where)
    const found = values.find((one) => one === given)
    if (found === undefined) throw new Error(complaint(given))
    return found
  },
  fallback,
})

/** An IP address or a network. */
export const network: Field<string> = {
  decode: (value, where) => {
    const given = decodeText(value, where)
    if (!isNetwork(given)) throw new Error(`unable to parse IP/CIDR '${given}'`)
    return given
  },
  fallback: '',
}

/** An object with these members. */
export const object = <F extends Fields>(fields: F): Field<ValuesOf<F>> => ({
  decode: (value, where) => ({ ...defaultsOf(fields), ...decodeMembers(fields, value, `${where}.`) }),
  fallback: defaultsOf(fields),
})
