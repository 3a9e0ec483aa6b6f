import type { ClockJump, Fact, SimulationFact, Told } from '../machines/domain/facts.js'
import type { Log } from '../machines/domain/ports.js'
import type { Reason } from '../machines/domain/reason.js'

/** Facts that are logged as warnings. */
const warnings = new Set<Fact['type']>([
  'actor.failed',
  'config.refused',
  'config.rolledBack',
  'camera.probeFailed',
  'camera.identityAmbiguous',
  'entry.absent',
  'recording.failed',
  'recording.interrupted',
  'snapshot.failed',
  'stream.stalled',
  'stream.overloaded',
  'file.quarantined',
  'file.notIndexed',
  'link.degraded',
  'link.down',
  'path.drifted',
  'retention.suspended',
  'retention.undated',
  'storage.warning',
  'storage.critical',
  'storage.blind',
  'storage.switched',
  'system.clock_jumped',
])

/**
 * Logged at debug level: frequent facts, from periodic scans and from pages that show stills; and the stop, which
 * `serve` logs with its reason when it begins.
 */
const details = new Set<Fact['type']>([
  'discovery.started',
  'discovery.progress',
  'still.taken',
  'still.failed',
  'system.stopping',
])

/** Writes a log line for each fact, without paths, and without fields that make repeated lines differ. */
export const logFacts = (log: Log) => {
  const isRepeatedScan = createScanMemory()
  return (fact: Told): void => {
    const { type, seq: _seq, at: _at, ...fields } = fact
    const { path: _path, file: _file, request: _request, ...shown } = fields as Record<string, unknown>
    const isDetail = details.has(type) || isRepeatedScan(fact)
    const plain =
      fact.type === 'system.clock_jumped' ? jump(fact) : flat(fact.type === 'simulation.step' ? step(fact) : shown)
    log[warnings.has(type) || (fact.type === 'simulation.step' && fact.reason) ? 'warn' : isDetail ? 'debug' : 'info'](
      type,
      plain,
    )
  }
}

/** Recognises scheduled scans that ended like the scan before them; before the first scan nothing was found. */
function createScanMemory(): (fact: Fact) => boolean {
  const outcomeOf = (found: number, errors: readonly string[]) => JSON.stringify([found, ...errors])
  let last = outcomeOf(0, [])
  return (fact) => {
    if (fact.type !== 'discovery.ended') return false
    const outcome = outcomeOf(fact.found, fact.errors)
    const isRepeated = outcome === last && fact.askers === undefined
    last = outcome
    return isRepeated
  }
}

/** Splits `reason` into its code and its sentence (`details`); rounds `percent` to one decimal. */
function flat(fields: Record<string, unknown>): Record<string, unknown> {
  const { reason, percent } = fields
  return {
    ...fields,
    ...(isReason(reason) && { reason: reason.code, details: reason.details }),
    ...(typeof percent === 'number' && { percent: Math.round(percent * 10) / 10 }),
  }
}

/** The times of a jump as text, and what to do. */
const jump = ({ from, to, by }: ClockJump) => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
  by_ms: by,
  details:
    'the clock was set, or the host was suspended: streams, recordings and sessions continue; file names and times ' +
    'follow the new clock; if nobody set it, check the time synchronisation of the host',
})

/** `camera` is its id, if it has one yet. */
const step = ({ act: { camera: name, ...act }, camera, step, reason }: SimulationFact) => ({
  ...act,
  ...(name !== undefined && { name }),
  ...(camera !== undefined && { camera }),
  ...(step !== undefined && { step }),
  ...(reason && { reason }),
})

const isReason = (value: unknown): value is Reason =>
  typeof value === 'object' && value !== null && 'code' in value && 'details' in value
