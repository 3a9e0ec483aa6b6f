/** The cause of an interruption, as exact as it is known. */
import type { Reason, ReasonCode } from './reason.js'

/**
 * Reasons that only describe what was seen of a fault, the vaguest first. All others name the cause: the camera was
 * unplugged, the disk is full, the media server ended.
 */
const symptoms: readonly ReasonCode[][] = [
  // The media server also closes a stream without data.
  [
    ...(['no_data', 'server_closed', 'stream_lost', 'stream_not_found', 'not_started_in_time', 'timed_out'] as const),
    ...(['no_longer_used', 'pipeline_replaced', 'failed'] as const),
  ],
  ['no_frames', 'pipeline_failed'],
  // Of a process that ends together with its camera or with its media server.
  ['pipeline_killed', 'pipeline_restarted', 'device_gone', 'device_error'],
  ['server_unreachable', 'server_error', 'breaker_open'],
]

const exactness = ({ code }: Reason): number => {
  const at = symptoms.findIndex((codes) => codes.includes(code))
  return at < 0 ? symptoms.length : at
}

/** Returns `found` if it says more about the cause than `known`. The first one of two that say as much stays. */
export const moreExact = (known: Reason, found: Reason | undefined): Reason =>
  found && exactness(found) > exactness(known) ? found : known
