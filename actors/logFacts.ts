import type { Fact, SimulationFact, Told } from '../machines/domain/facts.js'
import type { Log } from '../machines/domain/ports.js'
import type { Reason } from '../machines/domain/reason.js'
import { factSentence } from './factSentences.js'

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
  'camera.recordingOver',
  'discovery.started',
  'discovery.progress',
  'still.taken',
  'still.failed',
  'system.stopping',
])

/**
 * Writes a log line for each fact: a sentence, then its type as `event`, then its fields, without paths, and without
 * those that make repeated lines differ.
 */
export const logFacts = (log: Log) => {
  const isRepeatedScan = createScanMemory()
  return (fact: Told): void => {
    const { type, seq: _seq, at: _at, ...fields } = fact
    const { path: _path, file: _file, request: _request, ...shown } = fields as Record<string, unknown>
    const isDetail = details.has(type) || isRepeatedScan(fact) || isSaidTwice(fact)
    const plain = flat(fact.type === 'simulation.step' ? step(fact) : shown)
    const isWarning = warnings.has(type) || (fact.type === 'simulation.step' && fact.reason !== undefined)
    log[isWarning ? 'warn' : isDetail ? 'debug' : 'info'](factSentence(fact), { event: type, ...plain })
  }
}

/** `camera.connected` or `camera.disconnected` says the same. */
const isSaidTwice = (fact: Fact): boolean =>
  fact.type === 'camera.statusChanged' &&
  (fact.to === 'DISCONNECTED' || (fact.from === 'DISCONNECTED' && fact.to === 'CONNECTED'))

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

/**
 * Of `reason`, also that of an ended recording, only the code, because the line says its sentence; `percent` has one
 * decimal, times are text.
 */
function flat(fields: Record<string, unknown>): Record<string, unknown> {
  const { outcome, percent, from, to } = fields
  const reason = fields.reason ?? (outcome as { reason?: unknown } | undefined)?.reason
  return {
    ...fields,
    ...(isReason(reason) && { reason: reason.code }),
    ...(typeof percent === 'number' && { percent: Math.round(percent * 10) / 10 }),
    ...(typeof from === 'number' && { from: new Date(from).toISOString() }),
    ...(typeof to === 'number' && { to: new Date(to).toISOString() }),
  }
}

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
