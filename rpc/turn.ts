import type { ID } from 'jsonrpc-lite'
import type { Caller } from '../machines/domain/access.js'
import type { Method } from './method.js'
import type { Session } from './session.js'

/** One request on its way to its reply. */
export interface Turn {
  session: Session
  /** The name of the request in the log and the audit log. */
  requestId: string
  /** Monotonic. */
  began: number
  id: ID | undefined
  method: Method | undefined
  params: unknown
  /** The caller that the request was judged for; absent before that. */
  caller: Caller | undefined
  /** What is to follow the reply. */
  afterReply: (() => void) | undefined
}
