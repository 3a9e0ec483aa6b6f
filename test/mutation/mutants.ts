/** Lists the mutants of a source file: changes in one place each that a test should notice. */
import { type Program, parseSync, visitorKeys } from 'oxc-parser'

export interface Mutant {
  file: string
  line: number
  column: number
  /** What was changed, for people: `drop guard`, `=== → !==`. */
  what: string
  /** The text that was replaced. */
  was: string
  start: number
  end: number
  text: string
}

interface Node {
  type: string
  start: number
  end: number
  [member: string]: unknown
}

type Change = Pick<Mutant, 'what' | 'start' | 'end' | 'text'>

/** A node with its ancestors, the nearest last. */
interface Place {
  node: Node
  above: readonly Node[]
  source: string
}

/** The name under which a mutated file knows XState's `not`. */
const not = '__not'
/** Stands before a mutated file, in its first line, so that the numbers of the lines stay. */
export const prelude = `import { not as ${not} } from 'xstate'; void ${not}; `

const swapped: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '>=',
  '<=': '<',
  '>': '<=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '&&': '||',
  '||': '&&',
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
}

/** Members of a statechart, and of its transitions and invocations, that can be left out. */
const optional = new Set([
  'always',
  'onDone',
  'onError',
  'invoke',
  'tags',
  'entry',
  'exit',
  'actions',
  'guard',
  'reenter',
])
/** Their values contain several of them. */
const lists = new Set(['actions', 'entry', 'exit', 'tags', 'always', 'onDone', 'onError', 'invoke'])
const transitions = new Set(['on', 'after'])
/** Members whose value is a code that programs compare. */
const codes = new Set(['code', 'reason', 'type', 'status', 'state'])
const structural = new Set(['final', 'parallel', 'history'])

export function mutantsOf(file: string, source: string): Mutant[] {
  const { program, errors } = parseSync(file, source, { preserveParens: false })
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const changes: Change[] = []
  walk(program, source, (place) => {
    changes.push(...ofChart(place), ...ofExpression(place), ...ofStatement(place))
  })
  return changes
    .sort((one, other) => one.start - other.start || one.end - other.end)
    .map((change) => ({
      ...change,
      file,
      line: source.slice(0, change.start).split('\n').length,
      column: change.start - source.lastIndexOf('\n', change.start - 1),
      was: source.slice(change.start, change.end).replace(/\s+/g, ' '),
    }))
}

export const mutated = (source: string, { start, end, text }: Mutant): string =>
  prelude + source.slice(0, start) + text + source.slice(end)

/** Visits all nodes that have a value: not types, imports and names of members. */
function walk(program: Program, source: string, visit: (place: Place) => void): void {
  const go = (node: Node, above: readonly Node[]) => {
    if (node.type === 'ImportDeclaration' || isType(node) || isTypesOfSetup(node, above)) return
    visit({ node, above, source })
    for (const key of visitorKeys[node.type] ?? []) {
      if (key === 'key' && node.computed !== true) continue
      for (const child of [node[key]].flat()) if (isNode(child)) go(child, [...above, node])
    }
  }
  go(program as unknown as Node, [])
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value
const values = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']
const isType = ({ type }: Node) => type.startsWith('TS') && !values.includes(type)
const isTypesOfSetup = (node: Node, above: readonly Node[]) =>
  keyOf(node) === 'types' && calleeOf(above.at(-2)) === 'setup'

const isSource = (value: unknown, type: string): value is Node => isNode(value) && value.type === type
const textOf = (node: Node, source: string) => source.slice(node.start, node.end)

function keyOf(node: Node | undefined): string | undefined {
  if (node?.type !== 'Property' || node.computed === true) return undefined
  const key = node.key as Node
  return String(key.name ?? key.value)
}

function calleeOf(node: Node | undefined): string | undefined {
  if (node?.type !== 'CallExpression' && node?.type !== 'NewExpression') return undefined
  const callee = node.callee as Node
  return String(callee.type === 'MemberExpression' ? (callee.property as Node).name : callee.name)
}

/** The value without `as const` and the like. */
function plain(node: Node): Node {
  return values.includes(node.type) ? plain(node.expression as Node) : node
}

const stringOf = (node: Node): string | undefined =>
  node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined

const propertiesOf = (node: Node): Node[] => (node.type === 'ObjectExpression' ? (node.properties as Node[]) : [])
const has = (node: Node, key: string) => propertiesOf(node).some((property) => keyOf(property) === key)

/** Leaves out a member or an element, with the comma after it. */
function dropped({ node, source }: Place, what: string): Change {
  const comma = /^\s*,/.exec(source.slice(node.end))
  return { what, start: node.start, end: node.end + (comma?.[0].length ?? 0), text: '' }
}

function replaced({ start, end }: Node, what: string, text: string): Change {
  return { what, start, end, text }
}

function ofChart(place: Place): Change[] {
  const { node, above, source } = place
  const owner = above.at(-2)
  const changes: Change[] = []
  const key = keyOf(node)
  if (key !== undefined && !isInFunction(above)) {
    const value = plain(node.value as Node)
    // The sections of `setup` have the same names.
    const isSection = value.type === 'ObjectExpression' && key === 'actions' && !has(value, 'type')
    if (optional.has(key) && !isSection) changes.push(dropped(place, `drop ${key}`))
    if (key === 'guard') changes.push(replaced(value, 'negate guard', `${not}(${textOf(value, source)})`))
    const isTransition = transitions.has(keyOf(owner) ?? '')
    if (isTransition) changes.push(dropped(place, `drop transition ${key}`))
    if (isTransition || ['target', 'initial', 'onDone', 'onError', 'always'].includes(key))
      changes.push(...otherTarget(value, above).filter(({ what }) => key !== 'initial' || what !== 'drop target'))
  }
  const array = above.at(-1)
  if (array?.type === 'ArrayExpression' && !isInFunction(above)) {
    const holder = above.findLast((each) => each.type === 'Property')
    const name = keyOf(holder)
    const isPlain = holder !== undefined && plain(holder.value as Node) === array
    const isOfEvent = transitions.has(keyOf(above.at(above.indexOf(holder as Node) - 2)) ?? '')
    if (isPlain && (lists.has(name ?? '') || isOfEvent)) changes.push(dropped(place, `drop one of ${name}`))
    if (!holder && (array.elements as Node[]).length > 1) changes.push(dropped(place, 'drop an element'))
  }
  return changes
}

/** Functions that return an object may make a part of a chart. */
const isInFunction = (above: readonly Node[]) =>
  above.some(({ type, body }) => /Function/.test(type) && plain(body as Node).type !== 'ObjectExpression')

/** Another state beside the target. */
function otherTarget(value: Node, above: readonly Node[]): Change[] {
  const target = stringOf(value)
  if (target === undefined) return []
  const isChild = target.startsWith('.')
  const name = target.startsWith('#') ? target.split('.').at(-1) : target.split('.')[isChild ? 1 : 0]
  if (target.startsWith('#') && !target.includes('.')) return [replaced(value, 'drop target', 'undefined')]
  const nodes = target.startsWith('#')
    ? allObjects(above[0])
    : [...above].reverse().flatMap((node) => [node, ...childrenOf(node)])
  const around = nodes.find((node) => has(node, name ?? '') && statesOf(node).length > 1)
  const names = around ? statesOf(around) : []
  const other = names[(names.indexOf(name ?? '') + 1) % names.length]
  if (other === undefined || other === name) return [replaced(value, 'drop target', 'undefined')]
  const path = target.startsWith('#')
    ? [...target.split('.').slice(0, -1), other].join('.')
    : `${isChild ? '.' : ''}${other}`
  return [replaced(value, `target ${target} → ${path}`, `'${path}'`)]
}

const statesOf = (node: Node): string[] =>
  propertiesOf(node).every(
    (each) =>
      each.type === 'SpreadElement' ||
      ['ObjectExpression', 'Identifier', 'CallExpression'].includes(plain(each.value as Node).type),
  )
    ? propertiesOf(node).flatMap((each) => keyOf(each) ?? [])
    : []

/** The object `states` of a state. */
const childrenOf = (node: Node): Node[] =>
  propertiesOf(node).flatMap((each) => (keyOf(each) === 'states' ? [plain(each.value as Node)] : []))

function allObjects(program: Node | undefined): Node[] {
  const found: Node[] = []
  const go = (node: Node) => {
    if (node.type === 'ObjectExpression') found.push(node)
    for (const key of visitorKeys[node.type] ?? []) for (const child of [node[key]].flat()) if (isNode(child)) go(child)
  }
  if (program) go(program)
  return found
}

function ofExpression(place: Place): Change[] {
  const { node, above, source } = place
  const owner = above.at(-1)
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const operator = String(node.operator)
      const other = swapped[operator]
      if (other === undefined) return []
      const [left, right] = [node.left as Node, node.right as Node]
      const gap = source.slice(left.end, right.start)
      const start = left.end + gap.lastIndexOf(operator)
      const changes = [{ what: `${operator} → ${other}`, start, end: start + operator.length, text: other }]
      // `a < b` → `a <= b`, too.
      if (operator === '<' || operator === '>')
        changes.push({ what: `${operator} → ${operator}=`, start, end: start + 1, text: `${operator}=` })
      return changes
    }
    case 'UnaryExpression':
      return node.operator === '!' ? [replaced(node, 'drop !', `(${textOf(node.argument as Node, source)})`)] : []
    case 'ConditionalExpression': {
      const test = node.test as Node
      return [replaced(test, 'negate condition', `!(${textOf(test, source)})`)]
    }
    case 'MemberExpression': {
      const property = node.property as Node
      const other = node.computed ? undefined : swapped[String(property.name)]
      return other ? [replaced(property, `${property.name} → ${other}`, other)] : []
    }
    case 'Literal':
      return ofLiteral(node, above)
    case 'SpreadElement': {
      const isOfFunction = owner?.type === 'ObjectExpression'
      return isOfFunction ? [dropped(place, 'drop spread')] : []
    }
    case 'Property':
      return isAssigned(above) ? [dropped(place, `drop ${keyOf(node)} of assign`)] : []
    default:
      return []
  }
}

/** Whether the object is what `assign` gets, or what its function returns. */
function isAssigned(above: readonly Node[]): boolean {
  if (above.at(-1)?.type !== 'ObjectExpression') return false
  const [call, around] = [above.at(-2), above.at(-3)]
  if (calleeOf(call) === 'assign') return true
  return call?.type === 'ArrowFunctionExpression' && calleeOf(around) === 'assign'
}

function ofLiteral(node: Node, above: readonly Node[]): Change[] {
  const owner = above.at(-1)
  if (typeof node.value === 'boolean') return [replaced(node, `${node.value} → ${!node.value}`, String(!node.value))]
  if (typeof node.value === 'number') {
    const other = node.value === 0 ? 1 : node.value * 2
    return [replaced(node, `${node.raw} → ${other}`, String(other))]
  }
  const text = stringOf(node)
  if (text === undefined || text === '') return []
  const isCode =
    ['because', 'Failure', 'ServiceError'].includes(calleeOf(owner) ?? '') &&
    (owner?.arguments as Node[] | undefined)?.[0] === node
  const key = keyOf(owner)
  const isOfAction = key === 'type' && (has(above.at(-2) as Node, 'params') || structural.has(text))
  const isMember = key !== undefined && codes.has(key) && owner?.value === node && !isOfAction
  return isCode || isMember ? [replaced(node, `'${text}' → ''`, "''")] : []
}

function ofStatement(place: Place): Change[] {
  const { node, source } = place
  if (node.type === 'IfStatement') {
    const test = node.test as Node
    return [replaced(test, 'negate if', `!(${textOf(test, source)})`)]
  }
  if (node.type === 'ExpressionStatement' && isSource(node.expression, 'CallExpression'))
    return [replaced(node, 'drop statement', '{}')]
  return []
}
