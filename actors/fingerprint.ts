import { createHash } from 'node:crypto'
import type { AnyStateMachine } from 'xstate'
import { isStateMachine } from './actorSystem.js'

type Chart = Pick<AnyStateMachine, 'id' | 'config'>

/** The chart of a machine: states, events and names, not code, and not its first context. */
const chartText = ({ config }: Chart): string => {
  const { context: _, ...chart } = config as { context?: unknown }
  return JSON.stringify(chart, (_key, value: unknown) => (typeof value === 'function' ? 'function' : value))
}

const versions = new WeakMap<object, string>()

/** `camera@1f3a9c`: tells entries of the journal of different charts apart. */
export function machineVersion(machine: Chart): string {
  const known = versions.get(machine.config)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(chartText(machine)).digest('hex').slice(0, 6)
  versions.set(machine.config, `${machine.id}@${hash}`)
  return `${machine.id}@${hash}`
}

/** Returns a hash of the charts of a machine and all its children: a replay needs the same. */
export function fingerprintOf(machine: AnyStateMachine): string {
  const seen = new Set<string>()
  const hash = createHash('sha256')
  const visit = (each: AnyStateMachine) => {
    if (seen.has(each.id)) return
    seen.add(each.id)
    hash.update(chartText(each))
    for (const child of Object.values(each.implementations.actors as Record<string, unknown>))
      if (isStateMachine(child)) visit(child)
  }
  visit(machine)
  return hash.digest('hex').slice(0, 16)
}
