import { type AnyStateMachine, StateMachine, type StateNode } from 'xstate'
import { settings } from '../../config/schema.js'
import { configurationOf, delayKeys, nameOf } from './statecharts.js'

/** ms, for a computed delay without a configuration key. */
const anyDelay = 1_000

/**
 * Returns the name and text of a chart's JSON in docs/statecharts/: the argument of `createMachine`, without functions.
 */
export function chartJson(machine: AnyStateMachine): { name: string; text: string } {
  return { name: `${machine.id}.json`, text: `${JSON.stringify(configurationOf(machine), null, 2)}\n` }
}

/**
 * Returns the name and text of a chart's bundle in docs/statecharts/: one file that opens in Stately's editor. It has
 * no types and imports only `xstate`; actions, guards, actors and delays are stubs with their names.
 */
export function chartBundle(machine: AnyStateMachine): { name: string; text: string } {
  const { id, implementations } = machine
  const eager = guardsOfEager(machine.root)
  const parts: [string, string[]][] = [
    ['actors', Object.entries(implementations.actors).map(([name, logic]) => `${keyOf(name)}: ${actorStub(logic)}`)],
    ['actions', Object.keys(implementations.actions).map((name) => `${keyOf(name)}: () => {}`)],
    ['guards', Object.keys(implementations.guards).map((name) => `${keyOf(name)}: () => ${!eager.has(name)}`)],
    [
      'delays',
      Object.entries(implementations.delays).map(([name, value]) => `${keyOf(name)}: ${delayOf(id, name, value)}`),
    ],
  ]
  const stubs = parts
    .filter(([, lines]) => lines.length > 0)
    .map(([kind, lines]) => `  ${kind}: {\n${lines.map((line) => `    ${line},\n`).join('')}  },\n`)
    .join('')
  const code = `export const machine = setup({\n${stubs}}).createMachine(${literal(configurationOf(machine))})\n`
  const used = ['createMachine', 'fromPromise', 'setup'].filter((name) =>
    new RegExp(`(?<!\\.)\\b${name}\\(`).test(code),
  )
  const text = [
    `// Generated from machines/${id}.ts by \`make docs\`, to be opened in Stately's editor.`,
    '// Actions, guards, actors and delays are stubs.',
    `import { ${used.join(', ')} } from 'xstate'`,
    '',
    code,
  ].join('\n')
  return { name: `${id}.ts`, text }
}

/** Guards of transitions without an event. If all of them held, two such states could lead to each other for ever. */
function guardsOfEager(node: StateNode): Set<string> {
  const own = (node.always ?? []).flatMap(({ guard }) => (guard === undefined ? [] : nameOf(guard)))
  return new Set([...own, ...Object.values(node.states).flatMap((child) => [...guardsOfEager(child)])])
}

const actorStub = (logic: unknown): string =>
  logic instanceof StateMachine ? `createMachine({ id: ${quoted(logic.id)} })` : 'fromPromise(async () => {})'

function delayOf(machine: string, name: string, value: unknown): number {
  if (typeof value === 'number') return value
  const byDefault = settings.get(delayKeys[`${machine}.${name}`] ?? '')?.default
  return typeof byDefault === 'number' ? byDefault : anyDelay
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const keyOf = (name: string): string => (/^[a-z_$][\w$]*$/i.test(name) ? name : quoted(name))

/** Plain data as a literal of JavaScript. Values that fit stay on one line. */
function literal(value: unknown, indent = ''): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const parts = isList
    ? value.map((each) => literal(each, inner))
    : Object.entries(value).map(([key, each]) => `${keyOf(key)}: ${literal(each, inner)}`)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (parts.length === 0) return open + close
  const short = isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`
  if (!short.includes('\n') && indent.length + short.length <= 90) return short
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`
}
