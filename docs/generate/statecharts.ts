import type { AnyStateMachine, StateNode } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { discoveryMachine } from '../../machines/discovery.js'
import { externalDiscoveryMachine } from '../../machines/externalDiscovery.js'
import { fleetMachine } from '../../machines/fleet.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { mediaSessionsMachine } from '../../machines/mediaSessions.js'
import { recordingMachine } from '../../machines/recording.js'
import { retentionMachine } from '../../machines/retention.js'
import { serverProcessMachine } from '../../machines/serverProcess.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import { storageMachine } from '../../machines/storage.js'

/** All machines, root first. */
export const machines: AnyStateMachine[] = [
  fleetMachine,
  discoveryMachine,
  externalDiscoveryMachine,
  cameraMachine,
  recordingMachine,
  snapshotMachine,
  serverProcessMachine,
  mediamtxLinkMachine,
  mediaSessionsMachine,
  storageMachine,
  retentionMachine,
]

/** What Stately's visualizer and a reader need: the chart's names without its code. */
export function configurationOf(machine: AnyStateMachine): unknown {
  return JSON.parse(
    JSON.stringify(machine.config, (key, value) =>
      key === 'context' || typeof value === 'function' ? undefined : value,
    ),
  )
}

/** A file of docs/statecharts/: its name and content. */
export function statechartPage(machine: AnyStateMachine): { name: string; text: string } {
  const text = [
    `# ${machine.id}`,
    '',
    `Generated from \`machines/${machine.id}.ts\` by \`make docs\`.`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...diagram(machine.root, '  '),
    '```',
    '',
    "For Stately's visualizer, as the argument of `createMachine`:",
    '',
    '```json',
    JSON.stringify(configurationOf(machine), null, 2),
    '```',
    '',
  ].join('\n')
  return { name: `${machine.id}.md`, text }
}

function diagram(node: StateNode, indent: string): string[] {
  const lines: string[] = []
  const children = Object.values(node.states)
  if (node.type === 'compound') {
    const initial = node.initial.target?.[0]
    if (initial) lines.push(`${indent}[*] --> ${idOf(initial)}`)
  }
  for (const [index, child] of children.entries()) {
    if (node.type === 'parallel' && index > 0) lines.push(`${indent}--`)
    if (Object.keys(child.states).length > 0) {
      lines.push(`${indent}state "${child.key}" as ${idOf(child)} {`, ...diagram(child, `${indent}  `), `${indent}}`)
    } else {
      lines.push(`${indent}state "${child.key}" as ${idOf(child)}`)
      if (child.type === 'final') lines.push(`${indent}${idOf(child)} --> [*]`)
    }
  }
  for (const child of children) lines.push(...arrows(child, indent))
  return lines
}

function arrows(node: StateNode, indent: string): string[] {
  const all = [...[...node.transitions.values()].flat(), ...(node.always ?? [])]
  return all.flatMap(({ eventType, target = [], guard }) =>
    target.map(
      (to) => `${indent}${idOf(node)} --> ${idOf(to)} : ${labelOf(eventType)}${guard ? ` [${nameOf(guard)}]` : ''}`,
    ),
  )
}

const idOf = (node: StateNode): string => node.path.join('_') || node.machine.id

const nameOf = (guard: unknown): string => {
  if (typeof guard === 'string') return guard
  const { type } = guard as { type?: unknown }
  return typeof type === 'string' ? type : 'guard'
}

/** `xstate.done.actor.0.camera.probing` → `done`: the long names of XState's own events tell a reader nothing. */
const labelOf = (type: string): string =>
  type
    .replace(/^xstate\.done\.actor\..*/, 'done')
    .replace(/^xstate\.error\.actor\..*/, 'error')
    .replace(/^xstate\.done\.state\..*/, 'finished')
    .replace(/^xstate\.snapshot\..*/, 'changed')
    .replace(/^xstate\.after\.(\w+)\..*/, 'after $1') || 'at once'
