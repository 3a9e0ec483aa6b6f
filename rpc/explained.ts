import type { Caller } from '../machines/domain/access.js'
import { type ErrorData, ServiceError } from '../machines/domain/errors.js'
import type { Explain, Explanation } from '../machines/domain/explanation.js'
import { entryInWords, withoutRepeats } from '../machines/domain/explanationWords.js'
import { cameraOf, type JournalEntry } from '../machines/domain/journal.js'
import type { Log } from '../machines/domain/ports.js'
import { evidenceFor } from './evidence.js'
import { given, isoOf } from './present.js'
import { mayReach } from './rights.js'

/** Causes that an error repeats. */
const fewCauses = 4

/**
 * Returns an error about a state with the facts of this state: since when, the causes, the evidence, and when the
 * service looks or tries again. `camera`: the camera of the call.
 */
export function withFacts(
  { explain, log }: { explain: Explain; log: Log },
  error: ServiceError,
  camera: string | undefined,
  caller: Caller | undefined,
): ServiceError {
  if (error.key !== 'invalidState' && error.key !== 'dependencyFailed') return error
  try {
    const subject = subjectOf(explain, error, camera)
    if (subject === undefined) return error
    const facts = factsOf(subject, caller)
    return new ServiceError(error.key, { ...error.data, ...facts }, error.message)
  } catch (fault) {
    // The camera was removed meanwhile.
    log.debug('the facts of an error are not known', { error: fault })
    return error
  }
}

function subjectOf(explain: Explain, { key, data }: ServiceError, camera?: string): Explanation | undefined {
  if (key === 'dependencyFailed') {
    if (data.dependency === 'mediamtx' || data.dependency === 'storage') return explain.component(data.dependency)
    return data.dependency === 'camera' && camera !== undefined ? explain.failure(camera, data.reason) : undefined
  }
  if (camera === undefined || data.state === undefined || data.reason === 'stream_asleep') return undefined
  const found = explain.camera(camera)
  return found.state === data.state ? found : explain.recording(camera)
}

const factsOf = ({ since, causes, evidence, timers }: Explanation, caller: Caller | undefined): ErrorData =>
  given({
    since: since > 0 ? isoOf(since) : undefined,
    causes: wordsOf(visible(causes, caller)),
    evidence: evidenceFor(caller, evidence),
    until: isoOf(timers.find(({ isNewTry }) => isNewTry)?.until),
  }) as ErrorData

const wordsOf = (entries: readonly JournalEntry[]) =>
  entries.length === 0 ? undefined : withoutRepeats(entries.map(entryInWords)).slice(0, fewCauses)

/** Whether a caller gets the entry: those of other cameras are hidden. */
export const maySee = (caller: Caller | undefined, { actor }: JournalEntry): boolean => {
  const camera = cameraOf(actor)
  return camera === undefined || mayReach(caller, camera)
}

/**
 * The entries that a caller gets. Others' requests are only shown to administrators of all cameras. File names belong
 * to the entries of their camera.
 */
export const visible = (entries: readonly JournalEntry[], caller: Caller | undefined): JournalEntry[] =>
  entries.filter((entry) => maySee(caller, entry)).map((entry) => withoutHost(withoutOthers(entry, caller), caller))

function withoutHost({ evidence, ...entry }: JournalEntry, caller: Caller | undefined): JournalEntry {
  const shown = evidenceFor(caller, evidence)
  return shown === undefined ? entry : { ...entry, evidence: shown }
}

function withoutOthers(entry: JournalEntry, caller: Caller | undefined): JournalEntry {
  const { cause } = entry
  if (caller === undefined || cause?.by === undefined || caller.user === cause.by.user) return entry
  if (caller.role === 'admin' && caller.cameras === undefined) return entry
  const { by: _by, ...rest } = cause
  return { ...entry, cause: rest }
}
