import { createHash } from 'node:crypto'
import type { AnyStateMachine } from 'xstate'
import { isStateMachine } from '../actorSystem.js'

/** Returns a hash of the charts of a machine and all its children: states, events and names, not code. */
export function fingerprintOf(machine: AnyStateMachine): string {
  const seen = new Set<string>()
  const hash = createHash('sha256')
  const visit = (each: AnyStateMachine) => {
    if (seen.has(each.id)) return
    seen.add(each.id)
    const { context: _, ...chart } = each.config as { context?: unknown }
    hash.update(JSON.stringify(chart, (_key, value: unknown) => (typeof value === 'function' ? 'function' : value)))
    for (const child of Object.values(each.implementations.actors as Record<string, unknown>))
      if (isStateMachine(child)) visit(child)
  }
  visit(machine)
  return hash.digest('hex').slice(0, 16)
}
