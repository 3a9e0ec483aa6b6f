import type { Dispose } from './dispose.js'

/** The actors as they run, in the messages of `@statelyai/inspect`: JSON texts. Credentials are masked. */
export interface Inspection {
  /** Passes the present actors to `receive` at once, then each message in order. */
  follow(receive: (message: string) => void): Dispose
  /** The messages for a receiver that missed `missed` messages: an event that says so, then the present actors. */
  resume(missed: number): string[]
}
