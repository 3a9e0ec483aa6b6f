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

/** Returns the tables with the lines of the same faults from `measured`. A line of a new fault is the last one. */
export function withLines(tables: string, measured: string): string {
  const columnsOf = (text: string) => text.split('|').length
  const keyOf = (text: string) => `${/^\| ([^|]*) \|/.exec(text)?.[1]} ${columnsOf(text)}`
  const isLine = (text: string) => text.startsWith('|')
  const old = tables.split('\n')
  const lines = new Map(
    measured
      .split('\n')
      .filter(isLine)
      .map((text) => [keyOf(text), text]),
  )
  const added = [...lines].flatMap(([key, text]) => (old.some((line) => keyOf(line) === key) ? [] : [text]))
  return old
    .flatMap((text, at) => {
      if (!isLine(text)) return [text]
      const isLast = !isLine(old[at + 1] ?? '')
      const own = added.filter((line) => columnsOf(line) === columnsOf(text))
      return [lines.get(keyOf(text)) ?? text, ...(isLast ? own : [])]
    })
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
