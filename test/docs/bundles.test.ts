import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type AnyStateMachine, createActor, createMachine, type StateNode } from 'xstate'
import { machines } from '../../docs/generate/statecharts.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}docs/statecharts/`

const typeOf = (named: unknown): unknown =>
  (typeof named === 'object' || typeof named === 'function') && named !== null && 'type' in named ? named.type : named
const typesOf = (named: readonly unknown[]): unknown[] => named.map(typeOf)

/** All that an editor shows of a state: its names, and where its transitions lead. */
const drawnState = (node: StateNode) => ({
  type: node.type,
  tags: node.tags,
  initial: node.initial.target?.map(({ id }) => id),
  entry: typesOf(node.entry),
  exit: typesOf(node.exit),
  invokes: node.invoke.map(({ id, src, systemId }) => ({ id, src, systemId })),
  transitions: [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(
    ({ eventType, target, guard, actions, reenter }) => ({
      eventType,
      target: target?.map(({ id }) => id),
      guard: typeOf(guard),
      actions: typesOf(actions),
      reenter,
    }),
  ),
})

const drawn = ({ root: top }: AnyStateMachine): Record<string, unknown> => {
  const below = (node: StateNode): StateNode[] => [node, ...Object.values(node.states).flatMap(below)]
  return Object.fromEntries(below(top).map((node) => [node.id, drawnState(node)]))
}

describe("docs: bundles for Stately's editor", () => {
  it('are one file each, with no import but xstate', () => {
    for (const { id } of machines) {
      const text = readFileSync(`${folder}${id}.ts`, 'utf8')
      const [imported, ...others] = text.match(/\b(?:import|require)\b.*/g) ?? []
      expect(imported, id).to.match(/^import \{ [\w, ]+ \} from 'xstate'$/)
      expect(others, id).to.deep.equal([])
      expect(text, `${id}: no types`).not.to.match(/\b(?:as|type|interface|satisfies) \w/)
    }
  })

  it('type-check alone, without the options of this project', () => {
    const files = machines.map(({ id }) => `${folder}${id}.ts`)
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--types', '', '--skipLibCheck']
    const { status, stdout } = spawnSync(
      `${root}node_modules/.bin/tsc`,
      [...options, '--module', 'nodenext', '--target', 'es2022', ...files],
      { encoding: 'utf8' },
    )
    expect(stdout).to.equal('')
    expect(status).to.equal(0)
  })

  for (const machine of machines) {
    it(`${machine.id}: the bundle makes the same chart with plain xstate, and every name has a stub`, async () => {
      const { machine: bundled } = (await import(`${folder}${machine.id}.ts`)) as { machine: AnyStateMachine }
      expect(drawn(bundled)).to.deep.equal(drawn(machine))
      for (const kind of ['actions', 'guards', 'actors', 'delays'] as const)
        expect(Object.keys(bundled.implementations[kind]), kind).to.deep.equal(
          Object.keys(machine.implementations[kind]),
        )
      const stubs = bundled.implementations as never
      // Without a limit, a chart whose stubs lead in a circle would never start.
      const limited = createMachine({ ...bundled.config, options: { maxIterations: 1_000 } }, stubs)
      expect(createActor(limited).getSnapshot().status).to.equal('active')
    })

    it(`${machine.id}: the JSON makes the same chart`, () => {
      const file = `${folder}${machine.id}.json`
      expect(existsSync(file), file).to.equal(true)
      expect(drawn(createMachine(JSON.parse(readFileSync(file, 'utf8'))))).to.deep.equal(drawn(machine))
    })
  }
})
