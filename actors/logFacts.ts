import type { Fact, Told } from '../machines/domain/facts.js'
import type { Log } from '../machines/domain/ports.js'
import type { Reason } from '../machines/domain/reason.js'

/** Facts that are logged as warnings. */
const warnings = new Set<Fact['type']>([
  'actor.failed',
  'camera.probeFailed',
  'camera.identityAmbiguous',
  'recording.failed',
  'recording.interrupted',
  'snapshot.failed',
  'stream.stalled',
  'link.degraded',
  'link.down',
  'storage.warning',
  'storage.critical',
  'storage.blind',
])

/** Frequent facts, from periodic scans and from pages that show stills: logged at debug level. */
const details = new Set<Fact['type']>(['discovery.started', 'discovery.progress', 'still.taken', 'still.failed'])

/** Writes a log line for each fact, without paths, and without fields that make repeated lines differ. */
export const logFacts =
  (log: Log) =>
  ({ type, seq: _seq, at: _at, ...fields }: Told): void => {
    const { path: _path, file: _file, request: _request, ...shown } = fields as Record<string, unknown>
    log[warnings.has(type) ? 'warn' : details.has(type) ? 'debug' : 'info'](type, flat(shown))
  }

/** Splits `reason` into its code and its sentence (`details`). */
function flat(fields: Record<string, unknown>): Record<string, unknown> {
  const { reason } = fields
  return isReason(reason) ? { ...fields, reason: reason.code, details: reason.details } : fields
}

const isReason = (value: unknown): value is Reason =>
  typeof value === 'object' && value !== null && 'code' in value && 'details' in value
