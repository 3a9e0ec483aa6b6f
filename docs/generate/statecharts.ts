import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AnyStateMachine, StateNode } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { clockWatchMachine } from '../../machines/clockWatch.js'
import { configurationMachine } from '../../machines/configuration.js'
import { demandMachine } from '../../machines/demand.js'
import { discoveryMachine } from '../../machines/discovery.js'
import { externalDiscoveryMachine } from '../../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../../machines/externalStreams.js'
import { fleetMachine } from '../../machines/fleet.js'
import { indexingMachine } from '../../machines/indexing.js'
import { keyframesMachine } from '../../machines/keyframes.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { mediaSessionsMachine } from '../../machines/mediaSessions.js'
import { pathWatchMachine } from '../../machines/pathWatch.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { pullMachine } from '../../machines/pull.js'
import { quarantineMachine } from '../../machines/quarantine.js'
import { recordingMachine } from '../../machines/recording.js'
import { recordingFolderMachine } from '../../machines/recordingFolder.js'
import { retentionMachine } from '../../machines/retention.js'
import { serverProcessMachine } from '../../machines/serverProcess.js'
import { simulationMachine } from '../../machines/simulation.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import { sourceMachine } from '../../machines/source.js'
import { storageMachine } from '../../machines/storage.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { table } from './table.js'

/** All machines, root first. */
export const machines: AnyStateMachine[] = [
  fleetMachine,
  discoveryMachine,
  externalDiscoveryMachine,
  externalStreamsMachine,
  cameraMachine,
  demandMachine,
  streamHoldMachine,
  keyframesMachine,
  pipelineMachine,
  pullMachine,
  sourceMachine,
  recordingMachine,
  snapshotMachine,
  serverProcessMachine,
  mediamtxLinkMachine,
  pathWatchMachine,
  mediaSessionsMachine,
  clockWatchMachine,
  simulationMachine,
  configurationMachine,
  storageMachine,
  recordingFolderMachine,
  retentionMachine,
  quarantineMachine,
  indexingMachine,
]

/** `machine.delay` → the configuration key that sets it. The other delays are fixed. */
export const delayKeys: Readonly<Record<string, string>> = {
  'camera.retirement': 'camera.retire_after',
  'configuration.rollbackTimeout': 'config.rollback_timeout',
  'demand.closeAfter': 'mediamtx.run_on_demand_close_after',
  'discovery.pollEvery': 'camera.poll_interval',
  'externalDiscovery.interval': 'external_discovery.scan_interval',
  'fleet.drainLimit': 'server.shutdown_timeout',
  'fleet.releaseLimit': 'server.shutdown_timeout',
  'mediamtxLink.connectLimit': 'mediamtx.run_on_demand_start_timeout',
  'mediamtxLink.interval': 'mediamtx.health_check_interval',
  'mediamtxLink.reset': 'mediamtx.circuit_breaker.recovery_timeout',
  'pipeline.firstFrameLimit': 'mediamtx.run_on_demand_start_timeout',
  'recording.confirmLimit': 'mediamtx.run_on_demand_start_timeout',
  'retention.interval': 'retention_policy.check_interval',
  'retention.soon': 'retention_policy.check_interval',
  'serverProcess.lastAnswer': 'mediamtx.hang_timeout',
  'serverProcess.silenceLimit': 'mediamtx.hang_timeout',
  'snapshot.directLimit': 'snapshots.tier0_timeout',
  'snapshot.ffmpegLimit': 'snapshots.tier1_timeout',
  'snapshot.liveLimit': 'snapshots.tier2_timeout',
  'snapshot.wakeLimit': 'snapshots.tier3_timeout',
  'source.interval': 'camera.poll_interval',
  'storage.interval': 'storage.check_interval',
}

/** Returns the configuration of a machine without functions, for Stately's visualizer. */
export function configurationOf(machine: AnyStateMachine): unknown {
  return JSON.parse(
    JSON.stringify(machine.config, (key, value) => {
      if (key === 'on') return withForbidden(value)
      return key === 'context' || typeof value === 'function' ? undefined : value
    }),
  )
}

/** JSON has no `undefined`, which forbids an event; `{}` means the same. */
const withForbidden = (transitions: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(transitions).map(([type, transition]) => [type, transition ?? {}]))

/** Returns the name and text of a file in docs/statecharts/. */
export function statechartPage(machine: AnyStateMachine): { name: string; text: string } {
  const { id } = machine
  const text = [
    `# ${id}`,
    '',
    `Generated from \`machines/${id}.ts\` by \`make docs\`.`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...diagram(machine.root, '  '),
    '```',
    '',
    ...section('Effects', 'The effects that `actors/` provides, and the child machines.', effectsOf(machine)),
    ...section('Delays', 'In ms. The configuration key, if any, sets the delay.', delaysOf(machine)),
    ...section('Facts', 'The emitted facts: see `machines/domain/facts.ts`.', factsOf(machine)),
    `For Stately's editor: [\`${id}.ts\`](${id}.ts), one file with named stubs. For its visualizer, as the argument of`,
    `\`createMachine\`, also in [\`${id}.json\`](${id}.json):`,
    '',
    '```json',
    JSON.stringify(configurationOf(machine), null, 2),
    '```',
    '',
  ].join('\n')
  return { name: `${id}.md`, text }
}

const section = (title: string, explanation: string, lines: string[]): string[] =>
  lines.length === 0 ? [] : [`## ${title}`, '', explanation, '', ...lines, '']

/** Returns the effects and child machines, each once. */
function effectsOf({ implementations }: AnyStateMachine): string[] {
  const names = Object.keys(implementations.actors)
  return names.map((name) => {
    const isMachine = machines.some((machine) => machine.id === name || machine.id === machineNames[name])
    return isMachine ? `- the machine [${name}](${machineNames[name] ?? name}.md)` : `- \`${name}\``
  })
}

/** Child names that differ from the id of the machine. */
export const machineNames: Record<string, string> = { link: 'mediamtxLink' }

function delaysOf({ implementations, id }: AnyStateMachine): string[] {
  const rows = Object.entries(implementations.delays).map(([name, value]) => [
    `\`${name}\``,
    typeof value === 'number' ? String(value) : 'computed',
    delayKeys[`${id}.${name}`] ?? '',
  ])
  return rows.length === 0 ? [] : [table(['delay', 'default', 'configuration key'], rows)]
}

const root = fileURLToPath(new URL('../../machines/', import.meta.url))
const source = (file: string): string => {
  try {
    return readFileSync(`${root}${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** Returns the fact types that a machine declares as `emitted`. */
export function factsOf({ id }: Pick<AnyStateMachine, 'id'>): string[] {
  const text = source(`${id}.ts`) + source(`${id}Setup.ts`)
  const [, names = ''] = /emitted: \{\} as ([\w |]+)/.exec(text) ?? []
  const facts = source('domain/facts.ts')
  return names
    .split('|')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .flatMap((name) => {
      const [, body = ''] = new RegExp(`export type ${name} =([\\s\\S]*?)(?=\\n\\n)`).exec(facts) ?? []
      return [...body.matchAll(/type:((?: \|? ?'[\w.]+')+)/g)].flatMap(
        ([, types = '']) => types.match(/[\w]+\.\w+/g) ?? [],
      )
    })
    .map((type) => `- \`${type}\``)
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

export const nameOf = (guard: unknown): string => {
  if (typeof guard === 'string') return guard
  const { type } = guard as { type?: unknown }
  return typeof type === 'string' ? type : 'guard'
}

/** Shortens the names of XState's own events: `xstate.done.actor.0.camera.probing` → `done`. */
export const labelOf = (type: string): string =>
  type
    .replace(/^xstate\.done\.actor\..*/, 'done')
    .replace(/^xstate\.error\.actor\..*/, 'error')
    .replace(/^xstate\.done\.state\..*/, 'finished')
    .replace(/^xstate\.snapshot\..*/, 'changed')
    .replace(/^xstate\.after\.(\w+)\..*/, 'after $1') || 'at once'
