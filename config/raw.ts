/** A value as it was written, before anything is made of it. `line` counts from 1; undefined: it did not come from a file. */
export type Raw =
  | { kind: 'scalar'; value: unknown; line: number | undefined }
  | { kind: 'list'; items: Raw[]; line: number | undefined }
  | { kind: 'map'; entries: Entry[]; line: number | undefined }

export interface Entry {
  key: string
  line: number | undefined
  value: Raw
}

/** Tells of a fault: which rule is broken by which value, and where below the setting's own key (`[2].name`). */
export type Report = (rule: string, raw: Raw, below?: string) => void

/** What an environment variable, a flag or a default holds. */
export const text = (value: string): Raw => ({ kind: 'scalar', value, line: undefined })

const secretName = /secret|password|passwd|token|api_?key|credential/i

/** The value as a person may see it: short, on one line, without credentials. */
export function shown(raw: Raw, key: string, secret = false): string {
  if (raw.kind !== 'scalar') return raw.kind === 'list' ? 'a list' : 'a group of keys'
  if (raw.value === null || raw.value === undefined) return 'nothing'
  if (secret || secretName.test(key)) return '***'
  const written = JSON.stringify(withoutCredentials(String(raw.value)))
  const plain = typeof raw.value === 'string' ? written : written.slice(1, -1)
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain
}

/** Up to the last `@`: a password may hold a slash or an `@` that nobody escaped. */
const withoutCredentials = (words: string) => words.replace(/:\/\/\S*@/g, '://***@')
