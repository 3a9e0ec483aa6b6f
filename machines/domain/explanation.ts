/** The answer to "why": a state in words, its causes, its evidence, and what is allowed now. */
import type { Flapping, JournalEntry } from './journal.js'
import type { Evidence, Reason } from './reason.js'

/** A delay that runs. */
export interface Timer {
  name: string
  /** What happens then. */
  effect: string
  /** Epoch ms. */
  until: number
  /** The service looks or tries again then, or a recording that is in the way ends. */
  isNewTry?: boolean
}

/** A method that is refused now. */
export interface Refused {
  method: string
  reason: string
  /** What is wrong, and what the method would need. */
  details: string
  needs: string
}

export interface Explanation {
  /** `camera0`, `recording of camera0`, `mediamtx`, `storage`, `discovery`. */
  subject: string
  state: string
  /** Epoch ms; 0: not known. */
  since: number
  /** The state in words. */
  text: string
  reason?: Reason
  evidence?: Evidence
  /** The latest change of the state, then what led to it, at most ten; then, of a camera, what ended its stream. */
  causes: JournalEntry[]
  /** Newest first: how a state began that lasts since then; of a good state, the fault before it. Absent: nothing. */
  before?: JournalEntry[]
  timers: Timer[]
  allowed: string[]
  refused: Refused[]
  flapping?: Flapping
}

export type Component = 'mediamtx' | 'storage' | 'discovery'

/** Explains the present states. Reads only. */
export interface Explain {
  /** Throws ServiceError `notFound`. */
  camera(id: string): Explanation
  /** The recording of a camera, or its last one. Throws ServiceError `notFound`. */
  recording(id: string): Explanation
  component(name: Component): Explanation
  /**
   * What made a request to a camera fail for this reason: the state of the camera, or a part of it that failed;
   * `undefined`: not known. Throws ServiceError `notFound`.
   */
  failure(id: string, code: string | undefined): Explanation | undefined
  /** Its rhythm if it disconnects again and again. */
  flapping(id: string): Flapping | undefined
}
