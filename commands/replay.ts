import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { fingerprintOf } from '../actors/fingerprint.js'
import type { TraceRecord } from '../actors/trace/records.js'
import { type Difference, type Replayed, replay as run } from '../actors/trace/replay.js'
import { count } from '../machines/domain/amounts.js'
import { readBundle } from '../machines/domain/bundle.js'
import { reasonOf } from '../machines/domain/errors.js'
import { isWithin } from '../machines/domain/journal.js'
import { fleetMachine } from '../machines/fleet.js'
import type { CommandOf } from './line/command.js'
import type { Outcome } from './outcome.js'

/** The bundle cannot be replayed. */
const unusable = 2

/**
 * `replay`: runs the statecharts with the events of a support bundle and compares every state. The exit status is 0 if
 * all are equal, 1 at a difference, 2 if the bundle cannot be replayed.
 */
export async function replay({ bundle, until, actor, force, makeTest }: CommandOf<'replay'>): Promise<Outcome> {
  try {
    const content = await readFile(bundle)
    const isCompressed = content[0] === 0x1f && content[1] === 0x8b
    const { header, trace } = readBundle((isCompressed ? gunzipSync(content) : content).toString())
    if (trace.length === 0)
      return {
        status: unusable,
        err: 'the bundle has no trace: no service ran when it was made. A trace ends with its run of the service',
      }
    const charts = fingerprintOf(fleetMachine)
    if (header.charts !== charts && !force)
      return {
        status: unusable,
        err:
          `the bundle is of version ${header.service} with other statecharts (${header.charts}, here ${charts}): ` +
          'use that version, or --force',
      }
    const records = trace as TraceRecord[]
    const last = Math.max(0, ...records.map((record) => ('seq' in record ? record.seq : 0)))
    if (until !== undefined && until > last)
      return { status: unusable, err: `the bundle has no event ${until}: its last one is ${last}` }
    const result = run(fleetMachine, records, { until, actor })
    // Without this, a mistyped name would compare nothing and find it equal.
    const names = namesIn(records, result)
    if (actor !== undefined && !names.some((name) => isWithin(name, actor)))
      return { status: unusable, err: `the bundle has no actor ${actor}. It has ${ownersOf(names).join(', ')}` }
    if (result.difference) return { status: 1, out: differenceText(result, result.difference) }
    const equal = equalText(result, actor)
    if (makeTest === undefined) return { status: 0, out: equal }
    await writeFile(makeTest, regressionText(header.service, charts, records, until), { flag: force ? 'w' : 'wx' })
    return { status: 0, out: equal, err: `the test is in ${makeTest}` }
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return { status: unusable, err: `${makeTest} exists: name another file, or --force` }
    const details = code === 'ENOENT' ? `there is no file or folder of ${path ?? bundle}` : reasonOf(error)
    return { status: unusable, err: `the bundle cannot be replayed: ${details}` }
  }
}

/** All actors that the bundle tells of. */
const namesIn = (records: readonly TraceRecord[], { states }: Replayed): string[] => [
  ...new Set([
    ...records.flatMap((record) => ('states' in record ? (record.states ?? []).map(([name]) => name) : [])),
    ...Object.keys(states),
  ]),
]

/** Without the children of each. */
const ownersOf = (names: readonly string[]): string[] => names.filter((name) => !name.includes('/')).sort()

/** `only`: the actor that was asked for, whose last states are shown. */
function equalText({ events, checkpoints, states }: Replayed, only: string | undefined): string {
  const shown = Object.entries(states).filter(([name]) => only !== undefined && isWithin(name, only))
  return [
    `equal: ${count(events, 'event')}, ${count(checkpoints, 'checkpoint')}, ${count(Object.keys(states).length, 'actor')}`,
    ...shown.map(([name, state]) => `  ${name}: ${JSON.stringify(state)}`),
  ].join('\n')
}

function differenceText({ events }: Replayed, { seq, actor, what, expected, found, histories }: Difference): string {
  const list = (steps: Difference['histories']['found']) =>
    steps.map(({ seq, event, state }) => `  ${seq} ${event} → ${JSON.stringify(state)}`)
  return [
    `difference at event ${seq}, after ${events} equal ones: ${what}`,
    `actor: ${actor}`,
    `recorded: ${JSON.stringify(expected) ?? 'nothing'}`,
    `replayed: ${JSON.stringify(found) ?? 'nothing'}`,
    `last states of ${actor}, recorded:`,
    ...list(histories.expected),
    `last states of ${actor}, replayed:`,
    ...list(histories.found),
  ].join('\n')
}

/** A file for test/replays/: only the trace. */
function regressionText(
  service: string,
  charts: string,
  records: TraceRecord[],
  until = Number.POSITIVE_INFINITY,
): string {
  const kept = records.filter((record) => !('seq' in record) || record.seq <= until)
  const lines = [{ format: 1, service, charts }, { section: 'trace' }, ...kept]
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}
