import type { Caller } from '../machines/domain/access.js'
import type { Answer } from './batch.js'
import type { Method } from './method.js'
import type { Session } from './session.js'

/** One request on its way to its reply. */
export interface Turn {
  session: Session
  /** The name of the request in the log and the audit log. */
  requestId: string
  /** Monotonic. */
  began: number
  /** The JSON of the id; absent for a notification. */
  id: string | undefined
  answer: Answer
  method: Method | undefined
  params: unknown
  /** The caller that the request was judged for; absent before that. */
  caller: Caller | undefined
  /** What is to follow the reply. */
  afterReply: (() => void) | undefined
}
