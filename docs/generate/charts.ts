import type { AnyStateMachine, StateNode } from 'xstate'
import type { ChartState, Charts, ChartTransition } from '../../rpc/console/chart.js'
import { labelOf, machines, nameOf } from './statecharts.js'

const transitionsOf = (node: StateNode): ChartTransition[] =>
  [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(({ eventType, guard, target = [] }) => ({
    event: labelOf(eventType),
    ...(guard !== undefined && { guard: nameOf(guard) }),
    to: target.map(({ path }) => path.join('.')),
  }))

const stateOf = (node: StateNode, name: string, isInitial = false): ChartState => {
  const first = node.type === 'compound' ? node.initial.target?.[0]?.key : undefined
  const states = Object.values(node.states).map((child) => stateOf(child, child.key, child.key === first))
  const transitions = transitionsOf(node)
  return {
    name,
    type: node.type,
    ...(isInitial && { initial: true as const }),
    ...(states.length > 0 && { states }),
    ...(transitions.length > 0 && { transitions }),
  }
}

/** The machines as the console draws them: names only. */
export const chartsOf = (all: readonly AnyStateMachine[]): Charts =>
  Object.fromEntries(all.map(({ id, root }) => [id, stateOf(root, id)]))

/** The content of `charts.json`; the build runs this file as a program. */
export const chartsText = (): string => JSON.stringify(chartsOf(machines))

if (process.argv[1] === import.meta.filename) process.stdout.write(chartsText())
