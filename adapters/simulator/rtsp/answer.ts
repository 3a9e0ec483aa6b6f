import type { HeaderFields } from '../../rtsp/message.js'
import { Refused } from '../auth.js'
import { NoStream } from '../paths/path.js'

/** `end`: why the connection is closed behind the answer. */
export interface Answer {
  status: number
  headers?: HeaderFields
  body?: string
  end?: string
}

/** A request that is answered with `status`, and is the last one. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** As MediaMTX has it: 404 is only for a path without a source, a source that timed out is a 400 like a name that is not known. */
export function answerOf(error: unknown): Answer {
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof Refused) {
    const headers = { 'www-authenticate': 'Basic realm="ipcam"' }
    return { status: 401, headers, ...(!error.askCredentials && { end: `authentication failed: ${reason}` }) }
  }
  return { status: error instanceof Refusal ? error.status : error instanceof NoStream ? 404 : 400, end: reason }
}
