import { hidden, isSecretName, maskedText, withoutUser } from '../machines/domain/mask.js'
import { shownUrl } from '../machines/domain/streamUrl.js'

/** A value as it is written, before it is read. `line` counts from 1; undefined: the value is not from a file. */
export type Raw = Scalar | { kind: 'list'; items: Raw[]; line: Line } | { kind: 'map'; entries: Entry[]; line: Line }

/** A single value. */
export interface Scalar {
  kind: 'scalar'
  value: unknown
  line: Line
  /** What follows ` #` behind a value without quotes. For YAML it is a comment, but it may be part of a password. */
  comment?: string
  /** Of a key without a value: what YAML took its text for. */
  taken?: string
  /** The text in the file, if variables in it were replaced. */
  written?: string
}

/** A key of a map with its value. */
export interface Entry {
  key: string
  line: Line
  value: Raw
}

type Line = number | undefined

/** The value as plain data, as it is written: maps as objects. */
export function plain(raw: Raw): unknown {
  if (raw.kind === 'list') return raw.items.map(plain)
  if (raw.kind === 'map') return Object.fromEntries(raw.entries.map(({ key, value }) => [key, plain(value)]))
  return raw.written ?? raw.value
}

/** The lines of the values in the groups of a list, by their place: `[2].name`. */
export const linesIn = (raw: Raw): [place: string, line: Line][] =>
  raw.kind !== 'list'
    ? []
    : raw.items.flatMap((item, index) =>
        item.kind === 'map' ? item.entries.map(({ key, line }) => [`[${index}].${key}`, line] as [string, Line]) : [],
      )

/**
 * Receives a fault: the broken rule, the value, and its place below the key of the setting (`[2].name`). A `warning` is
 * no fault: the format returns a value all the same.
 */
export type Report = (rule: string, raw: Raw, below?: string, severity?: 'warning') => void

/** The value of an environment variable, a flag or a default. */
export const text = (value: string, line?: number): Scalar => ({ kind: 'scalar', value, line })

/** A key for the file itself, such as a place for an anchor (`x-usual: &usual {…}`). It is ignored. */
export const isOwnKey = (name: string) => name.startsWith('x-')

/** A key without a value. */
export const isNothing = (raw: Raw) => raw.kind === 'scalar' && (raw.value ?? undefined) === undefined

/** The rule that a key without a value breaks. */
export const nothingRule = (raw: Raw): string =>
  raw.kind === 'scalar' && raw.taken !== undefined
    ? `has no value: YAML takes what begins with ${raw.taken}; put it in quotes if it is the value`
    : 'has no value'

/** Warns if a value without quotes ends before ` #`: the rest may belong to a secret. */
export function warnOfCut(raw: Raw, report: Report): void {
  if (raw.kind === 'scalar' && /^\S/.test(raw.comment ?? ''))
    report(
      'ends before " #", where YAML begins a comment: put it in quotes if the rest belongs to it',
      raw,
      '',
      'warning',
    )
}

/** The same place without its value, for a fault of a value that may be part of a password. */
export const concealed = (raw: Raw): Raw => text(hidden, raw.line)

/** A report for what is below `place`. */
export const below =
  (report: Report, place: string): Report =>
  (rule, raw, more = '', severity) =>
    report(rule, raw, place + more, severity)

/** The value as everybody may see it: on one line, at most 80 characters, without credentials. */
export function shown(raw: Raw, key: string, secret = false): string {
  if (raw.kind !== 'scalar') return raw.kind === 'list' ? 'a list' : 'a group of keys'
  if (isNothing(raw)) return 'nothing'
  if (secret || isSecretName(key) || raw.value === hidden || raw.comment?.includes('@')) return hidden
  const written = JSON.stringify(withoutCredentials(String(raw.written ?? raw.value)))
  const plain = typeof raw.value === 'string' ? written : written.slice(1, -1)
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain
}

function withoutCredentials(value: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return shownUrl(value)
  const place = withoutUser(value)
  return maskedText(place === value ? value : `${hidden}@${place}`)
}
