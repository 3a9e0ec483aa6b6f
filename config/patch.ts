/** Merge patches (RFC 7396) of the text of the configuration file. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, YAMLMap, type YAMLSeq } from 'yaml'
import { ConfigRefusal } from '../machines/domain/configuration.js'
import { hidden } from '../machines/domain/mask.js'
import { withoutSecrets } from './changes.js'

type Group = Record<string, unknown>

const isGroup = (value: unknown): value is Group => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As in config/yaml.ts. */
const deepest = 24

const refuse = (key: string, rule: string, value = '') =>
  new ConfigRefusal([{ key, value, rule, origin: 'the change' }])

/**
 * Returns the text with the patch. The comments and the order of the other keys stay. A masked value (`***`), as
 * `get_config` returns it, keeps the secret. Throws ConfigRefusal.
 */
export function patchText(text: string, patch: object): string {
  limitDepth(patch, '', 0)
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false })
  try {
    const before = document.toJS() ?? {}
    if (!isMap(document.contents)) document.contents = document.createNode({}) as never
    const map = document.contents as unknown as YAMLMap
    merge(document, map, patch as Group, '')
    if (isDeepStrictEqual(document.toJS() ?? {}, before)) return text
    const next = map.items.length === 0 ? commentsOf(document) : document.toString(styleOf(text))
    return text.includes('\r\n') ? next.replace(/\r?\n/g, '\r\n') : next
  } catch (error) {
    if (error instanceof ConfigRefusal) throw error
    throw refuse('', 'the configuration file uses anchors (&) in a way that cannot be changed: edit the file')
  }
}

/** What remains of a text without its last key. */
function commentsOf(document: Document): string {
  document.contents = null
  return document.toString().replace(/^null\n*/m, '')
}

/** The style of the text, so that the other lines stay as they are. */
const styleOf = (text: string) => ({
  lineWidth: 0,
  indent: Math.max(1, /^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2),
  indentSeq: !/:[ \t]*(?:#.*)?\n- /.test(text),
  flowCollectionPadding: !/[{[]\S/.test(text.replace(/^ *#.*$/gm, '')),
})

function limitDepth(value: unknown, key: string, depth: number): void {
  if (depth > deepest) throw refuse(key.slice(0, 80), 'is nested too deeply')
  if (typeof value !== 'object' || value === null) return
  for (const [name, each] of Object.entries(value)) {
    if (name === '') throw refuse(key, 'contains a key without a name')
    limitDepth(each, key ? `${key}.${name}` : name, depth + 1)
  }
}

/** `{"server": {"port": …}}` for `server.port`. */
const nested = (name: string): string =>
  name.split('.').reduceRight((inner, part) => `{${JSON.stringify(part)}: ${inner}}`, '…')

function merge(document: Document, map: YAMLMap, patch: Group, group: string): void {
  for (const [name, value] of Object.entries(patch)) {
    const key = group ? `${group}.${name}` : name
    if (name.includes('.')) throw refuse(key, `must be nested: ${nested(name)}`)
    const old = nodeAt(document, map, name)
    if (value === null) map.delete(name)
    else if (isGroup(value)) {
      const child = isMap(old) ? old : new YAMLMap(document.schema)
      merge(document, child, value, key)
      if (child.items.length === 0) map.delete(name)
      else map.set(name, child)
    } else map.set(name, replaced(document, old, value, key))
  }
}

/** The node with the value. Nodes that stay the same, or belong to the same camera, keep their comments. */
function replaced(document: Document, old: unknown, value: unknown, key: string): unknown {
  if (Array.isArray(value)) return replacedList(document, old, value, key)
  if (isGroup(value)) {
    const map = isMap(old) ? old : new YAMLMap(document.schema)
    const names = map.items.map((pair) => nameOf(pair.key))
    for (const name of names) if (!Object.hasOwn(value, name)) map.delete(name)
    for (const [name, each] of Object.entries(value)) {
      map.set(name, replaced(document, nodeAt(document, map, name), each, `${key}.${name}`))
    }
    return map
  }
  const before = isScalar(old) ? old.value : undefined
  const kept = withSecret(value, before, key)
  if (!isScalar(old)) return document.createNode(kept)
  old.value = kept
  return old
}

function replacedList(document: Document, old: unknown, values: unknown[], key: string): YAMLSeq {
  const before = isSeq(old) ? old.items.filter(isNode) : []
  const list = isSeq(old) ? old : (document.createNode([]) as YAMLSeq)
  const free = new Set(before)
  const items = values.map((value, index) => {
    const node = [...free].find((each) => isSameItem(each.toJS(document), value))
    if (node) free.delete(node)
    return replaced(document, node, value, `${key}[${index}]`)
  })
  list.items = items as never
  return list
}

/** Items of a list are matched by their names; others by their values. */
const isSameItem = (old: unknown, value: unknown) =>
  isGroup(old) && isGroup(value) && 'name' in old ? old.name === value.name : isDeepStrictEqual(old, value)

/** The old value if `value` is its masked form. Throws for other masked values: they would replace a secret. */
function withSecret(value: unknown, old: unknown, key: string): unknown {
  if (typeof value !== 'string' || !value.includes(hidden)) return value
  const name = key.slice(key.lastIndexOf('.') + 1)
  if (typeof old === 'string' && (value === hidden || value === withoutSecrets(old, name))) return old
  throw refuse(key, `must not contain ${hidden}: give the secret, or leave the key out to keep it`, hidden)
}

/** A node that is written as an alias becomes a copy, so that its other places stay as they are. */
function nodeAt(document: Document, map: YAMLMap, name: string): unknown {
  const node: unknown = map.get(name, true)
  if (!isAlias(node)) return node
  const copy = node.resolve(document)?.clone() as { anchor?: string } | undefined
  if (copy) delete copy.anchor
  return copy
}

const nameOf = (key: unknown) => String(isScalar(key) ? key.value : key)
