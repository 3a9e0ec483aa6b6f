/** The cause of an interruption, as exact as it is known. */
import type { Reason, ReasonCode } from './reason.js'

const hang: readonly ReasonCode[] = ['server_unreachable', 'server_hung', 'breaker_open', 'server_error']
const serverEnd: readonly ReasonCode[] = ['server_ended', 'server_hung', 'server_restarted']
const cameraEnd: readonly ReasonCode[] = ['unplugged', 'device_gone', 'device_error', 'unreachable']
const storage: readonly ReasonCode[] = [
  ...(['storage_full', 'storage_priority', 'storage_read_only', 'storage_failed', 'storage_missing'] as const),
  ...(['storage_denied', 'storage_unknown', 'file_too_large'] as const),
]
const pipelineEnd: readonly ReasonCode[] = ['pipeline_killed', 'pipeline_failed', 'pipeline_restarted']
/** Says nothing about a loss: a process that ends normally, and what only repeats that the stream is lost. */
const loss: readonly ReasonCode[] = [
  ...(['server_closed', 'stream_lost', 'stream_not_found', 'not_started_in_time', 'timed_out', 'failed'] as const),
  ...(['no_data', 'no_longer_used', 'pipeline_replaced'] as const),
]

/**
 * What explains a reason that only says what was seen; all other reasons are causes themselves. A server that ends
 * closes its connections at once, so it does not explain a file that has not grown for a while, but one that hangs does.
 */
function explains(code: ReasonCode, symptom: ReasonCode): boolean {
  if (symptom === 'no_data')
    return [...hang, ...cameraEnd, ...storage, 'no_frames', 'pipeline_restarted'].includes(code)
  if (loss.includes(symptom)) return !loss.includes(code)
  if (symptom === 'no_frames') return [...hang, ...cameraEnd, 'pipeline_restarted'].includes(code)
  if (symptom === 'pipeline_restarted') return [...hang, ...cameraEnd].includes(code)
  // A process may end together with its media server, or with its camera.
  if (pipelineEnd.includes(symptom)) return [...hang, ...serverEnd, ...cameraEnd].includes(code)
  if (symptom === 'device_gone' || symptom === 'device_error') return code === 'unplugged'
  return hang.includes(symptom) && serverEnd.includes(code)
}

/** True: the reason only says that something was lost. */
export const isLoss = ({ code }: Reason): boolean => loss.includes(code)

/** Returns `found` if it explains what is `known`, else `known`. */
export const moreExact = (known: Reason, found: Reason | undefined): Reason =>
  found && explains(found.code, known.code) ? found : known
