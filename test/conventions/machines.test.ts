import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createMachine } from 'xstate'
import { settings } from '../../config/schema.js'
import { configurationOf, delayKeys, machines } from '../../docs/generate/statecharts.js'

const folder = fileURLToPath(new URL('../../machines', import.meta.url))
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

describe('conventions: machines', () => {
  it('are pure: no Node, no clock, no random numbers, no log, no timers', () => {
    const impure = [
      /from 'node:|process\.|require\(/,
      /\bDate\.now|new Date\(\)|performance\./,
      /Math\.random|randomUUID/,
      /console\./,
      /setTimeout|setInterval/,
    ]
    const offenders = files.filter((file) => impure.some((pattern) => pattern.test(code(file))))
    expect(offenders).to.deep.equal([])
  })

  it('import only xstate, each other and the domain', () => {
    const strangers = files.flatMap((file) =>
      imports(file)
        .filter((from) => !allowed(file, from))
        .map((from) => `${file}: ${from}`),
    )
    expect(strangers).to.deep.equal([])
  })

  it('are in one file each, with the same name', () => {
    const names = files.filter((file) => /createMachine\(/.test(code(file))).map((file) => file.replace(/\.ts$/, ''))
    expect(names.sort()).to.deep.equal(machines.map((machine) => machine.id).sort())
  })

  it('have delays with configuration keys that exist, on both sides of the table', () => {
    const delays = machines.flatMap(({ id, implementations }) =>
      Object.keys(implementations.delays).map((name) => `${id}.${name}`),
    )
    const wrong = Object.entries(delayKeys).filter(([delay, key]) => !delays.includes(delay) || !settings.has(key))
    expect(wrong).to.deep.equal([])
  })

  for (const machine of machines) {
    it(`${machine.id}: states contain names, not code`, () => {
      expect(codeIn(machine.config.states ?? {}, 'states')).to.deep.equal([])
    })

    it(`${machine.id}: the configuration is plain data`, () => {
      const drawn = createMachine(configurationOf(machine) as never)
      expect(Object.keys(drawn.states)).to.deep.equal(Object.keys(machine.states))
    })

    it(`${machine.id}: all failures of promise effects are handled`, () => {
      expect(unhandled(machine.config as Node, machine.id)).to.deep.equal([])
    })

    it(`${machine.id}: event names are in lower dot.case`, () => {
      expect(
        machine.events.filter((type) => !/^(xstate\.|[a-z]+(\.[a-zA-Z]+)+$)/.test(type) && type !== ''),
      ).to.deep.equal([])
    })
  }
})

const code = (file: string): string =>
  readFileSync(`${folder}/${file}`, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')

const imports = (file: string): string[] => [...code(file).matchAll(/from '([^']+)'/g)].map((match) => match[1] ?? '')

const allowed = (file: string, from: string): boolean =>
  file.startsWith('domain/')
    ? /^\.\/[\w]+\.js$/.test(from) || (file === 'domain/address.ts' && from === 'ipaddr.js')
    : from === 'xstate' || /^\.\/(domain\/)?[\w]+\.js$/.test(from)

/** Keys that may contain functions: they map data, and the visualizer ignores them. */
const mappers = new Set(['input', 'params', 'output'])

function codeIn(value: unknown, path: string): string[] {
  if (typeof value === 'function') return [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (mappers.has(key) ? [] : codeIn(inner, `${path}.${key}`)))
}

interface Invocation {
  src: string
  onDone?: unknown
  onError?: unknown
}
interface Node {
  invoke?: Invocation | Invocation[]
  states?: Record<string, Node>
}

/** Returns the effects with `onDone` but without `onError`. */
function unhandled(node: Node, path: string): string[] {
  const own = [node.invoke ?? []]
    .flat()
    .filter((invoke) => invoke.onDone !== undefined && invoke.onError === undefined && invoke.src !== 'waitUntil')
    .map((invoke) => `${path}: ${invoke.src}`)
  return [...own, ...Object.entries(node.states ?? {}).flatMap(([name, child]) => unhandled(child, `${path}.${name}`))]
}
