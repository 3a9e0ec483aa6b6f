import type { Fact, Told } from '../machines/domain/facts.js'
import type { Log } from '../machines/domain/ports.js'

/** Facts that an operator must see without asking for more. */
const warnings = new Set<Fact['type']>([
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
])

/** Those that come all the time where scans are periodic. */
const details = new Set<Fact['type']>(['discovery.started', 'discovery.progress'])

/** A line of the log for each fact, without what would make equal lines differ, and without paths. */
export const logFacts =
  (log: Log) =>
  ({ type, seq: _seq, at: _at, ...fields }: Told): void => {
    const { path: _path, ...shown } = fields as Record<string, unknown>
    log[warnings.has(type) ? 'warn' : details.has(type) ? 'debug' : 'info'](type, shown)
  }
