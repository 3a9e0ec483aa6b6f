import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const document = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url))

const marks = (name: string) => [`<!-- begin: ${name} -->`, `<!-- end: ${name} -->`] as const

/** Returns a section of docs/reliability.md. */
export function sectionOf(name: string): string {
  const [begin, end] = marks(name)
  const whole = readFileSync(document, 'utf8')
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/reliability.md has no section "${name}"`)
  return whole.slice(from + begin.length, to).trim()
}

/** Returns the tables with the lines of the same faults from `measured`. */
export function withLines(tables: string, measured: string): string {
  const keyOf = (text: string) => `${/^\| ([^|]*) \|/.exec(text)?.[1]} ${text.split('|').length}`
  const lines = new Map(measured.split('\n').map((text) => [keyOf(text), text]))
  return tables
    .split('\n')
    .map((text) => (text.startsWith('|') ? (lines.get(keyOf(text)) ?? text) : text))
    .join('\n')
}

/** Replaces a section of docs/reliability.md. */
export function writeSection(name: string, content: string): void {
  const [begin, end] = marks(name)
  const old = sectionOf(name)
  const whole = readFileSync(document, 'utf8')
  const before = whole.slice(0, whole.indexOf(begin) + begin.length)
  const after = whole.slice(whole.indexOf(end))
  if (old !== content) writeFileSync(document, `${before}\n\n${content}\n\n${after}`)
}
