import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml'
import type { Entry, Raw, Scalar } from './raw.js'

/** Why a text is not YAML. It quotes nothing from the text. */
export interface SyntaxFault {
  rule: string
  line: number | undefined
}

/** Far beyond any real file. They stop an alias that contains itself, or one that doubles at each level. */
const limits = { nodes: 20_000, depth: 24 }

/** Reads a text as a tree with line numbers, or returns its syntax faults. Duplicate keys are kept in the tree. */
export function parseYaml(source: string): { root: Raw | undefined; faults: SyntaxFault[] } {
  const lines = new LineCounter()
  try {
    const tokens = [...new Parser(lines.addNewLine).parse(source)]
    limitDepth(tokens, lines)
    // prettyErrors would quote the line, and with it a secret.
    const documents = [...new Composer({ prettyErrors: false, uniqueKeys: false }).compose(tokens, true, source.length)]
    const syntax = documents.flatMap(({ errors, warnings }) =>
      // The parser only warns of an unknown tag. Here it is a text that begins with `!` and lacks its quotes.
      [...errors, ...warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')].map((error) => ({
        rule: `is not YAML: ${plain(error)}`,
        line: lines.linePos(error.pos[0]).line,
      })),
    )
    // Later errors usually follow from the first.
    const faults = syntax.slice(0, 1)
    const [document, second] = documents
    if (second) faults.push({ rule: 'holds more than one document', line: lines.linePos(second.range[0]).line })
    return faults.length > 0 || !document
      ? { root: undefined, faults }
      : { root: treeOf(document, { lines, source }), faults }
  } catch (error) {
    if (error instanceof Refused) return { root: undefined, faults: [{ rule: error.message, line: error.line }] }
    return { root: undefined, faults: [{ rule: 'cannot be read as YAML', line: undefined }] }
  }
}

class Refused extends Error {
  constructor(
    message: string,
    readonly line: number | undefined,
  ) {
    super(message)
  }
}

/** The parser's message without the piece of source that some of them quote. */
function plain(error: { code: string; message: string }): string {
  if (error.code === 'TAB_AS_INDENT') return 'a tab is used to indent; use spaces'
  if (error.code === 'TAG_RESOLVE_FAILED') return inQuotes('!')
  const [, mark] = / cannot start with (?:.* )?([@`%])/.exec(error.message) ?? []
  if (mark !== undefined) return inQuotes(mark)
  if (error.message.startsWith('Block scalar header')) return inQuotes('| or >')
  return error.message.replace(/(?<=\S): .*$| ?["'`\\].*$/s, '').trim() || 'a syntax error'
}

const inQuotes = (mark: string) => `a value begins with ${mark} (put it in quotes)`

/** The composer calls itself for each level: a file of 100,000 brackets would overflow the stack. */
function limitDepth(tokens: CST.Token[], lines: LineCounter) {
  const open = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next
    if (depth > limits.depth) throw new Refused('is nested too deeply', lines.linePos(token.offset).line)
    const below =
      'items' in token ? token.items.flatMap(({ key, value }) => [key, value]) : 'value' in token ? [token.value] : []
    for (const each of below) if (each) open.push({ token: each, depth: depth + 1 })
  }
}

const isMergeKey = (key: unknown) => isScalar(key) && key.type === 'PLAIN' && key.value === '<<'

/** The keys of a group with those of `<<: *anchor`, or `<<: [*one, *other]`. Own keys win, then earlier groups. */
function withMerged(own: Entry[], values: Raw[]): Entry[] {
  const groups = values.flatMap((value) => (value.kind === 'list' ? value.items : [value]))
  const entries = [...own]
  for (const group of groups) {
    if (group.kind !== 'map') throw new Refused('has a merge key (<<) without a group of keys', group.line)
    const known = new Set(entries.map(({ key }) => key))
    entries.push(...group.entries.filter(({ key }) => !known.has(key)))
  }
  return entries
}

/** What YAML takes the text for that stands behind the key, if there is no value. */
function takenBehind(key: unknown, value: unknown, source: string): Pick<Scalar, 'taken'> {
  if (!isScalar(value) || value.value !== null || value.source) return {}
  if (value.anchor !== undefined) return { taken: '& as the name of an anchor' }
  const end = isScalar(key) ? key.range?.[1] : undefined
  const isComment = end !== undefined && /^\s*:[ \t]+#/.test(source.slice(end))
  return isComment ? { taken: '# as a comment' } : {}
}

function treeOf(document: Document, { lines, source }: { lines: LineCounter; source: string }): Raw | undefined {
  let nodes = 0
  const convert = (node: unknown, depth: number): Raw => {
    const range =
      typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) ? node.range : undefined
    const line = range ? lines.linePos(Number(range[0])).line : undefined
    if (++nodes > limits.nodes) throw new Refused(`holds more than ${limits.nodes} values`, line)
    if (depth > limits.depth) throw new Refused('is nested too deeply', line)
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (!target)
        throw new Refused('refers to an anchor that does not exist; put a text that begins with * in quotes', line)
      return convert(target, depth + 1)
    }
    if (isSeq(node)) return { kind: 'list', line, items: node.items.map((item) => convert(item, depth + 1)) }
    if (isMap(node)) {
      const entries: Entry[] = []
      const merged: Raw[] = []
      for (const { key, value } of node.items) {
        if (isMergeKey(key)) merged.push(convert(value, depth + 1))
        else {
          const name = convert(key, depth + 1)
          entries.push({
            key: name.kind === 'scalar' ? String(name.value) : `(a ${name.kind})`,
            line: name.line,
            value: { ...convert(value, depth + 1), ...takenBehind(key, value, source) },
          })
        }
      }
      return { kind: 'map', line, entries: merged.length === 0 ? entries : withMerged(entries, merged) }
    }
    if (!isScalar(node)) return { kind: 'scalar', line, value: null }
    const { value, type, comment } = node
    return { kind: 'scalar', line, value, ...(type === 'PLAIN' && typeof comment === 'string' && { comment }) }
  }
  return document.contents === null ? undefined : convert(document.contents, 0)
}
