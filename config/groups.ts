/** Formats of values that hold other values: lists, and groups of keys. */

import { hintOf } from '../machines/domain/nearest.js'
import type { Format } from './formats.js'
import { below, concealed, isNothing, isOwnKey, nothingRule, type Raw, type Report, text } from './raw.js'
import { parseYaml } from './yaml.js'

/** A YAML list, or text with commas. Each item is checked by itself. */
export const listOf = <T>(item: Format<T>): Format<T[]> => ({
  allowed: `a list, each item ${item.allowed}`,
  read: (raw, report) => {
    const parts = raw.kind === 'list' ? raw.items : split(raw)
    if (parts) return readItems(parts, item, report)
    report(`must be a list, each item ${item.allowed}`, raw)
    return undefined
  },
})

function split(raw: Raw): Raw[] | undefined {
  if (raw.kind !== 'scalar' || typeof raw.value !== 'string') return undefined
  const parts = raw.value === '' ? [] : raw.value.split(',')
  return parts.map((part) => ({ ...raw, value: part.trim() }))
}

function readItems<T>(items: Raw[], format: Format<T>, report: Report): T[] | undefined {
  const values = items.map((item, index) => format.read(item, below(report, `[${index}]`)))
  const good = values.filter((value) => value !== undefined)
  return good.length === values.length ? good : undefined
}

/** The same list with a rule for all items together. `fits` completes "must …". */
export const listThat = <T>(list: Format<T[]>, rule: string, fits: (items: T[]) => boolean): Format<T[]> => ({
  ...list,
  read: (raw, report) => {
    const values = list.read(raw, report)
    if (values === undefined || fits(values)) return values
    report(`must ${rule}`, raw)
    return undefined
  },
})

/** A key whose values must differ between the items of a list. */
export interface Unique<T> {
  key: string
  /** Undefined: the item need not differ. */
  idOf(item: T): string | undefined
  rule(value: string): string
}

/** A YAML list of groups; in the environment its text, as YAML or JSON. `items` names them: "a list of cameras". */
export const groupsOf = <T>(item: Format<T>, items: string, unique: readonly Unique<T>[] = []): Format<T[]> => ({
  allowed: `a list of ${items}`,
  read: (raw, report) => {
    const { root: list, faults } =
      raw.kind === 'scalar' && typeof raw.value === 'string' ? parseYaml(raw.value) : { root: raw, faults: [] }
    for (const { rule, line } of faults) {
      const isOnLine = raw.line === undefined && line !== undefined
      report(isOnLine ? `${rule} (line ${line})` : rule, concealed(raw))
    }
    if (faults.length > 0) return undefined
    if (list?.kind !== 'list') {
      report(`must be a list of ${items}`, raw.kind === 'scalar' ? concealed(raw) : raw)
      return undefined
    }
    const values = readItems(list.items, item, report)
    return values && areUnique(values, list.items, unique, report) ? values : undefined
  },
})

function areUnique<T>(items: T[], raws: Raw[], unique: readonly Unique<T>[], report: Report): boolean {
  let good = true
  for (const { key, idOf, rule } of unique) {
    const seen = new Set<string>()
    for (const [index, item] of items.entries()) {
      const value = idOf(item)
      if (value !== undefined && seen.has(value)) {
        good = false
        report(rule(value), entryOf(raws[index], key), `[${index}].${key}`)
      }
      if (value !== undefined) seen.add(value)
    }
  }
  return good
}

const entryOf = (raw: Raw | undefined, key: string): Raw =>
  (raw?.kind === 'map' ? raw.entries.find((entry) => entry.key === key)?.value : raw) ?? text('')

type Fields = Record<string, Format<unknown>>
type ValueOf<F> = F extends Format<infer T> ? T : never
type Group<F extends Fields, R extends keyof F> = { [K in R]: ValueOf<F[K]> } & {
  [K in Exclude<keyof F, R>]?: ValueOf<F[K]>
}

/** A group of keys. The values of `required` must be there. */
export const groupOf = <F extends Fields, R extends keyof F & string = never>(
  fields: F,
  required: readonly R[] = [],
): Format<Group<F, R>> => ({
  allowed: `a group of keys: ${Object.keys(fields).join(', ')}`,
  read: (raw, report) => {
    let good = true
    const refuse: Report = (...fault) => {
      if (fault[3] === undefined) good = false
      report(...fault)
    }
    const written = readMap(raw, Object.keys(fields), refuse)
    if (!written) return undefined
    const values = Object.entries(fields).flatMap(([key, format]) => {
      const value = written.get(key)
      return value ? [[key, format.read(value, below(refuse, `.${key}`))]] : []
    })
    for (const key of required) if (!written.has(key)) refuse(`has no ${key}`, raw)
    return good ? (Object.fromEntries(values) as Group<F, R>) : undefined
  },
})

/** The values of a map by key. Reports unknown, repeated and empty keys and leaves them out. */
function readMap(raw: Raw, keys: readonly string[], report: Report): Map<string, Raw> | undefined {
  if (raw.kind !== 'map') {
    report(`must be a group of keys (${keys.join(', ')})`, raw)
    return undefined
  }
  const map = new Map<string, Raw>()
  const lines = new Map<string, number | undefined>()
  for (const { key, value, line } of raw.entries) {
    if (isOwnKey(key)) continue
    if (!keys.includes(key)) report(`is not a known key${hintOf(key, keys)}`, value, `.${key}`)
    else if (lines.has(key)) report(`is set twice, first on line ${lines.get(key)}`, { ...value, line }, `.${key}`)
    else if (isNothing(value)) report(nothingRule(value), value, `.${key}`)
    else map.set(key, value)
    if (!lines.has(key)) lines.set(key, line)
  }
  return map
}

/** A format whose value is made from that of another one. */
export const mapped = <A, B>(format: Format<A>, convert: (value: A) => B): Format<B> => ({
  ...format,
  read: (raw, report) => {
    const value = format.read(raw, report)
    return value === undefined ? undefined : convert(value)
  },
})

/** The keys of a group with what they allow and mean, for the documentation. */
export const documented = <F extends Fields>(fields: F, docs: Record<keyof F, string>) =>
  Object.entries(fields).map(([key, { allowed }]) => ({ key, allowed, doc: docs[key] ?? '' }))

export const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
