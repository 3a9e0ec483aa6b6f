import type { HeaderFields } from '../../rtsp/message.js'
import { Refused } from '../auth.js'
import { errorText } from '../errorText.js'
import { NoStream } from '../paths/path.js'

/** A response to a request. */
export interface Answer {
  status: number
  headers?: HeaderFields
  body?: string
  /** Closes the connection after the response, for this reason. */
  end?: string
}

/** Refuses a request with `status` and ends the connection. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** Returns the response to a failed request. As in MediaMTX, 404 means a path without a source; all else is a 400. */
export function answerOf(error: unknown): Answer {
  const reason = errorText(error)
  if (error instanceof Refused) {
    const headers = { 'www-authenticate': 'Basic realm="ipcam"' }
    return { status: 401, headers, ...(!error.askCredentials && { end: `authentication failed: ${reason}` }) }
  }
  return { status: error instanceof Refusal ? error.status : error instanceof NoStream ? 404 : 400, end: reason }
}
